"""The command line. Each command lies in a module of its own, imported when it is called."""

from __future__ import annotations

import click

from interstore._version import __version__
from interstore.cli.group import LazyGroup

__all__ = ["main"]

COMMANDS = {
    "config": ("config:config", "Show the settings in force, and where each comes from."),
    "doctor": ("doctor:doctor", "Try the store: connect, write, read, clean up."),
    "backends": ("backends:backends", "List the engines that are installed."),
    "plugins": ("plugins:plugins", "List the plugins that are installed, and those in use."),
    "models": ("read:models", "List the models of the store."),
    "find": ("read:find", "Show the documents that match a filter."),
    "get": ("read:get", "Show one document."),
    "count": ("read:count", "Count the documents that match a filter."),
    "explain": ("inspect:explain", "Show how a query would be answered: by which index."),
    "stats": ("inspect:stats", "Show documents, bytes, connections, versions."),
    "import": ("importing:import_", "Read documents from JSON, JSON Lines or CSV files."),
    "export": ("exporting:export", "Write documents to a JSON, JSON Lines or CSV file."),
    "drop": ("drop:drop", "Remove a model and all its documents."),
    "sweep": ("sweep:sweep", "Remove documents that have expired."),
    "blobs": ("blobs:blobs", "Put, get and list files by their keys."),
    "repair": ("repair:repair", "Mend JSON files after damage or an edit by hand."),
    "migrate": ("migrate:migrate", "Move all data to another store, and prove that it arrived."),
    "verify": ("migrate:verify", "Compare two stores, document by document."),
    "resync": ("mending:resync", "Make a store hold what another one does: write what differs."),
    "backup": ("backup:backup", "Write all documents into an archive, and check it."),
    "restore": ("backup:restore", "Write what an archive holds into a store of any engine."),
    "archive": ("backup:archive", "List and check archives."),
    "demo": ("demo:demo", "Walk through Interstore on real data."),
}


@click.group(
    cls=LazyGroup,
    commands_in=__name__,
    lazy=COMMANDS,
    brought={"serve-health": "observe"},
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="interstore")
def main() -> None:
    """One storage interface with interchangeable engines behind it.

    Commands work on the store that --url names, else on the one that the environment or a
    .env file does: DATABASE_URL, or DATABASE_TYPE and its parts.
    """
