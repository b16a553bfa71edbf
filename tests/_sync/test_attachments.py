# Generated from tests/_async/test_attachments.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 41285fe2fd1caf223230c17d

"""Documents that own blobs."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, TypedDict

import msgspec
import pydantic
import pytest
from fsspec.implementations.memory import MemoryFileSystem  # type: ignore[import-untyped]

from interstore import BlobRef, BlobRules
from interstore._sync.store import Store
from interstore._sync.with_blobs import StoreWithBlobs
from interstore.attaching import PREFIX
from interstore.blobs._sync import check
from interstore.blobs._sync.store import BlobStore
from interstore.errors import (
    ConfigurationError,
    ConflictError,
    CorruptionError,
    InterstoreError,
    InvalidDocumentError,
    InvalidQueryError,
    NotFoundError,
    OperationTimeoutError,
    UnavailableError,
    UnsupportedError,
)
from interstore.warnings import InterstoreWarning
from tests import databases
from tests.blob_engines import fsspec_blobs, local_blobs, memory_blobs

NOW = timedelta(0)
PNG = b"\x89PNG\r\n\x1a\n..."


class Fails:
    """An engine's method that fails, the first time, before or after it did its work."""

    def __init__(self, real: Any, error: BaseException, *, before: bool) -> None:
        self.real = real
        self.error: BaseException | None = error
        self.before = before

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        error, self.error = self.error, None
        if error is not None and self.before:
            raise error
        result = self.real(*args, **kwargs)
        if error is not None:
            raise error
        return result


@pytest.fixture
def blobs(tmp_path: Path) -> Iterator[BlobStore]:
    with BlobStore(local_blobs(tmp_path / "blobs")) as blobs:
        yield blobs


@pytest.fixture
def store(tmp_path: Path, blobs: BlobStore) -> Iterator[StoreWithBlobs]:
    with Store(databases.sqlite(tmp_path)).with_blobs(blobs) as store:
        store.create("users", {"id": "ada"})
        yield store


def keys(blobs: BlobStore) -> list[str]:
    return [entry.key for entry in blobs.list()]


def found(store: StoreWithBlobs, **options: Any) -> list[tuple[str, str]]:
    options.setdefault("older_than", NOW)
    return [(one.kind, one.key) for one in store.check_blobs(**options)]


