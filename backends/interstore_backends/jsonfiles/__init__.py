"""JSON files: the embedded default. A folder that `cat`, `git diff` and `jq` understand.

Each model is one append-only file of JSON Lines, ``<model>.jsonl``: a header, then a line for
every write, whose ``"crc"`` is the CRC-32 of what follows it on the line.

.. code-block:: json

    {"crc":"5c2a91f0","interstore":1,"model":"users","at":"2026-01-31T12:00:00.000000Z"}
    {"crc":"0f9dd3a1","id":"u1","v":1,"at":"2026-01-31T12:00:00.000000Z","doc":{"name":"Ada"}}
    {"crc":"9b3c77de","id":"u1","v":1,"at":"2026-01-31T12:00:07.250000Z","doc":null}

The last line of an id counts; ``"doc":null`` says that the document was removed. Besides,
``"ct"`` is the time of creation where it is not ``"at"``, and ``"ex"`` the time of expiry.
``interstore.json``, the manifest, lists the models and their indexes; ``interstore.lock`` is
held while a process writes. A file is compacted when more than half of it no longer counts; where
changes are recorded (`enable_watch`), the file that is replaced is kept for the retention.
What a transaction writes stands first in ``interstore.transactions``, in one line: once that is
on the disk, the transaction is committed, and then the files of its models get their lines.

What an acknowledged write survives:

============================== ==================== ====================
when                           durability="fsync"   durability="os"
============================== ==================== ====================
the process is killed          yes                  yes
the operating system crashes   yes                  not the last seconds
the power fails                yes, if the disk     not the last seconds
                               keeps its word
============================== ==================== ====================

A write that was not acknowledged when one of these struck is there whole or not at all, and so
is a transaction; a bulk write may be there in part, and under ``"os"``, after the system crashed
or the power failed, a transaction too. A reader may see a write some milliseconds before it is on
the disk. After a power failure under ``"os"`` a file may need ``interstore repair``.

The tail of a line that a killed process left is moved to ``<file>.torn`` and reported by
logging and `stats`. Damage to anything else is `CorruptionError` with file and offset;
``interstore repair`` takes up lines that were edited by hand. When the operating system
reports that it could not bring data to the disk (fsync fails), the store refuses to write
until it is opened anew, because what the disk holds is then unknown.

Any number of threads, stores and processes may use one folder. Linux and macOS, local
disks; Windows and network file systems are unsupported, and refused where they can be told.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from interstore.backend import Backend
from interstore.capabilities import Capabilities
from interstore.hookspecs import hookimpl
from interstore_backends.jsonfiles.settings import JsonFilesSettings

if TYPE_CHECKING:
    from interstore_backends.jsonfiles.database import JsonFilesDatabase

__all__ = ["CAPABILITIES", "interstore_backend"]

CAPABILITIES = Capabilities(
    models=True,
    drop=True,
    ensure_index=frozenset({"single", "compound", "unique", "list", "partial"}),
    transaction=True,
    snapshot=True,
    stats=True,
    explain=True,
    watch=True,
    watch_deletes=True,
    write_page=True,
    ttl=True,
    multi_key_sort_undeclared=True,
)


def _database(settings: JsonFilesSettings) -> JsonFilesDatabase:
    from interstore_backends.jsonfiles.database import JsonFilesDatabase

    return JsonFilesDatabase(settings)


def _repair(settings: JsonFilesSettings) -> Iterator[str]:
    from interstore_backends.jsonfiles.repair import repair

    yield from repair(settings.data_dir, settings.timeout).steps()


@hookimpl
def interstore_backend() -> Backend:
    """The JSON files engine."""
    return Backend(
        name="json",
        settings=JsonFilesSettings,
        database=_database,
        capabilities=CAPABILITIES,
        schemes=("json",),
        aliases=("mock", "jsonfile"),
        repair=_repair,
    )
