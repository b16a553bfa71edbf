"""The tables of a schema: one for each model, and one that lists them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

from interstore.errors import ConfigurationError
from interstore.indexes import Index
from interstore_backends.postgresql.quoting import quote_name, quote_text
from interstore_backends.postgresql.values import NOT_INDEXED, Indexed

__all__ = [
    "COLUMNS",
    "EXPIRY",
    "LAYOUT",
    "LIVE",
    "Registry",
    "Table",
    "creation_is_off",
    "newer_layout",
    "not_ours",
]

EXPIRY: Final = "@expires_at"
"""The name of the declaration that documents of a model expire; ready once there is an index."""

LAYOUT: Final = 1
"""How the columns of a model's table are laid out."""

_ENVELOPE: Final = "id,version,created_at,updated_at,expires_at"
COLUMNS: Final = f"{_ENVELOPE},doc"

_PICK: Final = (
    "(SELECT coalesce(jsonb_object_agg(key, doc -> key), '{}') "
    "FROM unnest($1::text[]) AS key WHERE doc ? key)"
)
"""The document with some of its keys only."""


LIVE: Final = "(expires_at IS NULL OR expires_at > {})"
"""The condition that a document has not expired at a time."""

_GONE: Final = "t.expires_at <= excluded.updated_at"


class Registry:
    """The statements about the models of a schema."""

    def __init__(self, schema: str) -> None:
        self.schema = schema
        self._schema = quote_name(schema)
        self.name = f"{self._schema}.interstore_models"
        self.indexes = f"{self._schema}.interstore_indexes"
        self.lock = f"SELECT pg_advisory_xact_lock({_key(f'interstore {schema}')})"
        """Held while models are made and dropped, to the end of the transaction."""
        self.find = f"SELECT layout FROM {self.name} WHERE name = $1"
        self.models = f"SELECT name FROM {self.name} ORDER BY name"
        self.add = f"INSERT INTO {self.name} (name, layout) VALUES ($1, {LAYOUT})"
        self.remove = f"DELETE FROM {self.name} WHERE name = $1 RETURNING name"
        self.schema_exists = f"SELECT 1 FROM pg_namespace WHERE nspname = {quote_text(schema)}"
        self.create_schema = f"CREATE SCHEMA IF NOT EXISTS {self._schema}"
        # A text of the server's, so that another encoding or a lost registry shows early.
        self.exists = (
            f"SELECT to_regclass({quote_text(self.name)}) IS NOT NULL "
            f"AND to_regclass({quote_text(self.indexes)}) IS NOT NULL"
        )
        self.create = (
            (
                f"CREATE TABLE IF NOT EXISTS {self.name} ("
                'name text COLLATE "C" PRIMARY KEY, layout integer NOT NULL)'
            ),
            # With its model, what it declares is gone.
            (
                f"CREATE TABLE IF NOT EXISTS {self.indexes} ("
                f'model text COLLATE "C" REFERENCES {self.name} ON DELETE CASCADE, '
                'name text COLLATE "C", definition jsonb NOT NULL, ready boolean NOT NULL, '
                "PRIMARY KEY (model, name))"
            ),
        )
        self.declared = (
            f"SELECT definition, ready FROM {self.indexes} "
            f"WHERE model = $1 AND name <> '{EXPIRY}' ORDER BY name"
        )
        self.all_declared = (
            f"SELECT name, definition, ready FROM {self.indexes} WHERE model = $1 ORDER BY name"
        )
        self.begin_expiry = (
            f"INSERT INTO {self.indexes} VALUES ($1, '{EXPIRY}', "
            "jsonb_build_object('since', extract(epoch FROM clock_timestamp())), FALSE) "
            "ON CONFLICT DO NOTHING"
        )
        self.expiry_age = (
            "SELECT (extract(epoch FROM clock_timestamp()) - (definition ->> 'since')::numeric)"
            f"::float8 FROM {self.indexes} WHERE model = $1 AND name = '{EXPIRY}'"
        )
        self.declare = f"INSERT INTO {self.indexes} VALUES ($1, $2, $3::jsonb, FALSE)"
        index = f"{self.indexes} {{}} WHERE model = $1 AND name = $2 RETURNING name"
        self.finish = f"UPDATE {index.format('SET ready = TRUE')}"
        self.begin_removal = f"UPDATE {index.format('SET ready = FALSE')}"
        self.forget = f"DELETE FROM {index.format('')}"
        self.is_ready = f"SELECT ready FROM {self.indexes} WHERE model = $1 AND name = $2"
        longest = f"{self._schema}.interstore_longest"
        self.measures = f"SELECT to_regprocedure({quote_text(f'{longest}(jsonb)')}) IS NOT NULL"
        self.create_measure = (
            f"CREATE FUNCTION {longest}(list jsonb) RETURNS integer "
            "LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE BEGIN ATOMIC "
            "SELECT coalesce(max(octet_length(e #>> '{}')), 0) FROM jsonb_array_elements(list) e "
            "WHERE jsonb_typeof(e) = 'string'; END"
        )
        """The bytes of the longest string in a list; a constraint cannot ask for it otherwise."""

    def try_lock(self, model: str) -> str:
        """The query for the lock under which one at a time builds indexes of a model.

        It does not wait: a statement that does is what building an index waits for.
        """
        return f"SELECT pg_try_advisory_xact_lock({_key(f'interstore {self.schema} {model}')})"

    def table(self, model: str) -> Table:
        """The statements about a model's table."""
        return Table(model, f"{self._schema}.{quote_name(model)}")

    def create_table(self, model: str) -> str:
        """The statement that makes a model's table."""
        # The name of an index is one among those of tables; no model begins like this.
        key = quote_name(f"interstore_pk_{model}")
        return (
            f"CREATE TABLE {self._schema}.{quote_name(model)} ("
            f'id text COLLATE "C" CONSTRAINT {key} PRIMARY KEY, version bigint NOT NULL, '
            "created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, "
            "expires_at timestamptz, doc jsonb NOT NULL)"
        )

    def kind_of(self, model: str) -> str:
        """The query for what has a model's name already: one row, with what it is."""
        return (
            "SELECT CASE relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' ELSE 'relation' END "
            f"FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = "
            f"{quote_text(self.schema)} AND relname = {quote_text(model)}"
        )