class TestAttach:
    def test_the_way_of_a_file(self, store: StoreWithBlobs, blobs: BlobStore) -> None:
        document = store.attach("users", "ada", "photo", PNG)
        ref = BlobRef.of(document["photo"])
        assert document.version == 2
        assert document == store.get("users", "ada")
        assert (ref.store, ref.size, ref.content_type) == ("default", len(PNG), "image/png")
        assert ref.sha256 == sha256(PNG).hexdigest()
        assert ref.key.startswith("attachments/users/ada/")
        with store.open(document["photo"]) as file:
            assert file.read() == PNG
        assert store.blobs["default"].get(ref.key) == PNG

        document = store.detach("users", "ada", "photo")
        assert (dict(document), document.version) == ({"id": "ada"}, 3)
        assert keys(blobs) == []
        assert store.detach("users", "ada", "photo").version == 3

    def test_every_kind_of_source(
        self, store: StoreWithBlobs, blobs: BlobStore, tmp_path: Path
    ) -> None:
        path = tmp_path / "Report.PDF"
        path.write_bytes(b"%PDF-1.7")

        def pieces() -> Iterator[bytes]:
            yield b"%PDF"
            yield b"-1.7"

        for place, source in (
            ("a", path),
            ("b.c", io.BytesIO(b"%PDF-1.7")),
            ("d", pieces()),
            ("e", bytearray(b"%PDF-1.7")),
        ):
            store.attach("users", "ada", place, source)
        document = store.get("users", "ada")
        refs = [document["a"], document["b"]["c"], document["d"], document["e"]]
        assert {ref["content_type"] for ref in refs} == {"application/pdf"}
        assert {ref["sha256"] for ref in refs} == {sha256(b"%PDF-1.7").hexdigest()}
        assert refs[0]["key"].endswith(".pdf")
        assert len(keys(blobs)) == 4

    def test_what_is_replaced_is_removed(self, store: StoreWithBlobs, blobs: BlobStore) -> None:
        store.attach("users", "ada", "photo", b"one")
        document = store.attach("users", "ada", "photo", b"two", metadata={"n": "2"})
        assert keys(blobs) == [document["photo"]["key"]]
        assert blobs.stat(document["photo"]["key"]).metadata == {"n": "2"}
        kept = document["photo"]["key"]
        document = store.attach("users", "ada", "photo", b"three", blobs="keep")
        assert set(keys(blobs)) == {kept, document["photo"]["key"]}

    def test_a_list(self, store: StoreWithBlobs, blobs: BlobStore) -> None:
        for content in (b"1", b"2", b"3"):
            store.attach("users", "ada", "files", content, append=True)
        document = store.get("users", "ada")
        first, second, third = document["files"]
        document = store.detach("users", "ada", "files", key=second["key"])
        assert document["files"] == [first, third]
        with pytest.raises(NotFoundError, match="no reference with the key"):
            store.detach("users", "ada", "files", key=second["key"])
        assert keys(blobs) == sorted([first["key"], third["key"]])
        assert "files" not in store.detach("users", "ada", "files")
        assert keys(blobs) == []

    def test_strange_ids_and_fields(self, store: StoreWithBlobs, blobs: BlobStore) -> None:
        ids = ["../a", "a/b", "é" * 127, ".", "a%2Fb", "A", "a", "~x", "x" * 255]
        for id in ids:
            store.create("users", {"id": id})
            document = store.attach("users", id, ("my.photo", "[0]"), id.encode())
            with store.open(document["my.photo"]["[0]"]) as file:
                assert file.read() == id.encode()
        assert len({key.rpartition("/")[0] for key in keys(blobs)}) == len(ids)
        assert found(store, verify=True) == []

    def test_refusals_leave_nothing(self, store: StoreWithBlobs, blobs: BlobStore) -> None:
        store.update("users", "ada", {"name": "Ada", "tags": ["x"]})
        refused: list[tuple[type[InterstoreError], dict[str, Any]]] = [
            (NotFoundError, {"id": "bob"}),
            (ConflictError, {"if_version": 1}),
            (InvalidDocumentError, {"path": "name"}),
            (InvalidDocumentError, {"path": "name.photo"}),
            (InvalidDocumentError, {"path": "name", "append": True}),
            (InvalidDocumentError, {"path": "photos[0]"}),
            (InvalidDocumentError, {"path": "id"}),
            (InvalidQueryError, {"content_type": "no type"}),
            (InvalidQueryError, {"source": "a text"}),
            (InvalidQueryError, {"blobs": "burn"}),
            (ConfigurationError, {"store": "media"}),
        ]
        for error, arguments in refused:
            given = {"id": "ada", "path": "photo", "source": b"x", **arguments}
            with pytest.raises(error):
                store.attach("users", **given)
            assert keys(blobs) == []
        assert store.get("users", "ada").version == 2
        for path in ("name", "tags"):
            with pytest.raises(InvalidDocumentError, match="not a reference"):
                store.detach("users", "ada", path)
        with pytest.raises(ConflictError):
            store.detach("users", "ada", "photo", if_version=1)
        with pytest.raises(InvalidDocumentError, match="not a reference"):
            store.open({"key": "x"})
        with pytest.raises(ConfigurationError, match="no blob store 'media' here, but default"):
            store.open(BlobRef(store="media", key="k", size=0, sha256="0" * 64, content_type=""))

    def test_the_rules_of_the_blob_store(self, tmp_path: Path) -> None:
        engine = local_blobs(tmp_path / "b")
        with (
            BlobStore(engine, rules=BlobRules(max_size=3)) as blobs,
            Store(databases.memory()).with_blobs(blobs) as store,
        ):
            store.create("users", {"id": "ada"})
            with pytest.raises(InvalidDocumentError, match="max_size"):
                store.attach("users", "ada", "photo", b"1234")
            assert dict(store.get("users", "ada")) == {"id": "ada"}

    def test_on_a_store_that_keeps_no_digests_and_types(self, tmp_path: Path) -> None:
        with (
            BlobStore(fsspec_blobs(MemoryFileSystem(), f"/{tmp_path.name}")) as blobs,
            Store(databases.memory()).with_blobs(blobs) as store,
        ):
            store.create("users", {"id": "ada"})
            ref: Any = None
            for source in (b"12", iter([b"1", b"2"]), io.BytesIO(b"12")):
                document = store.attach("users", "ada", "photo", source, content_type="text/csv")
                ref = document["photo"]
                assert ref["sha256"] == sha256(b"12").hexdigest()
                assert ref["content_type"] == "text/csv"
            blobs.put(ref["key"], b"21")
            with pytest.raises(CorruptionError):
                with store.open(ref) as file:
                    file.read()
            assert found(store, verify=True) == [("damaged", ref["key"])]

    def test_named_stores(self, blobs: BlobStore, tmp_path: Path) -> None:
        media = BlobStore(memory_blobs(), name="media")
        with (
            media,
            Store(databases.memory()).with_blobs(blobs, media) as store,
        ):
            store.create("users", {"id": "ada"})
            store.attach("users", "ada", "photo", b"1")
            document = store.attach("users", "ada", "film", b"2", store="media")
            assert document["film"]["store"] == "media"
            assert media.get(document["film"]["key"]) == b"2"
            assert found(store) == []
            store.delete("users", "ada")
            assert keys(media) + keys(blobs) == []
        with pytest.raises(ConfigurationError, match="two blob stores"):
            store.with_blobs(blobs, blobs)
        with pytest.raises(ConfigurationError, match="at least one"):
            store.with_blobs()


