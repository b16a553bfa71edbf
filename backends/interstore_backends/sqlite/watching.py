"""Changes of a model, written to a log by triggers: so the writes of other programs are in it.

A table ``interstore_log_<model>`` has a row for each change, numbered in the order in which they
were committed, since there is one writer at a time. ``interstore_watches`` lists the logs. As the
log grows, a trigger removes what is older than the retention, some rows for so many that come.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import uuid4

from interstore.watching import (
    PAGE,
    Change,
    Changed,
    ChangePage,
    Deleted,
    decode_position,
    encode_position,
    expired,
    not_watched,
)
from interstore_backends.sqlite.access import Access
from interstore_backends.sqlite.keys import quote_name
from interstore_backends.sqlite.rows import read_document
from interstore_backends.sqlite.schema import Table, has_table

__all__ = ["Watching", "forget"]

_WATCHES: Final = "interstore_watches"
_MAKE_WATCHES: Final = f"""CREATE TABLE IF NOT EXISTS {_WATCHES} (
    model TEXT PRIMARY KEY NOT NULL, epoch TEXT NOT NULL, retention REAL NOT NULL,
    pruned INTEGER NOT NULL DEFAULT 0
) STRICT"""
_NOW: Final = "(julianday('now') - 2440587.5) * 86400.0"
_COLUMNS: Final = "id, version, created_at, updated_at, expires_at, doc"
_PRUNE_EVERY: Final = 64
_PRUNED_AT_ONCE: Final = 256


class Watching(Access):
    """The operations about changes."""

    def enable_watch(self, model: str, retention: float) -> None:
        """Keep the changes of a model, for so many seconds."""
        self._transact(
            model, lambda cursor, table: _enable(cursor, model, table, retention), create=True
        )

    def disable_watch(self, model: str) -> bool:
        """Forget them, and keep them no longer; return whether they were."""
        return bool(self._transact(model, lambda cursor, _: forget(cursor, model)))

    def start_watch(self, model: str, since: str | None) -> str:
        """A position: behind `since`, or behind all that there is."""
        log = f"interstore_log_{model}"

        def work(cursor: Any) -> Any:
            if not has_table(cursor, log):
                return None
            return cursor.execute(
                "SELECT epoch, coalesce((SELECT seq FROM sqlite_sequence WHERE name = ?), 0) "
                f"FROM {_WATCHES} WHERE model = ?",
                (log, model),
            ).fetchone()

        position = self._read_file(work)
        if position is None:
            raise not_watched(model, "sqlite")
        self._began[model] = position[1]
        if since is None:
            return encode_position("sqlite", model, position)
        self.read_changes(model, since, 0)
        return since

    def read_changes(self, model: str, after: str, wait: float) -> ChangePage:
        """The next changes after a position. It waits for none."""
        epoch, number = decode_position(after, "sqlite", model, tuple[str, int])
        rows = self._read_file(lambda cursor: _read(cursor, model, number))
        if not rows or rows[0][0] != epoch:
            raise expired(model, "sqlite", "recording it was ended, or has begun anew")
        _, pruned, retention, is_old, first = rows[0][:5]
        if pruned > number or is_old:
            raise expired(model, "sqlite", f"changes are kept for {retention:g} seconds")
        if first is None:
            return ChangePage((), after)
        changes = [_change(model, epoch, row) for row in rows]
        return ChangePage(changes, changes[-1].token, rows[-1][4] < self._began.get(model, 0))


def _enable(cursor: Any, model: str, table: Table, retention: float) -> None:
    cursor.execute(_MAKE_WATCHES)
    known = f"UPDATE {_WATCHES} SET retention = ? WHERE model = ?"
    if cursor.execute(known, (retention, model)).rowcount:
        return
    for statement in _log_of(model, table):
        cursor.execute(statement)
    values = (model, uuid4().hex[:12], retention)
    cursor.execute(f"INSERT INTO {_WATCHES} (model, epoch, retention) VALUES (?,?,?)", values)


def _log_of(model: str, table: Table) -> list[str]:
    """The statements that make the log of a model, and what writes to it."""
    log = _log(model)
    # AUTOINCREMENT: the number of a row that was removed must not come again.
    columns = "version INTEGER, created_at TEXT, updated_at TEXT, expires_at TEXT, doc TEXT"
    made = (
        f"CREATE TABLE {log} (seq INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, "
        f"id TEXT NOT NULL, {columns})"
    )
    doc = "json(NEW.doc)" if table.format == "jsonb" else "NEW.doc"
    insert = f"INSERT INTO {log} (at, {_COLUMNS}) SELECT {_NOW}, "
    stored = f"{insert} NEW.id, NEW.version, NEW.created_at, NEW.updated_at, NEW.expires_at, {doc}"
    removed = f"{insert} OLD.id, OLD.version, NULL, NULL, NULL, NULL"
    # What takes the place of one that has expired is another document.
    another = "OLD.id <> NEW.id OR OLD.expires_at IS NOT NULL AND OLD.created_at <> NEW.created_at"
    triggers = {
        "INSERT": f"{stored};",
        "UPDATE": f"{removed} WHERE {another}; {stored};",
        "DELETE": f"{removed};",
    }
    return [
        made,
        *(
            f"CREATE TRIGGER {_trigger(model, event)} AFTER {event} ON {table.name} "
            f"BEGIN {action} END"
            for event, action in triggers.items()
        ),
        (
            f"CREATE TRIGGER {_trigger(model, 'PRUNE')} AFTER INSERT ON {log} "
            f"WHEN NEW.seq % {_PRUNE_EVERY} = 0 BEGIN {_prune(model)} END"
        ),
    ]


def _prune(model: str) -> str:
    """What removes the oldest changes: more than came since the last time, and not many."""
    log, name = _log(model), _text(model)
    oldest = f"SELECT seq, at FROM {log} ORDER BY seq LIMIT {_PRUNED_AT_ONCE}"
    old = f"SELECT max(seq) FROM ({oldest}) WHERE at < {_NOW} - retention"
    return (
        f"UPDATE {_WATCHES} SET pruned = coalesce(({old}), pruned) WHERE model = {name}; "
        f"DELETE FROM {log} WHERE seq <= (SELECT pruned FROM {_WATCHES} WHERE model = {name});"
    )


def _read(cursor: Any, model: str, number: int) -> list[tuple[Any, ...]]:
    """What is known of the log and the next rows, as they are at one moment."""
    if not has_table(cursor, f"interstore_log_{model}"):
        return []
    rows: list[tuple[Any, ...]] = cursor.execute(
        f"SELECT epoch, pruned, retention, at < {_NOW} - retention, seq, {_COLUMNS} "
        f"FROM {_WATCHES} LEFT JOIN "
        f"(SELECT * FROM {_log(model)} WHERE seq > ? ORDER BY seq LIMIT {PAGE}) ON TRUE "
        "WHERE model = ? ORDER BY seq",
        (number, model),
    ).fetchall()
    return rows


def _change(model: str, epoch: str, row: tuple[Any, ...]) -> Change:
    seq, id, version, doc = row[4], row[5], row[6], row[10]
    token = encode_position("sqlite", model, (epoch, seq))
    if doc is None:
        return Deleted(id, version, token)
    return Changed(id, version, read_document(row[5:]), token)


def forget(cursor: Any, model: str) -> bool:
    """Remove the log of a model; return whether there was one. To be called in a transaction."""
    if not has_table(cursor, f"interstore_log_{model}"):
        return False
    for event in ("INSERT", "UPDATE", "DELETE"):
        cursor.execute(f"DROP TRIGGER IF EXISTS {_trigger(model, event)}")
    cursor.execute(f"DROP TABLE {_log(model)}")
    cursor.execute(f"DELETE FROM {_WATCHES} WHERE model = ?", (model,))
    return True


def _log(model: str) -> str:
    return quote_name(f"interstore_log_{model}")


def _trigger(model: str, event: str) -> str:
    return quote_name(f"interstore_log_{model}_{event.lower()}")


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
