"""`interstore demo`: a walk through Interstore on real data."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import click

from interstore.blobs.opening import open_blobs
from interstore.cli.group import fail
from interstore.connection import connect
from interstore.errors import ConflictError
from interstore.filters.builder import field

if TYPE_CHECKING:
    from rich.console import Console

    from interstore._sync.store import Store
    from interstore._sync.with_blobs import StoreWithBlobs
    from interstore.migration import Report

__all__ = ["demo"]

FOLDER: Final = "interstore-demo"
HIGH: Final = {"elevation": {"$gte": 13_000}}
"""Airports at 13,000 feet and above."""
COLUMNS: Final = ("id", "name", "city", "country", "elevation")


@click.command()
@click.option(
    "--directory",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help=f"A new folder for the data; {FOLDER} by default, with a number if that exists.",
)
def demo(directory: Path | None) -> None:
    """Walk through Interstore on real data: 28,000 airports.

    Creates a store of JSON files in a new folder, queries and updates it, attaches a file to a
    document, moves everything to SQLite, and proves that it arrived. Takes some seconds; nothing
    outside the folder is touched.
    """
    airports = _load_airports()
    folder = _new_folder(directory)
    walk = _Walk()
    with (
        open_blobs("local:", path=str(folder / "files")) as blobs,
        connect(type="json", data_dir=str(folder / "data")).with_blobs(blobs) as store,
    ):
        _create(walk, store, airports)
        _query(walk, store)
        _update(walk, store)
        _attach(walk, store, folder)
        with connect(type="sqlite", path=str(folder / "airports.db")).with_blobs(blobs) as target:
            _move(walk, store, target, folder)
            _open(walk, target)
    _what_next(walk, folder)


def _load_airports() -> Mapping[str, Mapping[str, Any]]:
    try:
        import airportsdata
    except ImportError:
        fail(
            "the demo walks through the data of the package airportsdata, which is not "
            'installed: pip install "interstore[demo]"'
        )
    airports: Mapping[str, Mapping[str, Any]] = airportsdata.load("ICAO")
    return airports


def _new_folder(directory: Path | None) -> Path:
    """Make a folder that did not exist, or was empty."""
    if directory is not None:
        if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
            fail(f"{directory} exists already and is not empty: name another --directory")
        directory.mkdir(parents=True, exist_ok=True)
        return directory.resolve()
    folder, number = Path(FOLDER), 1
    while folder.exists():
        number += 1
        folder = Path(f"{FOLDER}-{number}")
    folder.mkdir()
    return folder.resolve()


class _Walk:
    """Shows what is done: a heading, the code, what came of it and how long it took."""

    def __init__(self) -> None:
        from rich.console import Console

        self.console: Console = Console(highlight=False)
        self._number = 0
        self._started = self._step = time.perf_counter()

    def step(self, title: str, *code: str) -> None:
        """A new step, and the code that does it."""
        from rich.syntax import Syntax

        self._number += 1
        self.console.print(f"\n[bold]{self._number}. {title}[/bold]")
        if code:
            source = "\n".join(f"    {line}" for line in code)
            if self.console.is_terminal:
                self.console.print(Syntax(source, "python", background_color="default"))
            else:
                self.console.print(source, markup=False, soft_wrap=True)
        self._step = time.perf_counter()

    def result(self, text: str) -> None:
        """What came of the code since the step, or the last result, and how long it took."""
        spent = time.perf_counter() - self._step
        shown = f"{spent:.2f} s" if spent >= 0.1 else f"{spent * 1000:.2f} ms"
        self.console.print(f"   → {text}", markup=False, soft_wrap=True, end="")
        self.console.print(f"  [dim]({shown})[/dim]", soft_wrap=True)
        self._step = time.perf_counter()

    def say(self, text: str) -> None:
        """A line as it is."""
        self.console.print(text, markup=False, soft_wrap=True)

    def table(self, rows: list[Any], columns: tuple[str, ...] = COLUMNS) -> None:
        """Documents as a table."""
        from rich import box
        from rich.table import Table

        table = Table(box=box.SIMPLE_HEAD)
        for name in columns:
            table.add_column(name, justify="right" if name == "elevation" else "left")
        for row in rows:
            table.add_row(*(str(row[name]) for name in columns))
        self.console.print(table)
        self._step = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.perf_counter() - self._started


def _documents(airports: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for code, airport in airports.items():
        yield {
            "id": code,
            "name": airport["name"],
            "city": airport["city"],
            "country": airport["country"],
            "elevation": airport["elevation"],
            "at": {"lat": airport["lat"], "lon": airport["lon"]},
            "zone": airport["tz"],
            "iata": airport["iata"] or None,
        }


def _create(walk: _Walk, store: Store, airports: Mapping[str, Mapping[str, Any]]) -> None:
    walk.step(
        f"Store {len(airports):,} airports in JSON files",
        'store = interstore.connect("json:data")',
        'store.create_many("airport", airports)',
    )
    result = store.create_many("airport", _documents(airports))
    walk.result(f"{result.created:,} documents created, safe on the disk")


def _query(walk: _Walk, store: Store) -> None:
    walk.step("Find", 'store.get("airport", "LSZH")')
    airport = store.get("airport", "LSZH")
    walk.result(f"{airport['name']}, {airport['city']}, at {airport['at']}")
    walk.step(
        "Filter and sort",
        'store.find("airport", {"elevation": {"$gte": 13_000}}, sort="-elevation", limit=5)',
    )
    high = store.find("airport", HIGH, sort="-elevation", limit=5).to_list()
    walk.result(f"the highest of {store.count('airport', HIGH)} above 13,000 feet")
    walk.table(high)
    walk.step(
        "The same filters as expressions, and pages that stay right while others write",
        'far_north = (field("at.lat") > 70) & (field("iata") != None)',
        'store.page("airport", far_north, sort="country", limit=10)',
    )
    far_north = (field("at.lat") > 70) & (field("iata") != None)  # noqa: E711
    pages, after, total = 0, None, 0
    while pages == 0 or after is not None:
        page = store.page("airport", far_north, sort="country", limit=10, after=after)
        pages, after, total = pages + 1, page.next, total + len(page.documents)
    walk.result(f"{total} airports beyond 70° north, in {pages} pages")


def _update(walk: _Walk, store: Store) -> None:
    walk.step(
        "Two people change one airport: the second one is told, and nothing is lost",
        'mine = store.get("airport", "LSZH")',
        'hers = store.get("airport", "LSZH")',
        'store.update("airport", "LSZH", {"runways": 3}, if_version=hers.version)',
        'store.update("airport", "LSZH", {"hub": True}, if_version=mine.version)',
    )
    mine = store.get("airport", "LSZH")
    hers = store.get("airport", "LSZH")
    store.update("airport", "LSZH", {"runways": 3}, if_version=hers.version)
    try:
        store.update("airport", "LSZH", {"hub": True}, if_version=mine.version)
    except ConflictError as error:
        walk.result(f"ConflictError: {error}")
        fresh = store.get("airport", "LSZH")
        done = store.update("airport", "LSZH", {"hub": True}, if_version=fresh.version)
        walk.result(
            f"read again and repeated: version {done.version}, "
            f"runways {done['runways']}, hub {done['hub']}"
        )
    store.update("airport", "LSZH", {"$inc": {"visits": 1}, "$set": {"at.country": "CH"}})
    walk.result("parts of a document change in place: $inc visits, $set at.country")


def _attach(walk: _Walk, store: StoreWithBlobs, folder: Path) -> None:
    walk.step(
        "Attach a file to a document, which then owns it",
        'files = store.with_blobs(interstore.open_blobs("local:///files"))',
        'files.attach("airport", "LSZH", "map", draw_all_airports(), content_type="image/svg+xml")',
    )
    places = (each["at"] for each in store.find("airport", fields=["at"]))
    here = store.get("airport", "LSZH")["at"]
    content = "image/svg+xml"
    airport = store.attach("airport", "LSZH", "map", _drawn(places, here), content_type=content)
    walk.result(f"{airport['map']['size']:,} bytes, SHA-256 {airport['map']['sha256'][:16]}…")
    walk.say(f"   see it in a browser: {folder / 'files' / airport['map']['key']}")


def _drawn(places: Iterable[Mapping[str, float]], here: Mapping[str, float]) -> Iterator[bytes]:
    """A map of the world, as an SVG image: a dot for each place."""
    yield b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-180 -90 360 180">'
    yield b'<path stroke="navy" stroke-width=".4" stroke-linecap="round" d="'
    for place in places:
        yield f"M{place['lon']:.1f} {-place['lat']:.1f}h0".encode()
    yield f'"/><circle cx="{here["lon"]}" cy="{-here["lat"]}" r="2" fill="red"/></svg>'.encode()


def _open(walk: _Walk, target: StoreWithBlobs) -> None:
    walk.step(
        "The file came along: SQLite's document refers to the same blob",
        'files.open(files.get("airport", "LSZH")["map"])',
    )
    ref = target.get("airport", "LSZH")["map"]
    with target.open(ref) as file:
        size = len(file.read())
    problems = list(target.check_blobs(verify=True))
    if problems:
        fail(f"the check of the files found {problems}")
    walk.result(f"{size:,} bytes, equal to their digest; the check finds nothing wrong")


def _move(walk: _Walk, store: Store, target: Store, folder: Path) -> None:
    from interstore.migration import migrate

    walk.step("Move everything to SQLite", "interstore migrate json:data sqlite:airports.db")
    report = migrate(store, target, state=folder / "migrations")
    _show_report(walk, report)
    walk.step("Ask SQLite the same question", "the code is the same: only the URL differs")
    on_files = store.find("airport", HIGH, sort="-elevation").to_list()
    walk.result(f"JSON files: {len(on_files)} airports")
    on_sqlite = target.find("airport", HIGH, sort="-elevation").to_list()
    walk.result(f"SQLite: {len(on_sqlite)} airports, {_same(on_files, on_sqlite)}")
    if on_files != on_sqlite:
        fail("the two stores gave different answers")


def _same(one: list[Any], other: list[Any]) -> str:
    return "the same ones in the same order" if one == other else "BUT NOT THE SAME"


def _show_report(walk: _Walk, report: Report) -> None:
    verification = report.verification
    if not report.ok or verification is None:
        fail(f"the migration ended as {report.status}:\n{report.to_markdown()}")
    totals = report.totals
    walk.result(
        f"{totals.read:,} read = {totals.written:,} written; {report.rate:,.0f} documents a second"
    )
    model = verification.models[0]
    walk.say(f"   both sides were read again ({verification.compared}):")
    walk.say(f"   JSON files  {model.source_count:,} documents, digest {model.source_digest}")
    walk.say(f"   SQLite      {model.target_count:,} documents, digest {model.target_digest}")


def _what_next(walk: _Walk, folder: Path) -> None:
    """Commands that work on what is there now; the tests run each of them."""
    walk.say(f"\nDone in {walk.seconds:.1f} s. Everything is in {folder}.\n")
    if folder.is_relative_to(Path.cwd()):
        folder = folder.relative_to(Path.cwd())
    url = quote(str(folder))
    files, database = f"json:{url}/data", f"sqlite:{url}/airports.db"
    walk.console.print("[bold]What to try next[/bold]")
    # `uv run` sets UV; after it, the command is on no shell's path.
    interstore = "uv run interstore" if "UV" in os.environ else "interstore"
    data, db = shlex.quote(files), shlex.quote(database)
    stored = shlex.quote(f"local:{url}/files")
    iceland = shlex.quote('{"country": "IS"}')
    for command in (
        f"{interstore} find airport --url {db} --where {iceland} --sort=-elevation --limit 5",
        f"{interstore} get airport LSZH --url {data}",
        f"{interstore} count airport --url {db} --where {iceland}",
        f"{interstore} verify {data} {db}",
        f"{interstore} blobs --url {stored} ls --recursive",
        f"{interstore} blobs --url {stored} check --database {db}",
        f"{interstore} migrate {db} {shlex.quote(f'json:{url}/again')}",
        f"head -n 2 {shlex.quote(str(folder / 'data'))}/airport*.jsonl",
    ):
        walk.say(f"  {command}")
    walk.say(f"\nAn application uses the new store by one setting: DATABASE_URL={database}")
