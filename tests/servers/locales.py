"""Locales made for the tests, so that a database can have the least convenient ones."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.servers.account import cache_folder

__all__ = ["COLLATE", "CTYPE", "search_path"]

COLLATE = "da_DK.UTF-8"
"""Orders "aa" after "z", and upper and lower case together."""

CTYPE = "tr_TR.UTF-8"
"""The lower case of "I" is not "i"."""


def search_path() -> str:
    """`LOCPATH` for a server: where the locales are, made if they are not there yet.

    Raises:
        OSError: there is no `localedef`, or it did not make them; the message says which.
    """
    folder = cache_folder("locales")
    for locale in (COLLATE, CTYPE):
        if not (folder / locale / "LC_COLLATE").exists():
            _make(locale, folder)
    return os.pathsep.join([str(folder), "/usr/lib/locale"])


def _make(locale: str, folder: Path) -> None:
    program = shutil.which("localedef")
    if program is None:
        raise OSError("no localedef on this machine")
    source, _, charmap = locale.partition(".")
    # Made aside, so that another run never sees half of one.
    with tempfile.TemporaryDirectory(dir=folder) as aside:
        made = Path(aside, locale)
        done = subprocess.run(
            [program, "--no-archive", "-i", source, "-f", charmap, made],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if not (made / "LC_COLLATE").exists():
            raise OSError(f"localedef did not make {locale}: {done.stderr.strip()[-500:]}")
        try:
            made.rename(folder / locale)
        except OSError:
            if not (folder / locale / "LC_COLLATE").exists():
                raise
