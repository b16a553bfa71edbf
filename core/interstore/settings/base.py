"""`Settings`, the base of every engine's settings, and `env`, which names a field's variables."""

from __future__ import annotations

import typing
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import msgspec

from interstore.errors import ConfigurationError
from interstore.settings.secret import Secret
from interstore.settings.url import URL

__all__ = ["Field", "Settings", "env", "fields_of"]


def env(
    *variables: str,
    help: str = "",  # noqa: A002 - what command lines call it
    ge: float | None = None,
    le: float | None = None,
) -> msgspec.Meta:
    """What a field of `Settings` carries: ``path: Annotated[str, env("DATABASE_PATH")] = "x"``.

    Args:
        variables: the environment variables that set it; the first is shown in messages,
            the others are also understood. None at all: only an argument or the URL sets it.
        help: what it is, in one sentence, with unit and meaning of the default.
        ge: the least value of a number.
        le: the greatest value of a number.
    """
    # msgspec's own bounds cannot be set on a type that is also None.
    return msgspec.Meta(extra={"variables": variables, "help": help, "ge": ge, "le": le})


class Settings(msgspec.Struct, kw_only=True, frozen=True):
    """The base class of an engine's settings.

    Fields are of the types ``str``, ``int``, ``float`` (seconds, for times), ``bool``,
    ``Literal``, ``pathlib.Path``, `Secret`, any of them ``| None``, or ``Any`` (taken from an
    argument as it is)::

        class LMDBSettings(Settings, kw_only=True, frozen=True):
            path: Annotated[str, env("DATABASE_PATH", help="The folder.")] = "data.lmdb"

    A field without default must be set. `__post_init__` may raise `ConfigurationError`
    where values contradict one another.
    """

    url_parameters: ClassVar[frozenset[str]] = frozenset()
    """Parameters of the URL that `from_url` itself reads. Others must be names of fields."""

    @classmethod
    def from_url(cls, url: URL) -> dict[str, Any]:
        """What the URL says, as values of fields; parameters after ``?`` are seen to by the caller.

        By default ``username``, ``password``, ``host`` and ``port``, and its path as ``name``;
        or, for settings with a ``path`` and no ``host``, a file's path.

        Raises:
            ConfigurationError: it says what these settings have no field for.
        """
        if not url.scheme:
            raise ConfigurationError(
                "the connection string is not a URL: it does not begin with a scheme and '://'"
            )
        names = cls.__struct_fields__
        if "path" in names and "host" not in names:
            return {"path": url.file_path} if url.file_path else {}
        parts = {
            "username": url.username,
            "password": url.password,
            "host": url.host,
            "port": url.port,
            "name": url.path[1:] or None,
        }
        given = {name: value for name, value in parts.items() if value is not None}
        for name in given:
            if name not in names:
                raise ConfigurationError(f"a {url.scheme} URL has no {name}")
        return given


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a settings class.

    Attributes:
        name: as an argument and as a parameter of the URL.
        type: its annotation.
        variables: the environment variables that set it, the one to show first.
        help: what it is.
        ge: the least value of a number.
        le: the greatest value of a number.
        required: whether it has no default.
        secret: whether its value must not be shown.
    """

    name: str
    type: Any
    variables: tuple[str, ...]
    help: str
    ge: float | None
    le: float | None
    required: bool
    secret: bool


@cache
def fields_of(settings: type[Settings]) -> tuple[Field, ...]:
    """The fields of a settings class, in their order."""
    return tuple(_field(info) for info in msgspec.structs.fields(settings))


def _field(info: msgspec.structs.FieldInfo) -> Field:
    extra: dict[str, Any] = {}
    bare = info.type
    if typing.get_origin(bare) is typing.Annotated:
        bare, *metadata = typing.get_args(bare)
        for item in metadata:
            if isinstance(item, msgspec.Meta) and item.extra:
                extra |= item.extra
    return Field(
        name=info.name,
        type=info.type,
        variables=tuple(extra.get("variables", ())),
        help=extra.get("help", ""),
        ge=extra.get("ge"),
        le=extra.get("le"),
        required=info.required,
        secret=bare is Secret or Secret in typing.get_args(bare),
    )
