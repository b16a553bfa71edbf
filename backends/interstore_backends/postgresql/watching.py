"""The log of a model's changes, written by triggers, and how it is read without losing any.

``interstore_log_<model>`` has a row for each change: a number, the transaction, and the document.
Numbers are given before transactions commit, so those that come later may be lower. What is new
is therefore told by snapshots: a position is the snapshot up to which everything was given, and
the next changes are those of transactions that the current snapshot sees and that one does not.
Of one document, a change is numbered while its row is locked to the end of the transaction: so
changes of one snapshot, ordered by number, and one snapshot after the other, are in the order of
its versions. A transaction that stays open holds nobody up.

https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-SNAPSHOT
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from interstore.watching import PAGE, Change, Changed, Deleted, encode_position
from interstore_backends.postgresql.quoting import quote_name, quote_text
from interstore_backends.postgresql.rows import Row, read_document

__all__ = ["Position", "WatchLog", "change_of"]

_COLUMNS: Final = "id, version, created_at, updated_at, expires_at, doc"
_NEW: Final = "xid >= $2::xid8 OR xid = ANY($3::xid8[])"
_PRUNE_EVERY: Final = 64
_PRUNED_AT_ONCE: Final = 256


class Position(NamedTuple):
    """Where a reader is. Snapshots are in the server's text form.

    Attributes:
        epoch: of the log: another one after it was made anew.
        given: the snapshot of which the reader has everything.
        until: the snapshot whose changes are being given; empty between two.
        number: the last of them that was.
    """

    epoch: str
    given: str
    until: str = ""
    number: int = 0

    @property
    def oldest(self) -> int:
        """The oldest transaction that was under way then."""
        return int(self.given.split(":")[0])

    @property
    def next(self) -> int:
        """From here on no transaction was over. Some may have written already."""
        return int(self.given.split(":")[1])

    @property
    def under_way(self) -> str:
        """Those before that were under way, separated by commas."""
        return self.given.split(":")[2]

    def token(self, model: str) -> str:
        """The position as those who watch see it."""
        return encode_position("postgresql", model, self)

    def values(self, model: str) -> Sequence[str]:
        """The operands of `WatchLog.read`, or of `WatchLog.read_on` where `until` is set."""
        rest = (str(self.number), self.until) if self.until else ()
        return (model, str(self.next), f"{{{self.under_way}}}", *rest)


class WatchLog:
    """The statements about the log of one model.

    Args:
        schema: the schema's name.
        model: the model's.
    """

    def __init__(self, schema: str, model: str) -> None:
        prefix = quote_name(schema)
        self.log = f"{prefix}.{quote_name(f'interstore_log_{model}')}"
        self.watches = f"{prefix}.interstore_watches"
        self._models = f"{prefix}.interstore_models"
        self._table = f"{prefix}.{quote_name(model)}"
        self._model = quote_text(model)
        self.exists = f"SELECT to_regclass({quote_text(self.log)}) IS NOT NULL"
        self.change_retention = f"UPDATE {self.watches} SET retention = $2 WHERE model = $1"
        self.register = f"INSERT INTO {self.watches} (model, epoch, retention) VALUES ($1, $2, $3)"
        self.start = (
            f"SELECT epoch, pg_current_snapshot()::text FROM {self.watches} WHERE model = $1"
        )
        # OFFSET: or it might walk along the numbers, through all that was given long ago.
        new = f"SELECT seq FROM {self.log} WHERE {_NEW} OFFSET 0"
        self.read = self._read(f"(SELECT min(seq) - 1 FROM ({new}) n)", "")
        self.read_on = self._read("$4::bigint", "AND pg_visible_in_snapshot(xid, $5::pg_snapshot)")

    def _read(self, number: str, visible: str) -> str:
        """What is known of the log, and the next changes, as they are at one moment."""
        return (
            "SELECT epoch, pg_current_snapshot()::text, retention, pruned, "
            "pruned_xid::text::bigint, "
            "at < clock_timestamp() - retention * interval '1 second', "
            f"seq, {_COLUMNS} FROM {self.watches} "
            f"LEFT JOIN LATERAL (SELECT * FROM {self.log} WHERE seq > {number} "
            f"AND ({_NEW}) {visible} ORDER BY seq LIMIT {PAGE}"
            ") l ON TRUE WHERE model = $1 ORDER BY seq"
        )

    def create(self) -> list[str]:
        """The statements that make the log, and what writes to it."""
        watches = (
            f"CREATE TABLE IF NOT EXISTS {self.watches} ("
            f'model text COLLATE "C" PRIMARY KEY REFERENCES {self._models} ON DELETE CASCADE, '
            "epoch text NOT NULL, retention double precision NOT NULL, "
            "pruned bigint NOT NULL DEFAULT 0, pruned_xid xid8 NOT NULL DEFAULT '0')"
        )
        log = (
            f"CREATE TABLE {self.log} (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "
            "xid xid8 NOT NULL DEFAULT pg_current_xact_id(), "
            "at timestamptz NOT NULL DEFAULT clock_timestamp(), "
            'id text COLLATE "C" NOT NULL, version bigint, created_at timestamptz, '
            "updated_at timestamptz, expires_at timestamptz, doc jsonb)"
        )
        index = f"CREATE INDEX ON {self.log} (xid, seq)"
        triggers = [self._trigger(f"AFTER {each}", rows) for each, rows in _EVENTS.items()]
        return [
            watches, log, index, self._function(), *triggers, self._trigger("BEFORE TRUNCATE")
        ]  # fmt: skip

    def remove(self, *, table: bool = True) -> list[str]:
        """The statements that remove it; without `table`, where the model's is gone already."""
        triggers = [
            f"DROP TRIGGER IF EXISTS interstore_log_{event.lower()} ON {self._table}"
            for event in (*_EVENTS, "TRUNCATE")
        ]
        return [
            *(triggers if table else ()),
            f"DROP FUNCTION {self.log}()",
            f"DROP TABLE {self.log}",
            f"DELETE FROM {self.watches} WHERE model = {self._model}",
        ]

    def _trigger(self, event: str, rows: str = "") -> str:
        name = f"interstore_log_{event.split()[1].lower()}"
        return (
            f"CREATE TRIGGER {name} {event} ON {self._table} {rows} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {self.log}()"
        )

    def _function(self) -> str:
        """What the triggers call: as its owner, so that who writes need not be let into the log.

        Once for each statement, whatever many rows it writes.
        """
        removed = f"INSERT INTO {self.log} (id, version) SELECT id, version FROM"
        return f"""CREATE FUNCTION {self.log}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $interstore$
DECLARE
    added bigint;
BEGIN
    IF TG_OP = 'DELETE' THEN
        {removed} interstore_old;
    ELSIF TG_OP = 'TRUNCATE' THEN
        {removed} {self._table};
    ELSE
        IF TG_OP = 'UPDATE' THEN
            -- What takes the place of one that has expired is another document.
            INSERT INTO {self.log} (id, version) SELECT o.id, o.version FROM interstore_old o
            WHERE o.expires_at IS NOT NULL AND EXISTS (
                SELECT FROM interstore_new n WHERE n.id = o.id AND n.created_at <> o.created_at);
        END IF;
        INSERT INTO {self.log} ({_COLUMNS}) SELECT {_COLUMNS} FROM interstore_new;
    END IF;
    GET DIAGNOSTICS added = ROW_COUNT;
    IF random() * {_PRUNE_EVERY} < added
        AND current_setting('transaction_isolation') <> 'serializable' THEN
        {self._prune()}
    END IF;
    RETURN NULL;
END $interstore$"""

    def _prune(self) -> str:
        """Removes the oldest changes, and some more than were added; waits for nobody."""
        oldest = f"SELECT seq, at FROM {self.log} ORDER BY seq LIMIT {_PRUNED_AT_ONCE} + added"
        latest = "SELECT {0} FROM gone ORDER BY {0} DESC LIMIT 1"
        return f"""BEGIN
            PERFORM FROM {self.watches} WHERE model = {self._model} FOR UPDATE SKIP LOCKED;
            IF FOUND THEN
                WITH gone AS (
                    DELETE FROM {self.log} WHERE seq IN (
                        SELECT seq FROM ({oldest}) o WHERE at < clock_timestamp() - interval
                        '1 second' * (SELECT retention FROM {self.watches}
                                      WHERE model = {self._model})
                    ) RETURNING seq, xid
                )
                UPDATE {self.watches} SET
                    pruned = greatest(pruned, ({latest.format("seq")})),
                    pruned_xid = greatest(pruned_xid, ({latest.format("xid")}))
                WHERE model = {self._model} AND EXISTS (SELECT FROM gone);
            END IF;
        EXCEPTION WHEN serialization_failure THEN -- another was faster
        END;"""


_EVENTS: Final = {
    "INSERT": "REFERENCING NEW TABLE AS interstore_new",
    "UPDATE": "REFERENCING OLD TABLE AS interstore_old NEW TABLE AS interstore_new",
    "DELETE": "REFERENCING OLD TABLE AS interstore_old",
}


def change_of(row: Row, token: str) -> Change:
    """The change of a row of `_COLUMNS`."""
    if row[5] is None:
        return Deleted(row[0], row[1], token)
    return Changed(row[0], row[1], read_document(row), token)
