"""The sync generator keeps what its docstring promises."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.tools import async_to_sync
from tests.tools.async_to_sync import CannotConvertError, Report, Tables, convert, edited_by_hand

PAIRS = {"pkg/_async": "pkg/_sync"}
NO_TABLES = Tables()


def converted(source: str, tables: Tables = NO_TABLES) -> str:
    return convert(textwrap.dedent(source).lstrip(), tables)[0]


def expect(source: str, twin: str, tables: Tables = NO_TABLES) -> None:
    assert converted(source, tables) == textwrap.dedent(twin).lstrip()


class Checkout:
    """A small project to generate in."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.source = root / "pkg/_async/store.py"
        self.twin = root / "pkg/_sync/store.py"
        self.source.parent.mkdir(parents=True)
        self.source.write_text("async def connect_async() -> None:\n    await go()\n")

    def run(
        self, *, tables: Tables = NO_TABLES, checking: bool = False, force: bool = False
    ) -> Report:
        def pool() -> Executor:
            return ThreadPoolExecutor(2)

        return async_to_sync.run(
            self.root, PAIRS, tables, checking=checking, force=force, pool=pool
        )


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


# What changes


@pytest.mark.parametrize(
    ("source", "twin"),
    [
        ("async def f(): pass", "def f(): pass"),
        ("async def f(): return (await g()).x", "def f(): return g().x"),
        ("async def f(): return -await g() ** 2", "def f(): return -g() ** 2"),
        ("async def f(): return await (a or b)", "def f(): return (a or b)"),
        ("async def f():\n    async for x in y: pass", "def f():\n    for x in y: pass"),
        ("async def f():\n    async with x as y: pass", "def f():\n    with x as y: pass"),
        ("async def f(): return [x async for x in y]", "def f(): return [x for x in y]"),
        ("async def f(): return {await x() for y in z}", "def f(): return {x() for y in z}"),
        ("f'{await x()} await y()'", "f'{x()} await y()'"),
    ],
)
def test_keywords(source: str, twin: str) -> None:
    assert converted(source) == twin


def test_await_over_lines_keeps_its_parentheses() -> None:
    expect(
        """
        async def f():
            return (
                await table  # the table
                .find()
            )
        """,
        """
        def f():
            return (
                table  # the table
                .find()
            )
        """,
    )


@pytest.mark.parametrize(
    ("source", "twin"),
    [
        ("AsyncStore", "Store"),
        ("_AsyncStore", "_Store"),
        ("connect_async()", "connect()"),
        ("store.find_async(key_async=1)", "store.find(key=1)"),
        ("import pkg._async.store", "import pkg._sync.store"),
        ("from pkg._async import x as _async", "from pkg._sync import x as _sync"),
        ("from pkg._compat_async import sleep", "from pkg._compat import sleep"),
        ("AsyncExitStack().aclose()", "ExitStack().close()"),
        ("def __aenter__(self): pass", "def __enter__(self): pass"),
        ("raise StopAsyncIteration", "raise StopIteration"),
        ("await anext(aiter(x))", "next(iter(x))"),
        ("AsyncIterator[int]", "Iterator[int]"),
        ("AsyncGenerator[int, None]", "Generator[int, None, None]"),
        ("Callable[[str], Awaitable[list[int]]]", "Callable[[str], list[int]]"),
        ("typing.Coroutine[Any, Any, AsyncStore]", "Store"),
        ("import Asynchrony, unasync", "import Asynchrony, unasync"),
    ],
)
def test_names(source: str, twin: str) -> None:
    assert converted(source) == twin


def test_a_name_of_both_flavours_is_imported_once() -> None:
    expect("from x import closing, aclosing\n", "from x import closing\n")


def test_names_of_the_table() -> None:
    tables = Tables(names={"launch": "start"})
    expect("launch(launcher)  # launch it", "start(launcher)  # start it", tables)


@pytest.mark.parametrize("source", ["import asyncio", "asyncio.sleep(1)", "def __await__(): pass"])
def test_what_has_no_sync_form_is_an_error(source: str) -> None:
    with pytest.raises(CannotConvertError, match="if ASYNC"):
        converted(source)


def test_a_name_that_would_become_a_keyword_is_an_error() -> None:
    with pytest.raises(CannotConvertError, match="keyword `is`"):
        converted("is_async")


def test_docstrings_and_comments() -> None:
    expect(
        '''
        """An asynchronous store, an `AsyncStore` of `_async`; you may await it."""

        # Everything that an async with block opens, aclose() ends.
        class AsyncStore:
            x: int
            """What `await store.find()` gives, or an AsyncIterator."""  # of connect_async
        ''',
        '''
        """A synchronous store, a `Store` of `_sync`; you may await it."""

        # Everything that a with block opens, close() ends.
        class Store:
            x: int
            """What `store.find()` gives, or an Iterator."""  # of connect
        ''',
    )