def _key(text: str) -> int:
    """The number of an advisory lock."""
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


class Table:
    """One model's table: the texts of the statements that do not depend on a filter.

    Attributes:
        name: as statements have it, quoted.
        declared: the indexes when it was last looked, those being built included.
        indexed: what those serve that were ready.
        expiring: whether documents of the model expire, as far as it is known.
        is_swept: whether there is an index of what expires, as far as it is known.
        fresh_until: when to look again, on the monotonic clock.
    """

    __slots__ = (
        "copy_if_absent",
        "copy_newer",
        "copy_over",
        "create",
        "create_many",
        "declared",
        "delete",
        "delete_if",
        "expiring",
        "find_by_ids",
        "fresh_until",
        "get",
        "indexed",
        "is_swept",
        "model",
        "name",
        "put",
        "put_if",
        "put_many",
        "replace_if",
        "select",
        "select_keys",
    )  # fmt: skip

    def __init__(self, model: str, name: str) -> None:
        self.model = model
        self.name = name
        self.declared: tuple[Index, ...] = ()
        self.indexed: Indexed = NOT_INDEXED
        self.expiring = False
        self.is_swept = False
        self.fresh_until = 0.0
        self.select = f"SELECT {COLUMNS} FROM {name}"
        self.select_keys = f"SELECT {_ENVELOPE},{_PICK} FROM {name}"
        self.get = f"{self.select} WHERE id = $1"
        self.find_by_ids = f"{self.select} WHERE id = ANY($1::text[])"
        self.delete = f"DELETE FROM {name} WHERE id = $1 AND {LIVE.format('$2::timestamptz')}"
        self.delete_if = (
            f"DELETE FROM {name} WHERE id = $1 AND version = $2 "
            f"AND created_at = coalesce($4::timestamptz, created_at) "
            f"AND {LIVE.format('$3::timestamptz')} RETURNING id"
        )
        insert = f"INSERT INTO {name} AS t ({COLUMNS}) "
        one = f"{insert} VALUES ($1,$2,$3,$4,$5,$6) "
        alike = f"{insert} {_UNPACK_ALIKE} "
        many = f"{insert} {_UNPACK} "
        skip = "ON CONFLICT (id) DO NOTHING"
        over = (
            "ON CONFLICT (id) DO UPDATE SET updated_at = excluded.updated_at, "
            "expires_at = excluded.expires_at, doc = excluded.doc, version = "
        )
        anew = (
            f"{over} CASE WHEN {_GONE} THEN 1 ELSE t.version + 1 END, created_at = "
            f"CASE WHEN {_GONE} THEN excluded.created_at ELSE t.created_at END"
        )
        copy = f"{many} {over} excluded.version, created_at = excluded.created_at"
        self.create = one + skip
        self.put = f"{one} {anew} RETURNING version, created_at"
        replace = f"UPDATE {name} SET updated_at = $3, expires_at = $4, doc = $5, version = "
        self.put_if = (
            f"{replace} version + 1 WHERE id = $1 AND version = $2 AND {LIVE.format('$3')} "
            "RETURNING version, created_at"
        )
        # A document that was deleted and made anew may have the version again.
        same = "version = $2 AND created_at = $6 AND updated_at = $7"
        self.replace_if = f"{replace} $2::bigint + 1 WHERE id = $1 AND {same}"
        self.create_many = f"{alike} {skip} RETURNING id"
        self.put_many = f"{alike} {anew} RETURNING id, version"
        self.copy_over = copy  # all of them are written
        self.copy_if_absent = f"{many} {skip} RETURNING id, version"
        self.copy_newer = f"{copy} WHERE excluded.version > t.version RETURNING id, version"


