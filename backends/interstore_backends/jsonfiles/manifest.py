"""The manifest: which models the folder holds, so that a lost file is noticed."""

from __future__ import annotations

import os
from typing import Final

import msgspec

from interstore.errors import ConfigurationError
from interstore.indexes import Index
from interstore_backends.jsonfiles.disk import replace_file
from interstore_backends.jsonfiles.errors import corrupt
from interstore_backends.jsonfiles.format import FORMAT, SUFFIX

__all__ = ["NAME", "Manifest", "ModelEntry", "read_manifest", "write_manifest"]

NAME: Final = "interstore.json"


class ModelEntry(msgspec.Struct, omit_defaults=True):
    """One model.

    Attributes:
        file: the name of its file in the folder.
        created: when it was created, as canonical text.
        indexes: what is declared, in the order of their names.
        retention: for how many seconds changes are kept; ``None`` if they are not recorded.
    """

    file: str
    created: str
    indexes: tuple[Index, ...] = ()
    retention: float | None = None


class Manifest(msgspec.Struct):
    """The content of ``interstore.json``."""

    models: dict[str, ModelEntry]
    format: int = FORMAT


class _Format(msgspec.Struct):
    format: int


_decode_format: Final = msgspec.json.Decoder(_Format).decode
_decode: Final = msgspec.json.Decoder(Manifest).decode


def read_manifest(folder: str) -> Manifest | None:
    """The manifest of the folder; ``None`` if it has none.

    Raises:
        ConfigurationError: it is of a format not known here.
        CorruptionError: it cannot be understood.
    """
    path = os.path.join(folder, NAME)
    try:
        with open(path, "rb") as file:
            text = file.read()
    except FileNotFoundError:
        return None
    try:
        version = _decode_format(text).format
        if version == FORMAT:
            return _checked(_decode(text), path)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise corrupt(path, 0, f"the manifest cannot be understood ({error})") from None
    raise ConfigurationError(
        f"{path} has format {version}, and this version of Interstore knows format {FORMAT} "
        "only: install a newer one",
        backend="json",
    )


def _checked(manifest: Manifest, path: str) -> Manifest:
    for model, entry in manifest.models.items():
        if entry.file != model + SUFFIX:
            raise corrupt(path, 0, f"{entry.file!r} is not the file of model {model!r}")
    return manifest


def write_manifest(folder: str, manifest: Manifest) -> None:
    """Put the manifest in the place of the old one. To be called under the lock."""
    models = dict(sorted(manifest.models.items()))
    ordered = {"format": manifest.format, "models": models}
    text = msgspec.json.format(msgspec.json.encode(ordered), indent=2) + b"\n"
    replace_file(os.path.join(folder, NAME), [text], ".new")
