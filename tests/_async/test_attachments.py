"""Documents that own blobs."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
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
from interstore._async.store import AsyncStore
from interstore._async.with_blobs import AsyncStoreWithBlobs
from interstore._compat_async import ASYNC
from interstore.attaching import PREFIX
from interstore.blobs._async import check
from interstore.blobs._async.store import AsyncBlobStore
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
from tests.blob_engines import fsspec_blobs_async, local_blobs_async, memory_blobs_async

NOW = timedelta(0)
PNG = b"\x89PNG\r\n\x1a\n..."


class Fails:
    """An engine's method that fails, the first time, before or after it did its work."""

    def __init__(self, real: Any, error: BaseException, *, before: bool) -> None:
        self.real = real
        self.error: BaseException | None = error
        self.before = before

    async def __call__(self, *args: Any, **kwargs: Any) -> Any:
        error, self.error = self.error, None
        if error is not None and self.before:
            raise error
        result = await self.real(*args, **kwargs)
        if error is not None:
            raise error
        return result


@pytest.fixture
async def blobs(tmp_path: Path) -> AsyncIterator[AsyncBlobStore]:
    async with AsyncBlobStore(local_blobs_async(tmp_path / "blobs")) as blobs:
        yield blobs


@pytest.fixture
async def store(tmp_path: Path, blobs: AsyncBlobStore) -> AsyncIterator[AsyncStoreWithBlobs]:
    async with AsyncStore(databases.sqlite_async(tmp_path)).with_blobs(blobs) as store:
        await store.create("users", {"id": "ada"})
        yield store


async def keys(blobs: AsyncBlobStore) -> list[str]:
    return [entry.key async for entry in blobs.list()]


async def found(store: AsyncStoreWithBlobs, **options: Any) -> list[tuple[str, str]]:
    options.setdefault("older_than", NOW)
    return [(one.kind, one.key) async for one in store.check_blobs(**options)]


