"""Every example of the documentation is run, every link followed, every quotation compared."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.tools.examples import ExampleError, Examples
from tests.tools.pages import ROOT, Block, anchors, blocks, links, pages

PAGES = pages()
EXECUTED = {"python", "console"}
# Nothing to run: settings, data, signatures, pictures.
INERT = {"ini", "json", "mermaid", "pyi", "sql", "text", "toml", "yaml"}
EXAMPLES = Path("docs/examples")
# The pages whose examples need servers: variables, and the fixtures that give their URLs.
SERVERS = {
    "change-the-server": {"OLD_URL": "postgresql_url", "NEW_URL": "mongodb_url"},
    "mongodb": {"DATABASE_URL": "mongodb_url"},
    "outgrow-the-files": {"NEW_URL": "postgresql_url"},
    "postgresql": {"DATABASE_URL": "postgresql_url"},
}


def executable(page: Path) -> list[Block]:
    return [block for block in blocks(page) if block.language in EXECUTED and not block.mark]


@pytest.mark.parametrize(
    "page", [page for page in PAGES if executable(page)], ids=lambda page: str(page)
)
def test_examples(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.chdir(tmp_path)
    for variable, fixture in SERVERS.get(page.stem, {}).items():
        monkeypatch.setenv(variable, request.getfixturevalue(fixture))
    examples = Examples(tmp_path)
    try:
        for block in executable(page):
            examples.run(block)
    finally:
        examples.close()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page))
def test_blocks(page: Path) -> None:
    """Every block is run, or of a kind that cannot be, or says why it is not."""
    for block in blocks(page):
        if block.language in INERT:
            continue
        assert block.language in EXECUTED or block.mark, (
            f"{block}: a block of {block.language or 'no language'} is not run: mark it with "
            "<!-- not executed: reason -->"
        )


def test_what_is_not_executed() -> None:
    """The list, so that it is seen when it grows."""
    unexecuted = [block for page in PAGES for block in blocks(page) if block.mark == "not executed"]
    for block in unexecuted:
        print(f"{block}: {block.reason}")
    assert all(len(block.reason) > 10 for block in unexecuted)
    assert len(unexecuted) <= 13


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page))
def test_quotations(page: Path) -> None:
    for block in blocks(page):
        if block.mark == "quoted":
            source = (ROOT / block.reason).read_text(encoding="utf-8")
            assert block.text in source, f"{block}: {block.reason} reads differently"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page))
def test_links(page: Path) -> None:
    for link in links(page):
        if re.match(r"[a-z]+:", link):
            assert link.startswith("https://"), f"{page}: {link}"
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), f"{page}: {link} leads nowhere"
        if anchor:
            known = anchors(target.resolve().relative_to(ROOT))
            assert anchor in known, f"{page}: {link}: there are {sorted(known)}"


def test_every_page_is_reached() -> None:
    """Whoever begins at the README finds every page."""
    seen: set[Path] = set()
    waiting = [Path("README.md")]
    while waiting:
        page = waiting.pop()
        if page in seen:
            continue
        seen.add(page)
        for link in links(page):
            path = link.partition("#")[0]
            if path.endswith(".md") and ":" not in path:
                waiting.append(((ROOT / page).parent / path).resolve().relative_to(ROOT))
    assert seen.issuperset(PAGES), sorted(map(str, set(PAGES) - seen))


class TestExamples:
    """What runs the examples finds what is wrong with them."""

    def block(self, text: str, language: str = "python") -> Block:
        return Block(Path("README.md"), 1, language, text)

    @pytest.mark.parametrize(
        "text",
        [
            "1 + 1  # => 3",
            "print('a', 'b')  # => a c",
            "int('x')  # raises KeyError",
            "int('1')  # raises ValueError",
            "int('x')  # raises ValueError: something else",
            "x = 1  # => 1",
            "1 / 0",
        ],
    )
    def test_python_that_lies(self, tmp_path: Path, text: str) -> None:
        examples = Examples(tmp_path)
        with pytest.raises(ExampleError):
            examples.run(self.block(text))
        examples.close()

    @pytest.mark.parametrize("text", ["$ echo a\nb\n", "$ false\n", "$ (exit 3)\n$ echo $?\n4\n"])
    def test_commands_that_lie(self, tmp_path: Path, text: str) -> None:
        examples = Examples(tmp_path)
        with pytest.raises(ExampleError):
            examples.run(self.block(text, "console"))
        examples.close()

    def test_what_holds(self, tmp_path: Path) -> None:
        examples = Examples(tmp_path)
        examples.run(
            self.block(
                "import asyncio\n"
                "for n in range(2):\n"
                "    print(n, 'of', 2)  # => ... of 2\n"
                "await asyncio.sleep(0, 'done')  # => 'done'\n"
                "int('x')  # raises ValueError: invalid literal ...\n"
            )
        )
        examples.run(self.block("$ echo a; exit 3\na\n$ echo $?\n3\n$ echo b\n", "console"))
        examples.close()
