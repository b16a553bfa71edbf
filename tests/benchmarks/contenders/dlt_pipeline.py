"""dlt (data load tool), doing the same job: SQLite to PostgreSQL, written over by key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

__all__ = ["dlt_to_postgresql"]


def dlt_to_postgresql(
    pages: Callable[[], Iterator[list[dict[str, Any]]]], url: str, folder: Path, name: str
) -> None:
    """Load documents, their nested values as JSON, by dlt's own defaults for `merge`.

    Args:
        pages: the documents, a thousand at a time.
        url: of the database.
        folder: where dlt keeps its files.
        name: of the pipeline; the same name finds the same state.
    """
    import dlt  # type: ignore[import-not-found, import-untyped, unused-ignore]

    pipeline = dlt.pipeline(
        name,
        destination=dlt.destinations.postgres(_with_password(url)),
        dataset_name=name,
        pipelines_dir=str(folder),
    )
    resource = dlt.resource(
        pages, name="cities", primary_key="id", write_disposition="merge", max_table_nesting=0
    )
    pipeline.run(resource)


def _with_password(url: str) -> str:
    """dlt demands a password, also of a server that asks for none."""
    parts = urlsplit(url)
    user, _, address = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{user if ':' in user else user + ':none'}@{address}").geturl()
