"""Each of PostgreSQL's codes becomes the error that says what to do."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import errors

from interstore.errors import (
    ConfigurationError,
    CorruptionError,
    DuplicateError,
    InterstoreError,
    InvalidDocumentError,
    InvalidQueryError,
    OperationTimeoutError,
    PermissionDeniedError,
    UnavailableError,
)
from interstore.settings import Secret
from interstore_backends.postgresql._sync.database import PostgreSQLDatabase
from interstore_backends.postgresql.errors import Translator, is_lost, was_rolled_back
from tests.engines.postgresql.support import fill, run, write

translate = Translator("PostgreSQL at x", 3.0, (Secret("s3cret word"),))


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("23505", DuplicateError),
        ("23514", InvalidDocumentError),
        ("57014", OperationTimeoutError),
        ("55P03", OperationTimeoutError),
        ("57P01", UnavailableError),
        ("57P03", UnavailableError),
        ("08006", UnavailableError),
        ("53100", UnavailableError),
        ("53300", UnavailableError),
        ("40001", UnavailableError),
        ("40P01", UnavailableError),
        ("28P01", PermissionDeniedError),
        ("28000", PermissionDeniedError),
        ("42501", PermissionDeniedError),
        ("25006", PermissionDeniedError),
        ("3D000", ConfigurationError),
        ("3F000", ConfigurationError),
        ("22021", InvalidDocumentError),
        ("22P05", InvalidDocumentError),
        ("54000", InvalidDocumentError),
        ("54001", InvalidQueryError),
        ("2201B", InvalidQueryError),
        ("XX000", UnavailableError),
        ("XX001", CorruptionError),
        ("42601", InterstoreError),
    ],
)
def test_a_code(code: str, kind: type[InterstoreError]) -> None:
    made = translate(errors.lookup(code)("it said so"), "m")
    assert type(made) is kind
    assert (made.backend, made.model) == ("postgresql", "m")


def test_secrets_are_removed() -> None:
    made = translate(psycopg.OperationalError("cannot connect: password=s3cret%20word s3cret word"))
    assert type(made) is UnavailableError
    assert "s3cret" not in str(made)


def test_what_is_repeated() -> None:
    assert was_rolled_back(errors.DeadlockDetected())
    assert was_rolled_back(errors.SerializationFailure())
    assert is_lost(errors.AdminShutdown())
    assert is_lost(psycopg.OperationalError("the connection is closed"))
    assert not is_lost(errors.QueryCanceled())
    assert not is_lost(errors.UniqueViolation())


def test_a_unique_index_is_named(database: PostgreSQLDatabase) -> None:
    fill(database, a={"u": 1})
    run(database, "CREATE UNIQUE INDEX once ON m ((doc -> 'u'))")
    with pytest.raises(DuplicateError) as caught:
        database.create("m", write("b", {"u": 1}))
    assert caught.value.index == "once"
    assert isinstance(caught.value.__cause__, errors.UniqueViolation)
    with pytest.raises(DuplicateError) as caught:
        database.create("m", write("a", {"u": 2}))
    assert caught.value.index is None
    outcomes = database.create_many("m", [write("c", {"u": 1}), write("d", {"u": 3})])
    assert isinstance(outcomes[0], DuplicateError)
    assert outcomes[0].index == "once"
    assert outcomes[1] == 1