_UNPACK: Final = (
    "SELECT e ->> 0, (e ->> 1)::bigint, (e ->> 2)::timestamptz, (e ->> 3)::timestamptz, "
    "(e ->> 4)::timestamptz, e -> 5 FROM jsonb_array_elements($1::jsonb) e"
)
"""Rows from one parameter: an array of arrays. The caller sorts them by id, or two calls at
once could wait for one another for ever."""

_UNPACK_ALIKE: Final = (
    "SELECT id, $3::bigint, $4::timestamptz, $5::timestamptz, $6::timestamptz, doc "
    "FROM ROWS FROM (unnest($1::text[]), jsonb_array_elements($2::jsonb)) AS e (id, doc)"
)
"""Likewise, of documents that differ in id and fields only: a fifth less work."""


def creation_is_off(model: str, existing: Iterable[str]) -> ConfigurationError:
    """The error for a write to a model that does not exist and must not be created."""
    return ConfigurationError(
        f"there is no model {model!r}, and auto_create (DATABASE_AUTO_CREATE) is off; the "
        f"models that exist: {', '.join(existing) or 'none'}",
        backend="postgresql",
        model=model,
    )


def not_ours(model: str, kind: str, schema: str) -> ConfigurationError:
    """The error for a model whose name is taken by something of the application's."""
    return ConfigurationError(
        f"the schema {schema!r} has a {kind} {model!r} that Interstore did not make; use another "
        "name for the model or another schema, or open what is there with store.foreign(...)",
        backend="postgresql",
        model=model,
    )


def newer_layout(model: str, layout: int) -> ConfigurationError:
    """The error for a table that a newer Interstore made."""
    return ConfigurationError(
        f"the model {model!r} has the layout {layout} of a newer Interstore; this one knows "
        f"{LAYOUT}: upgrade the package interstore",
        backend="postgresql",
        model=model,
    )