def test_comments_and_layout_stay() -> None:
    source = """
        # above

        x = [  # open
            1,   # one
            # between
        ]
        def f():
            # inside

            return x  # after
        # below
    """
    expect(source, source)


def test_strings_change_only_where_they_are_names_or_listed() -> None:
    expect(
        """
        __all__ = ["AsyncStore", "connect_async"]
        y: "Literal['async']"
        x: "AsyncStore" = f("AsyncStore", 'asyncio flavour', "asyncio")
        """,
        """
        __all__ = ["Store", "connect"]
        y: "Literal['async']"
        x: "Store" = f("AsyncStore", 'sync flavour', "asyncio")
        """,
        Tables(strings={"asyncio flavour": "sync flavour"}),
    )


# Code for one flavour


def test_an_async_block_gives_way_to_its_else() -> None:
    expect(
        """
        from compat_async import (
            sleep,
            ASYNC,
        )
        from compat import ASYNC
        # why there are two
        if ASYNC:
            import asyncio
        else:
            # why this one
            import threading
        x = 1
        """,
        """
        from compat import (
            sleep,
        )
        # why there are two
        # why this one
        import threading
        x = 1
        """,
    )


def test_a_block_for_asyncio_alone_goes() -> None:
    expect(
        """
        class A:
            if ASYNC:
                async def f(self): await asyncio.sleep(1)

        def g():
            if not ASYNC:
                for x in y:
                    if ASYNC:
                        await z
                x = AsyncStore()  # an AsyncStore
                return x
        """,
        """
        class A:
            pass

        def g():
            for x in y:
                pass
            x = Store()  # a Store
            return x
        """,
    )


@pytest.mark.parametrize(
    ("source", "twin"),
    [
        ("f(await x if ASYNC else AsyncY)", "f(Y)"),
        ("f(x if not ASYNC else y)", "f(x)"),
        ("x = (a if ASYNC else b or c) and d", "x = (b or c) and d"),
        ("x = a if debug else b", "x = a if debug else b"),
        ("if True:\n    x\nelse:\n    y\n", "if True:\n    x\nelse:\n    y\n"),
    ],
)
def test_expressions_and_other_conditions(source: str, twin: str) -> None:
    assert converted(source) == twin


@pytest.mark.parametrize(
    "source",
    [
        "if ASYNC and x:\n    pass\n",
        "if ASYNC:\n    pass\nelif x:\n    pass\n",
        "if ASYNC:\n    pass\nelse: pass\n",
        "if ASYNC:\n    pass\nelse:\n    x\n    # lost\n",
        "print(ASYNC)",
    ],
)
def test_a_use_of_the_name_that_would_not_do_as_it_says_is_an_error(source: str) -> None:
    with pytest.raises(CannotConvertError, match="ASYNC"):
        converted(source)


# Files


def test_a_twin_names_its_source_and_the_command(checkout: Checkout) -> None:
    report = checkout.run()
    assert not report.problems
    assert report.written == [Path("pkg/_sync/store.py")]
    banner, body = checkout.twin.read_text().split("\n\n\n", 1)
    assert "pkg/_async/store.py" in banner
    assert "uv run python tests/tools/async_to_sync.py" in banner
    assert body == "def connect() -> None:\n    go()\n"


@pytest.mark.parametrize("source", ["", "import os\n\nos\n", '"""Doc."""\n', "# x\ny = 1\n"])
def test_the_formatter_leaves_a_twin_as_it_is(checkout: Checkout, source: str) -> None:
    checkout.source.write_text(source)
    checkout.source.with_name("f.py").write_text("async def f():\n    pass\n")
    checkout.run()
    for twin in (checkout.twin, checkout.twin.with_name("f.py")):
        subprocess.run([sys.executable, "-m", "ruff", "format", "--check", twin], check=True)
    assert checkout.run(checking=True) == Report()


def test_what_is_up_to_date_is_left_alone(checkout: Checkout) -> None:
    checkout.run()
    assert checkout.run() == Report()
    assert checkout.run(checking=True) == Report()