class TestAtOnce:
    def test_other_fields_change_meanwhile(self, store: StoreWithBlobs) -> None:
        def source() -> Iterator[bytes]:
            yield b"x"

        real = store.database.update
        meddling = True

        def update(*args: Any, **kwargs: Any) -> Any:
            nonlocal meddling
            if meddling:
                meddling = False
                store.update("users", "ada", {"$inc": {"n": 1}})
            return real(*args, **kwargs)

        store.database.update = update  # type: ignore[method-assign]
        document = store.attach("users", "ada", "photo", source())
        assert (document["n"], document.version) == (1, 3)
        meddling = True
        assert store.detach("users", "ada", "photo")["n"] == 2

    def test_the_document_is_removed_meanwhile(
        self, store: StoreWithBlobs, blobs: BlobStore
    ) -> None:
        real = store.database.update

        def update(*args: Any, **kwargs: Any) -> Any:
            store.delete("users", "ada")
            return real(*args, **kwargs)

        store.database.update = update  # type: ignore[method-assign]
        with pytest.raises(NotFoundError):
            store.attach("users", "ada", "photo", b"x")
        assert keys(blobs) == []

    @pytest.mark.parametrize("error", [OperationTimeoutError("?"), UnavailableError("?")])
    @pytest.mark.parametrize("before", [True, False])
    def test_a_write_that_may_have_been_applied_keeps_its_blob(
        self, store: StoreWithBlobs, error: InterstoreError, before: bool
    ) -> None:
        fails = Fails(store.database.update, error, before=before)
        store.database.update = fails  # type: ignore[method-assign]
        with pytest.raises(type(error)):
            store.attach("users", "ada", "photo", PNG)
        problems = found(store, verify=True)
        assert [kind for kind, _ in problems] == (["orphan"] if before else [])

    def test_a_blob_that_cannot_be_removed_is_told(self, store: StoreWithBlobs) -> None:
        document = store.attach("users", "ada", "photo", PNG)
        operations: Any = store.blobs["default"]._operations
        operations.delete_many = Fails(operations.delete_many, UnavailableError("?"), before=True)
        with pytest.warns(InterstoreWarning, match="blobs check --delete-orphans"):
            store.detach("users", "ada", "photo")
        assert found(store) == [("orphan", document["photo"]["key"])]