class TestAttach:
    async def test_the_way_of_a_file(
        self, store: AsyncStoreWithBlobs, blobs: AsyncBlobStore
    ) -> None:
        document = await store.attach("users", "ada", "photo", PNG)
        ref = BlobRef.of(document["photo"])
        assert document.version == 2
        assert document == await store.get("users", "ada")
        assert (ref.store, ref.size, ref.content_type) == ("default", len(PNG), "image/png")
        assert ref.sha256 == sha256(PNG).hexdigest()
        assert ref.key.startswith("attachments/users/ada/")
        async with store.open(document["photo"]) as file:
            assert await file.read() == PNG
        assert await store.blobs["default"].get(ref.key) == PNG

        document = await store.detach("users", "ada", "photo")
        assert (dict(document), document.version) == ({"id": "ada"}, 3)
        assert await keys(blobs) == []
        assert (await store.detach("users", "ada", "photo")).version == 3

    async def test_every_kind_of_source(
        self, store: AsyncStoreWithBlobs, blobs: AsyncBlobStore, tmp_path: Path
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
            await store.attach("users", "ada", place, source)
        document = await store.get("users", "ada")
        refs = [document["a"], document["b"]["c"], document["d"], document["e"]]
        assert {ref["content_type"] for ref in refs} == {"application/pdf"}
        assert {ref["sha256"] for ref in refs} == {sha256(b"%PDF-1.7").hexdigest()}
        assert refs[0]["key"].endswith(".pdf")
        assert len(await keys(blobs)) == 4

    async def test_what_is_replaced_is_removed(
        self, store: AsyncStoreWithBlobs, blobs: AsyncBlobStore
    ) -> None:
        await store.attach("users", "ada", "photo", b"one")
        document = await store.attach("users", "ada", "photo", b"two", metadata={"n": "2"})
        assert await keys(blobs) == [document["photo"]["key"]]
        assert (await blobs.stat(document["photo"]["key"])).metadata == {"n": "2"}
        kept = document["photo"]["key"]
        document = await store.attach("users", "ada", "photo", b"three", blobs="keep")
        assert set(await keys(blobs)) == {kept, document["photo"]["key"]}

    async def test_a_list(self, store: AsyncStoreWithBlobs, blobs: AsyncBlobStore) -> None:
        for content in (b"1", b"2", b"3"):
            await store.attach("users", "ada", "files", content, append=True)
        document = await store.get("users", "ada")
        first, second, third = document["files"]
        document = await store.detach("users", "ada", "files", key=second["key"])
        assert document["files"] == [first, third]
        with pytest.raises(NotFoundError, match="no reference with the key"):
            await store.detach("users", "ada", "files", key=second["key"])
        assert await keys(blobs) == sorted([first["key"], third["key"]])
        assert "files" not in await store.detach("users", "ada", "files")
        assert await keys(blobs) == []

    async def test_strange_ids_and_fields(
        self, store: AsyncStoreWithBlobs, blobs: AsyncBlobStore
    ) -> None:
        ids = ["../a", "a/b", "é" * 127, ".", "a%2Fb", "A", "a", "~x", "x" * 255]
        for id in ids:
            await store.create("users", {"id": id})
            document = await store.attach("users", id, ("my.photo", "[0]"), id.encode())
            async with store.open(document["my.photo"]["[0]"]) as file:
                assert await file.read() == id.encode()
        assert len({key.rpartition("/")[0] for key in await keys(blobs)}) == len(ids)
        assert await found(store, verify=True) == []

    async def test_refusals_leave_nothing(
        self, store: AsyncStoreWithBlobs, blobs: AsyncBlobStore
    ) -> None:
        await store.update("users", "ada", {"name": "Ada", "tags": ["x"]})
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
                await store.attach("users", **given)
            assert await keys(blobs) == []
        assert (await store.get("users", "ada")).version == 2
        for path in ("name", "tags"):
            with pytest.raises(InvalidDocumentError, match="not a reference"):
                await store.detach("users", "ada", path)
        with pytest.raises(ConflictError):
            await store.detach("users", "ada", "photo", if_version=1)
        with pytest.raises(InvalidDocumentError, match="not a reference"):
            store.open({"key": "x"})
        with pytest.raises(ConfigurationError, match="no blob store 'media' here, but default"):
            store.open(BlobRef(store="media", key="k", size=0, sha256="0" * 64, content_type=""))

    async def test_the_rules_of_the_blob_store(self, tmp_path: Path) -> None:
        engine = local_blobs_async(tmp_path / "b")
        async with (
            AsyncBlobStore(engine, rules=BlobRules(max_size=3)) as blobs,
            AsyncStore(databases.memory_async()).with_blobs(blobs) as store,
        ):
            await store.create("users", {"id": "ada"})
            with pytest.raises(InvalidDocumentError, match="max_size"):
                await store.attach("users", "ada", "photo", b"1234")
            assert dict(await store.get("users", "ada")) == {"id": "ada"}

    async def test_on_a_store_that_keeps_no_digests_and_types(self, tmp_path: Path) -> None:
        async with (
            AsyncBlobStore(fsspec_blobs_async(MemoryFileSystem(), f"/{tmp_path.name}")) as blobs,
            AsyncStore(databases.memory_async()).with_blobs(blobs) as store,
        ):
            await store.create("users", {"id": "ada"})
            ref: Any = None
            for source in (b"12", iter([b"1", b"2"]), io.BytesIO(b"12")):
                document = await store.attach(
                    "users", "ada", "photo", source, content_type="text/csv"
                )
                ref = document["photo"]
                assert ref["sha256"] == sha256(b"12").hexdigest()
                assert ref["content_type"] == "text/csv"
            await blobs.put(ref["key"], b"21")
            with pytest.raises(CorruptionError):
                async with store.open(ref) as file:
                    await file.read()
            assert await found(store, verify=True) == [("damaged", ref["key"])]

    async def test_named_stores(self, blobs: AsyncBlobStore, tmp_path: Path) -> None:
        media = AsyncBlobStore(memory_blobs_async(), name="media")
        async with (
            media,
            AsyncStore(databases.memory_async()).with_blobs(blobs, media) as store,
        ):
            await store.create("users", {"id": "ada"})
            await store.attach("users", "ada", "photo", b"1")
            document = await store.attach("users", "ada", "film", b"2", store="media")
            assert document["film"]["store"] == "media"
            assert await media.get(document["film"]["key"]) == b"2"
            assert await found(store) == []
            await store.delete("users", "ada")
            assert await keys(media) + await keys(blobs) == []
        with pytest.raises(ConfigurationError, match="two blob stores"):
            store.with_blobs(blobs, blobs)
        with pytest.raises(ConfigurationError, match="at least one"):
            store.with_blobs()


class TestAtOnce:
    async def test_other_fields_change_meanwhile(self, store: AsyncStoreWithBlobs) -> None:
        def source() -> Iterator[bytes]:
            yield b"x"

        real = store.database.update
        meddling = True

        async def update(*args: Any, **kwargs: Any) -> Any:
            nonlocal meddling
            if meddling:
                meddling = False
                await store.update("users", "ada", {"$inc": {"n": 1}})
            return await real(*args, **kwargs)

        store.database.update = update  # type: ignore[method-assign]
        document = await store.attach("users", "ada", "photo", source())
        assert (document["n"], document.version) == (1, 3)
        meddling = True
        assert (await store.detach("users", "ada", "photo"))["n"] == 2

    async def test_the_document_is_removed_meanwhile(
        self, store: AsyncStoreWithBlobs, blobs: AsyncBlobStore
    ) -> None:
        real = store.database.update

        async def update(*args: Any, **kwargs: Any) -> Any:
            await store.delete("users", "ada")
            return await real(*args, **kwargs)

        store.database.update = update  # type: ignore[method-assign]
        with pytest.raises(NotFoundError):
            await store.attach("users", "ada", "photo", b"x")
        assert await keys(blobs) == []

    @pytest.mark.parametrize("error", [OperationTimeoutError("?"), UnavailableError("?")])
    @pytest.mark.parametrize("before", [True, False])
    async def test_a_write_that_may_have_been_applied_keeps_its_blob(
        self, store: AsyncStoreWithBlobs, error: InterstoreError, before: bool
    ) -> None:
        fails = Fails(store.database.update, error, before=before)
        store.database.update = fails  # type: ignore[method-assign]
        with pytest.raises(type(error)):
            await store.attach("users", "ada", "photo", PNG)
        problems = await found(store, verify=True)
        assert [kind for kind, _ in problems] == (["orphan"] if before else [])

    async def test_a_blob_that_cannot_be_removed_is_told(self, store: AsyncStoreWithBlobs) -> None:
        document = await store.attach("users", "ada", "photo", PNG)
        operations: Any = store.blobs["default"]._operations
        operations.delete_many = Fails(operations.delete_many, UnavailableError("?"), before=True)
        with pytest.warns(InterstoreWarning, match="blobs check --delete-orphans"):
            await store.detach("users", "ada", "photo")
        assert await found(store) == [("orphan", document["photo"]["key"])]


class TestDelete:
    async def test_a_document_takes_its_blobs_with_it(
        self, store: AsyncStoreWithBlobs, blobs: AsyncBlobStore
    ) -> None:
        await blobs.put("of/the/application", b"x")
        document = await store.attach("users", "ada", "a.photo", b"1")
        await store.attach("users", "ada", "files", b"2", append=True)
        with pytest.raises(ConflictError):
            await store.delete("users", "ada", if_version=1)
        assert len(await keys(blobs)) == 3
        assert await store.delete("users", "ada", if_version=document.version + 1)
        assert await keys(blobs) == ["of/the/application"]
        assert not await store.delete("users", "ada")
        with pytest.raises(NotFoundError):
            await store.delete("users", "ada", if_version=1)

    async def test_many(self, store: AsyncStoreWithBlobs, blobs: AsyncBlobStore) -> None:
        for number in range(5):
            await store.create("logs", {"id": str(number), "n": number})
            await store.attach("logs", str(number), "text", b"x")
        assert (await store.delete_many("logs", {"n": {"$lt": 3}})).deleted == 3
        document = await store.find_one_and_delete("logs", sort="-n")
        assert document is not None
        assert document["n"] == 4
        assert [key.split("/")[2] for key in await keys(blobs)] == ["3"]
        assert (await store.delete_many("logs", {}, blobs="keep")).deleted == 1
        assert len(await keys(blobs)) == 1
        with pytest.raises(InvalidQueryError, match="needs a filter"):
            await store.delete_many("logs", None)

    async def test_as_the_model_says(
        self, store: AsyncStoreWithBlobs, blobs: AsyncBlobStore
    ) -> None:
        keeping = store.with_blobs(blobs, on_delete={"logs": "keep"})
        for model in ("logs", "users"):
            await keeping.put(model, {"id": "ada"})
            await keeping.attach(model, "ada", "photo", b"1")
        await keeping.delete("logs", "ada")
        await keeping.delete("users", "ada")
        assert [key.split("/")[1] for key in await keys(blobs)] == ["logs"]
        await keeping.create("logs", {"id": "ada"})
        await keeping.attach("logs", "ada", "photo", b"1")
        await keeping.delete("logs", "ada", blobs="delete")
        assert len(await keys(blobs)) == 1
        with pytest.raises(InvalidQueryError, match="'delete' or 'keep'"):
            store.with_blobs(blobs, on_delete="burn")  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError, match="does not end with '/'"):
            store.with_blobs(blobs, prefix="x")

    async def test_a_copied_reference_is_not_owned(self, store: AsyncStoreWithBlobs) -> None:
        document = await store.attach("users", "ada", "photo", b"1")
        await store.create("users", {"id": "bob", "photo": document["photo"]})
        await store.delete("users", "bob")
        async with store.open(document["photo"]) as file:
            assert await file.read() == b"1"
        await store.update("users", "ada", {"old": document["photo"]})
        await store.detach("users", "ada", "photo")  # `old` still refers to it
        assert await found(store) == []

    async def test_a_transaction(self, store: AsyncStoreWithBlobs, blobs: AsyncBlobStore) -> None:
        document = await store.attach("users", "ada", "photo", b"1")

        async def undone() -> None:
            async with store.transaction() as transaction:
                await transaction.attach("users", "ada", "photo", b"2")
                await transaction.detach("users", "ada", "photo")
                await transaction.delete("users", "ada")
                raise RuntimeError("on purpose")

        with pytest.raises(RuntimeError, match="on purpose"):
            await undone()
        assert await store.get("users", "ada") == document
        assert [kind for kind, _ in await found(store)] == ["orphan"]
        async with store.transaction() as transaction:
            await transaction.detach("users", "ada", "photo")
            assert len(await keys(blobs)) == 2
        assert [kind for kind, _ in await found(store, delete_orphans=True)] == ["orphan"]
        assert await keys(blobs) == []


