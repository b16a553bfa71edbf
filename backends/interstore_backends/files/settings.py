"""Settings of files of others."""

from __future__ import annotations

from typing import Annotated

from interstore.settings import Settings, env

__all__ = ["FilesSettings"]


class FilesSettings(Settings, kw_only=True, frozen=True):
    """Which files: ``files:data`` or ``files:cities.csv?convert=true&delimiter=;``."""

    path: Annotated[str, env(help="A file, or a folder each file of which is a model.")]
    format: Annotated[
        str | None,
        env(help="json (an array), jsonl or csv; by default what each file's name ends with."),
    ] = None
    convert: Annotated[
        bool,
        env(help="CSV: read cells that are JSON as such, and leave empty ones out."),
    ] = False
    delimiter: Annotated[str, env(help="CSV: what separates cells.")] = ","