class TestDelete:
    def test_a_document_takes_its_blobs_with_it(
        self, store: StoreWithBlobs, blobs: BlobStore
    ) -> None:
        blobs.put("of/the/application", b"x")
        document = store.attach("users", "ada", "a.photo", b"1")
        store.attach("users", "ada", "files", b"2", append=True)
        with pytest.raises(ConflictError):
            store.delete("users", "ada", if_version=1)
        assert len(keys(blobs)) == 3
        assert store.delete("users", "ada", if_version=document.version + 1)
        assert keys(blobs) == ["of/the/application"]
        assert not store.delete("users", "ada")
        with pytest.raises(NotFoundError):
            store.delete("users", "ada", if_version=1)

    def test_many(self, store: StoreWithBlobs, blobs: BlobStore) -> None:
        for number in range(5):
            store.create("logs", {"id": str(number), "n": number})
            store.attach("logs", str(number), "text", b"x")
        assert store.delete_many("logs", {"n": {"$lt": 3}}).deleted == 3
        document = store.find_one_and_delete("logs", sort="-n")
        assert document is not None
        assert document["n"] == 4
        assert [key.split("/")[2] for key in keys(blobs)] == ["3"]
        assert store.delete_many("logs", {}, blobs="keep").deleted == 1
        assert len(keys(blobs)) == 1
        with pytest.raises(InvalidQueryError, match="needs a filter"):
            store.delete_many("logs", None)

    def test_as_the_model_says(self, store: StoreWithBlobs, blobs: BlobStore) -> None:
        keeping = store.with_blobs(blobs, on_delete={"logs": "keep"})
        for model in ("logs", "users"):
            keeping.put(model, {"id": "ada"})
            keeping.attach(model, "ada", "photo", b"1")
        keeping.delete("logs", "ada")
        keeping.delete("users", "ada")
        assert [key.split("/")[1] for key in keys(blobs)] == ["logs"]
        keeping.create("logs", {"id": "ada"})
        keeping.attach("logs", "ada", "photo", b"1")
        keeping.delete("logs", "ada", blobs="delete")
        assert len(keys(blobs)) == 1
        with pytest.raises(InvalidQueryError, match="'delete' or 'keep'"):
            store.with_blobs(blobs, on_delete="burn")  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError, match="does not end with '/'"):
            store.with_blobs(blobs, prefix="x")

    def test_a_copied_reference_is_not_owned(self, store: StoreWithBlobs) -> None:
        document = store.attach("users", "ada", "photo", b"1")
        store.create("users", {"id": "bob", "photo": document["photo"]})
        store.delete("users", "bob")
        with store.open(document["photo"]) as file:
            assert file.read() == b"1"
        store.update("users", "ada", {"old": document["photo"]})
        store.detach("users", "ada", "photo")  # `old` still refers to it
        assert found(store) == []

    def test_a_transaction(self, store: StoreWithBlobs, blobs: BlobStore) -> None:
        document = store.attach("users", "ada", "photo", b"1")

        def undone() -> None:
            with store.transaction() as transaction:
                transaction.attach("users", "ada", "photo", b"2")
                transaction.detach("users", "ada", "photo")
                transaction.delete("users", "ada")
                raise RuntimeError("on purpose")

        with pytest.raises(RuntimeError, match="on purpose"):
            undone()
        assert store.get("users", "ada") == document
        assert [kind for kind, _ in found(store)] == ["orphan"]
        with store.transaction() as transaction:
            transaction.detach("users", "ada", "photo")
            assert len(keys(blobs)) == 2
        assert [kind for kind, _ in found(store, delete_orphans=True)] == ["orphan"]
        assert keys(blobs) == []