class TestDeduplication:
    async def test_equal_contents_are_kept_once(
        self, store: AsyncStoreWithBlobs, blobs: AsyncBlobStore, tmp_path: Path
    ) -> None:
        path = tmp_path / "a.txt"
        path.write_bytes(b"the same")
        sources: list[Any] = [b"the same", path, iter([b"the ", b"same"]), io.BytesIO(b"the same")]
        for number, source in enumerate(sources):
            await store.create("users", {"id": str(number)})
            await store.attach("users", str(number), "file", source, deduplicate=True)
        digest = sha256(b"the same").hexdigest()
        assert await keys(blobs) == [f"attachments/~sha256/{digest[:2]}/{digest}"]
        version = (await store.get("users", "3")).version
        document = await store.attach("users", "3", "file", b"the same", deduplicate=True)
        assert document.version == version
        for number in range(3):
            await store.delete("users", str(number))
        await store.detach("users", "3", "file")
        assert len(await keys(blobs)) == 1

    async def test_it_is_removed_by_the_check_alone(
        self,
        store: AsyncStoreWithBlobs,
        blobs: AsyncBlobStore,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        store = store.with_blobs(blobs, deduplicate=True)
        await store.create("users", {"id": "bob"})
        for id in ("ada", "bob"):
            await store.attach("users", id, "file", b"the same")
        await store.delete("users", "ada")
        checking = store.check_blobs(older_than=NOW, delete_orphans=True)
        assert [one async for one in checking] == []
        await store.delete("users", "bob")
        checking = store.check_blobs(older_than=NOW, delete_orphans=True)
        assert [one async for one in checking] == []
        assert checking.young == 1  # it could be attached again at this moment
        monkeypatch.setattr(check, "_SHARED_AGE", NOW)
        assert len(await found(store, delete_orphans=True)) == 1
        assert await keys(blobs) == []

    async def test_an_old_one_is_written_anew(
        self,
        store: AsyncStoreWithBlobs,
        blobs: AsyncBlobStore,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        from interstore._async import attachments

        await store.attach("users", "ada", "a", b"the same", deduplicate=True)
        [key] = await keys(blobs)
        before = (await blobs.stat(key)).etag
        await store.attach("users", "ada", "b", b"the same", deduplicate=True)
        assert (await blobs.stat(key)).etag == before
        monkeypatch.setattr(attachments, "FRESH", NOW)
        await store.attach("users", "ada", "c", b"the same", deduplicate=True)
        assert (await blobs.stat(key)).etag != before


class TestCheck:
    async def test_what_it_finds(self, store: AsyncStoreWithBlobs, blobs: AsyncBlobStore) -> None:
        for id in ("bob", "eve", "sue"):
            await store.create("users", {"id": id})
            await store.attach("users", id, "a.photo", id.encode())
        refs = {
            one.id: one["a"]["photo"]
            async for one in store.find("users", {"a": {"$exists": 1 == 1}})
        }
        await blobs.delete(refs["bob"]["key"])
        await blobs.put(refs["eve"]["key"], b"EVE")
        await blobs.put(f"{PREFIX}users/ada/none", b"")
        await blobs.put("elsewhere", b"")
        outside = BlobRef(
            store="default", key="elsewhere", size=0, sha256=sha256().hexdigest(), content_type=""
        )
        other = BlobRef(store="media", key="x", size=0, sha256="0" * 64, content_type="")
        gone = BlobRef(store="default", key="zzz", size=0, sha256="0" * 64, content_type="")
        await store.update("users", "ada", {"files": [outside, other, gone, outside]})

        checking = store.check_blobs(older_than=NOW)
        kinds = {(one.kind, one.id, one.path) async for one in checking}
        assert kinds == {
            ("dangling", "bob", "a.photo"),
            ("dangling", "ada", "files[2]"),
            ("orphan", None, None),
        }
        assert (checking.documents, checking.references, checking.blobs) == (4, 7, 3)
        assert checking.elsewhere == 1
        assert ("damaged", refs["eve"]["key"]) in await found(store, verify=True)
        assert len(await found(store, verify=True)) == 4

    async def test_orphans(self, store: AsyncStoreWithBlobs, blobs: AsyncBlobStore) -> None:
        for key in ("users/ada/1", "logs/x/2"):
            await blobs.put(PREFIX + key, b"")
        checking = store.check_blobs(delete_orphans=True)
        assert [one async for one in checking] == []
        assert checking.young == 2
        assert await found(store, models=["users"], delete_orphans=True) == [
            ("orphan", f"{PREFIX}users/ada/1")
        ]
        assert await keys(blobs) == [f"{PREFIX}logs/x/2"]
        [finding] = [one async for one in store.check_blobs(delete_orphans=True, older_than=NOW)]
        assert (finding.removed, finding.to_dict()["removed"]) == (True, True)
        assert await keys(blobs) == []

    async def test_what_changes_meanwhile_is_no_problem(self, store: AsyncStoreWithBlobs) -> None:
        await store.attach("users", "ada", "photo", PNG)
        real = store.database.find

        async def find(*args: Any, **kwargs: Any) -> Any:
            page = list(await real(*args, **kwargs))
            await store.detach("users", "ada", "photo")
            return page

        store.database.find = find  # type: ignore[method-assign]
        assert await found(store) == []

    async def test_more_than_memory_holds(
        self, store: AsyncStoreWithBlobs, blobs: AsyncBlobStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from interstore.blobs import spill

        monkeypatch.setattr(spill, "_FILES", 3)
        monkeypatch.setattr(spill.SortedRows.__init__, "__defaults__", (2,))
        refs = []
        for number in range(23):
            key = f"{PREFIX}users/ada/{number * 7 % 23:02}"
            info = await blobs.put(key, b"")
            refs.append(
                BlobRef(
                    store="default",
                    key=key,
                    size=0,
                    sha256=info.sha256 or "",
                    content_type=info.content_type,
                )
            )
        await store.update("users", "ada", {"files": refs[:20]})
        await blobs.delete(refs[3].key)
        assert await found(store) == sorted(
            [("dangling", refs[3].key), *(("orphan", ref.key) for ref in refs[20:])],
            key=lambda one: one[1],
        )

    async def test_refusals(self, store: AsyncStoreWithBlobs) -> None:
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
    async def test_a_field_of_a_class(self, store: AsyncStoreWithBlobs, kind: Any) -> None:
        users = store.repository(kind, "users")
        user: Any = await users.attach("ada", "photo", PNG)
        ref = user["photo"] if kind is UserDict else user.photo
        assert isinstance(ref, BlobRef)
        assert ref == (await store.get("users", "ada"))["photo"]
        assert await users.put(user) == user
        async with store.open(ref) as file:
            assert await file.read() == PNG
        if kind is not UserDict:
            assert (await users.detach("ada", "photo")).photo is None
        await users.delete("ada")
        assert await found(store) == []

    async def test_a_list(self, store: AsyncStoreWithBlobs) -> None:
        users = store.repository(UserModel, "users")
        await users.attach("ada", "files", b"1", append=True)
        assert [
            one.size for one in (await users.attach("ada", "files", b"22", append=True)).files
        ] == [1, 2]

    async def test_a_store_without_blobs_says_so(self) -> None:
        async with AsyncStore(databases.memory_async()) as store:
            with pytest.raises(UnsupportedError, match="with_blobs"):
                await store.repository(User).attach("ada", "photo", b"")


ENGINES = ("memory", "json_files", "sqlite", "postgresql", "mongodb", "cosmosdb")


@pytest.mark.parametrize("name", ENGINES)
async def test_on_every_engine(
    name: str, request: pytest.FixtureRequest, tmp_path: Path, blobs: AsyncBlobStore
) -> None:
    """The same calls, the same references, the same effects."""
    if name in ("postgresql", "mongodb", "cosmosdb"):
        argument = [request.getfixturevalue(f"{name}_url")]
    else:
        argument = [] if name == "memory" else [tmp_path]
    async with AsyncExitStack() as stack:
        database = getattr(databases, f"{name}_async" if ASYNC else name)(*argument)
        store = await stack.enter_async_context(AsyncStore(database).with_blobs(blobs))
        for id in ("ada", "bob"):
            await store.create("users", {"id": id})
            await store.attach("users", id, "files.a", id.encode())
            await store.attach("users", id, "list", id.encode(), append=True)
        document = await store.get("users", "ada")
        ref = BlobRef.of(document["files"]["a"])
        assert ref == document["files"]["a"]
        assert (ref.size, ref.content_type, document.version) == (3, "text/plain", 3)
        assert await store.find_one("users", {"files.a.sha256": ref.sha256}) == document
        with pytest.raises(ConflictError):
            await store.attach("users", "ada", "files.a", b"x", if_version=1)
        checking = store.check_blobs(models=["users"], older_than=NOW, verify=True)
        assert [one async for one in checking] == []
        assert (checking.documents, checking.references, checking.blobs) == (2, 4, 4)
        await store.detach("users", "bob", "files.a", if_version=3)
        assert await store.delete("users", "ada", if_version=3)
        assert (await store.delete_many("users", {})).deleted == 1
        assert await keys(blobs) == []