def test_the_twin_is_formatted_and_its_imports_are_those_it_uses(checkout: Checkout) -> None:
    checkout.source.write_text(
        "from collections.abc import AsyncIterator, Awaitable, Callable, Iterable\n"
        "async def f(x: Callable[[], Awaitable[int]]) -> AsyncIterator[int]:\n"
        "    yield (  await x()  )\n"
        "def g() -> Iterable[int]: return []\n"
    )
    checkout.run()
    body = checkout.twin.read_text().split("\n\n", 1)[1]
    assert body == (
        "from collections.abc import Callable, Iterable, Iterator\n\n\n"
        "def f(x: Callable[[], int]) -> Iterator[int]:\n    yield x()\n\n\n"
        "def g() -> Iterable[int]:\n    return []\n"
    )


def test_a_twin_edited_by_hand_is_refused(checkout: Checkout) -> None:
    checkout.run()
    edited = checkout.twin.read_text() + "# mine\n"
    checkout.twin.write_text(edited)
    assert edited_by_hand(edited)

    for report in (checkout.run(), checkout.run(checking=True)):
        (problem,) = report.problems
        assert problem.startswith("pkg/_sync/store.py: edited by hand")
    assert checkout.twin.read_text() == edited

    assert not checkout.run(force=True).problems
    assert not edited_by_hand(checkout.twin.read_text())


def test_a_file_without_banner_is_refused(checkout: Checkout) -> None:
    checkout.twin.parent.mkdir()
    checkout.twin.write_text("mine = 1\n")
    (problem,) = checkout.run().problems
    assert "edited by hand" in problem
    assert checkout.twin.read_text() == "mine = 1\n"


def test_check_shows_the_difference_and_writes_nothing(checkout: Checkout) -> None:
    (missing,) = checkout.run(checking=True).problems
    assert "missing" in missing
    assert not checkout.twin.exists()

    checkout.run()
    before = checkout.twin.read_text()
    checkout.source.write_text("async def connect_async() -> None:\n    await stop()\n")
    report = checkout.run(checking=True)
    (stale,) = report.problems
    assert "out of date" in stale
    assert "-    go()\n+    stop()\n" in stale
    assert not report.written
    assert checkout.twin.read_text() == before


def test_check_compares_the_whole_file(checkout: Checkout) -> None:
    checkout.run()
    text = checkout.twin.read_text()
    checkout.twin.write_text(text.replace("change that file", "do change that file"))
    assert checkout.run(checking=True).problems


@pytest.mark.parametrize("content", [None, "mine = 1\n"])
def test_an_orphan_is_refused(checkout: Checkout, content: str | None) -> None:
    checkout.run()
    orphan = checkout.twin.with_name("gone.py")
    orphan.write_text(checkout.twin.read_text() if content is None else content)
    for report in (checkout.run(), checkout.run(checking=True)):
        (problem,) = report.problems
        assert problem.startswith("pkg/_sync/gone.py: has no source in pkg/_async")
    assert orphan.exists()


def test_a_missing_source_folder_is_an_error(tmp_path: Path) -> None:
    (problem,) = async_to_sync.run(tmp_path, PAIRS, NO_TABLES).problems
    assert problem == "pkg/_async: no such folder; correct PAIRS"


def test_one_broken_source_fails_the_run_and_not_the_others(checkout: Checkout) -> None:
    broken = checkout.source.with_name("broken.py")
    broken.write_text("async def f(:\n")
    report = checkout.run()
    (problem,) = report.problems
    assert problem.startswith("pkg/_async/broken.py: CannotConvertError")
    assert report.written == [Path("pkg/_sync/store.py")]


def test_a_substitution_that_nothing_uses_is_an_error(checkout: Checkout) -> None:
    tables = Tables(names={"go": "went", "idle": "x"}, strings={"idle string": "x"})
    report = checkout.run(tables=tables)
    assert "went()" in checkout.twin.read_text()
    assert report.problems == [
        "nothing uses the substitution of 'idle'; remove it",
        "nothing uses the substitution of 'idle string'; remove it",
    ]


def test_the_command_works_in_processes_and_exits_with_1_on_a_problem(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(async_to_sync, "ROOT", checkout.root)
    monkeypatch.setattr(async_to_sync, "PAIRS", PAIRS)
    monkeypatch.setattr(async_to_sync, "NAMES", {})
    monkeypatch.setattr(async_to_sync, "STRINGS", {})
    assert async_to_sync.main(["--check"]) == 1
    assert "missing" in capsys.readouterr().err
    assert async_to_sync.main([]) == 0
    assert capsys.readouterr().out == "wrote pkg/_sync/store.py\n"
    assert async_to_sync.main(["--check"]) == 0


def test_the_script_runs_by_itself() -> None:
    script = Path(async_to_sync.__file__)
    done = subprocess.run(
        [sys.executable, script, "--help"], capture_output=True, text=True, check=True
    )
    assert "--check" in done.stdout