class TestDeduplication:
    def test_equal_contents_are_kept_once(
        self, store: StoreWithBlobs, blobs: BlobStore, tmp_path: Path
    ) -> None:
        path = tmp_path / "a.txt"
        path.write_bytes(b"the same")
        sources: list[Any] = [b"the same", path, iter([b"the ", b"same"]), io.BytesIO(b"the same")]
        for number, source in enumerate(sources):
            store.create("users", {"id": str(number)})
            store.attach("users", str(number), "file", source, deduplicate=True)
        digest = sha256(b"the same").hexdigest()
        assert keys(blobs) == [f"attachments/~sha256/{digest[:2]}/{digest}"]
        version = store.get("users", "3").version
        document = store.attach("users", "3", "file", b"the same", deduplicate=True)
        assert document.version == version
        for number in range(3):
            store.delete("users", str(number))
        store.detach("users", "3", "file")
        assert len(keys(blobs)) == 1

    def test_it_is_removed_by_the_check_alone(
        self,
        store: StoreWithBlobs,
        blobs: BlobStore,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        store = store.with_blobs(blobs, deduplicate=True)
        store.create("users", {"id": "bob"})
        for id in ("ada", "bob"):
            store.attach("users", id, "file", b"the same")
        store.delete("users", "ada")
        checking = store.check_blobs(older_than=NOW, delete_orphans=True)
        assert [one for one in checking] == []
        store.delete("users", "bob")
        checking = store.check_blobs(older_than=NOW, delete_orphans=True)
        assert [one for one in checking] == []
        assert checking.young == 1  # it could be attached again at this moment
        monkeypatch.setattr(check, "_SHARED_AGE", NOW)
        assert len(found(store, delete_orphans=True)) == 1
        assert keys(blobs) == []

    def test_an_old_one_is_written_anew(
        self,
        store: StoreWithBlobs,
        blobs: BlobStore,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        from interstore._sync import attachments

        store.attach("users", "ada", "a", b"the same", deduplicate=True)
        [key] = keys(blobs)
        before = blobs.stat(key).etag
        store.attach("users", "ada", "b", b"the same", deduplicate=True)
        assert blobs.stat(key).etag == before
        monkeypatch.setattr(attachments, "FRESH", NOW)
        store.attach("users", "ada", "c", b"the same", deduplicate=True)
        assert blobs.stat(key).etag != before


class TestCheck:
    def test_what_it_finds(self, store: StoreWithBlobs, blobs: BlobStore) -> None:
        for id in ("bob", "eve", "sue"):
            store.create("users", {"id": id})
            store.attach("users", id, "a.photo", id.encode())
        refs = {
            one.id: one["a"]["photo"] for one in store.find("users", {"a": {"$exists": 1 == 1}})
        }
        blobs.delete(refs["bob"]["key"])
        blobs.put(refs["eve"]["key"], b"EVE")
        blobs.put(f"{PREFIX}users/ada/none", b"")
        blobs.put("elsewhere", b"")
        outside = BlobRef(
            store="default", key="elsewhere", size=0, sha256=sha256().hexdigest(), content_type=""
        )
        other = BlobRef(store="media", key="x", size=0, sha256="0" * 64, content_type="")
        gone = BlobRef(store="default", key="zzz", size=0, sha256="0" * 64, content_type="")
        store.update("users", "ada", {"files": [outside, other, gone, outside]})

        checking = store.check_blobs(older_than=NOW)
        kinds = {(one.kind, one.id, one.path) for one in checking}
        assert kinds == {
            ("dangling", "bob", "a.photo"),
            ("dangling", "ada", "files[2]"),
            ("orphan", None, None),
        }
        assert (checking.documents, checking.references, checking.blobs) == (4, 7, 3)
        assert checking.elsewhere == 1
        assert ("damaged", refs["eve"]["key"]) in found(store, verify=True)
        assert len(found(store, verify=True)) == 4

    def test_orphans(self, store: StoreWithBlobs, blobs: BlobStore) -> None:
        for key in ("users/ada/1", "logs/x/2"):
            blobs.put(PREFIX + key, b"")
        checking = store.check_blobs(delete_orphans=True)
        assert [one for one in checking] == []
        assert checking.young == 2
        assert found(store, models=["users"], delete_orphans=True) == [
            ("orphan", f"{PREFIX}users/ada/1")
        ]
        assert keys(blobs) == [f"{PREFIX}logs/x/2"]
        [finding] = [one for one in store.check_blobs(delete_orphans=True, older_than=NOW)]
        assert (finding.removed, finding.to_dict()["removed"]) == (True, True)
        assert keys(blobs) == []

    def test_what_changes_meanwhile_is_no_problem(self, store: StoreWithBlobs) -> None:
        store.attach("users", "ada", "photo", PNG)
        real = store.database.find

        def find(*args: Any, **kwargs: Any) -> Any:
            page = list(real(*args, **kwargs))
            store.detach("users", "ada", "photo")
            return page

        store.database.find = find  # type: ignore[method-assign]
        assert found(store) == []

    def test_more_than_memory_holds(
        self, store: StoreWithBlobs, blobs: BlobStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from interstore.blobs import spill

        monkeypatch.setattr(spill, "_FILES", 3)
        monkeypatch.setattr(spill.SortedRows.__init__, "__defaults__", (2,))
        refs = []
        for number in range(23):
            key = f"{PREFIX}users/ada/{number * 7 % 23:02}"
            info = blobs.put(key, b"")
            refs.append(
                BlobRef(
                    store="default",
                    key=key,
                    size=0,
                    sha256=info.sha256 or "",
                    content_type=info.content_type,
                )
            )
        store.update("users", "ada", {"files": refs[:20]})
        blobs.delete(refs[3].key)
        assert found(store) == sorted(
            [("dangling", refs[3].key), *(("orphan", ref.key) for ref in refs[20:])],
            key=lambda one: one[1],
        )

    def test_refusals(self, store: StoreWithBlobs) -> None:
        with pytest.raises(InvalidQueryError, match="list of names"):
            store.check_blobs("users")
        with pytest.raises(InvalidQueryError, match="from 0"):
            store.check_blobs(older_than=timedelta(-1))


@dataclass
class User:
    id: str = ""
    photo: BlobRef | None = None


class UserModel(pydantic.BaseModel):
    id: str = ""
    photo: BlobRef | None = None
    files: list[BlobRef] = []


class UserStruct(msgspec.Struct):
    id: str = ""
    photo: BlobRef | None = None


class UserDict(TypedDict):
    id: str
    photo: BlobRef


class TestTyped:
    @pytest.mark.parametrize("kind", [User, UserModel, UserStruct, UserDict])
    def test_a_field_of_a_class(self, store: StoreWithBlobs, kind: Any) -> None:
        users = store.repository(kind, "users")
        user: Any = users.attach("ada", "photo", PNG)
        ref = user["photo"] if kind is UserDict else user.photo
        assert isinstance(ref, BlobRef)
        assert ref == store.get("users", "ada")["photo"]
        assert users.put(user) == user
        with store.open(ref) as file:
            assert file.read() == PNG
        if kind is not UserDict:
            assert users.detach("ada", "photo").photo is None
        users.delete("ada")
        assert found(store) == []

    def test_a_list(self, store: StoreWithBlobs) -> None:
        users = store.repository(UserModel, "users")
        users.attach("ada", "files", b"1", append=True)
        assert [one.size for one in users.attach("ada", "files", b"22", append=True).files] == [
            1,
            2,
        ]

    def test_a_store_without_blobs_says_so(self) -> None:
        with Store(databases.memory()) as store:
            with pytest.raises(UnsupportedError, match="with_blobs"):
                store.repository(User).attach("ada", "photo", b"")


ENGINES = ("memory", "json_files", "sqlite", "postgresql", "mongodb", "cosmosdb")


@pytest.mark.parametrize("name", ENGINES)
def test_on_every_engine(
    name: str, request: pytest.FixtureRequest, tmp_path: Path, blobs: BlobStore
) -> None:
    """The same calls, the same references, the same effects."""
    if name in ("postgresql", "mongodb", "cosmosdb"):
        argument = [request.getfixturevalue(f"{name}_url")]
    else:
        argument = [] if name == "memory" else [tmp_path]
    with ExitStack() as stack:
        database = getattr(databases, name)(*argument)
        store = stack.enter_context(Store(database).with_blobs(blobs))
        for id in ("ada", "bob"):
            store.create("users", {"id": id})
            store.attach("users", id, "files.a", id.encode())
            store.attach("users", id, "list", id.encode(), append=True)
        document = store.get("users", "ada")
        ref = BlobRef.of(document["files"]["a"])
        assert ref == document["files"]["a"]
        assert (ref.size, ref.content_type, document.version) == (3, "text/plain", 3)
        assert store.find_one("users", {"files.a.sha256": ref.sha256}) == document
        with pytest.raises(ConflictError):
            store.attach("users", "ada", "files.a", b"x", if_version=1)
        checking = store.check_blobs(models=["users"], older_than=NOW, verify=True)
        assert [one for one in checking] == []
        assert (checking.documents, checking.references, checking.blobs) == (2, 4, 4)
        store.detach("users", "bob", "files.a", if_version=3)
        assert store.delete("users", "ada", if_version=3)
        assert store.delete_many("users", {}).deleted == 1
        assert keys(blobs) == []
