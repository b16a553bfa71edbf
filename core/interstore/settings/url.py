"""Database URLs and native connection strings, taken apart."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qsl, quote, unquote

from interstore.errors import ConfigurationError
from interstore.settings.secret import HIDDEN, Secret

__all__ = ["URL"]

_URL: Final = re.compile(
    r"([A-Za-z][A-Za-z0-9+.-]*):(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(#.*)?\Z", re.DOTALL
)
_PORT: Final = re.compile(r"[0-9]{1,5}\Z")
_SECRET_NAME: Final = re.compile(r"pass|pwd|secret|token|key|sig|credential", re.IGNORECASE)
_ENCODE: Final = "a password with one of : / ? # @ % must be percent-encoded"


@dataclass(frozen=True, slots=True, repr=False)
class URL:
    """A database URL, its parts percent-decoded. `repr` and `str` hide what is secret.

    Attributes:
        scheme: in lower case; empty for a native connection string that is no URL
            (``"AccountEndpoint=...;AccountKey=..."``), of which only `raw` is known.
        username: ``None`` if not given.
        password: ``None`` if not given.
        host: without brackets; ``None`` if not given. Several hosts, where an engine knows
            such a thing, are left as they stand (``"a:1,b:2"``).
        port: ``None`` if not given, or where there are several hosts.
        path: with its leading slash; empty if not given. See `file_path`.
        query: the parameters after the question mark.
        raw: the text as it was given.
    """

    scheme: str
    username: str | None = None
    password: Secret | None = None
    host: str | None = None
    port: int | None = None
    path: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    raw: Secret = field(default_factory=lambda: Secret(""))

    @classmethod
    def parse(cls, text: str) -> URL:
        """Take a URL or a native connection string apart.

        Raises:
            ConfigurationError: it is no URL that could be understood without guessing. The
                message quotes nothing: any part may be the rest of a password.
        """
        match = _URL.match(text)
        if match is None:
            return cls("", raw=Secret(text))
        scheme, authority, path, query, fragment = match.groups()
        if authority is None:  # scheme:path is short for scheme:///path
            authority, path = "", path and f"/{path}"
        if authority and "@" in (path if "@" in authority else text):
            raise ConfigurationError(f"the URL has '@' after its first '/', '?' or '#': {_ENCODE}")
        if fragment is not None:
            raise ConfigurationError("the URL has a '#': write %23 where it belongs to a value")
        userinfo, at, address = authority.rpartition("@")
        username, colon, password = userinfo.partition(":")
        if "@" in userinfo or ":" in password:
            raise ConfigurationError(f"the URL has more than one user or password: {_ENCODE}")
        host, port = _address(address)
        return cls(
            scheme=scheme.lower(),
            username=unquote(username) if at else None,
            password=Secret(unquote(password)) if colon else None,
            host=host,
            port=port,
            path=unquote(path),
            query=MappingProxyType(_parameters(query or "")),
            raw=Secret(text),
        )

    @property
    def file_path(self) -> str:
        """The path of a file: relative after three slashes, absolute after four.

        ``sqlite:///a/b.db`` and ``sqlite:a/b.db`` are ``a/b.db``; ``sqlite:////a/b.db`` and
        ``sqlite:/a/b.db`` are ``/a/b.db``; ``sqlite://`` is ``""``.

        Raises:
            ConfigurationError: there is a host, so probably a slash is missing.
        """
        if self.host is not None or self.username is not None:
            raise ConfigurationError(
                f"a {self.scheme} URL names a file, not a host: write {self.scheme}:///name for a "
                f"path from the working directory, {self.scheme}:////name for an absolute one"
            )
        return self.path[1:]

    def secrets(self) -> list[Secret]:
        """What must not be shown: the password, and parameters that look like one."""
        found = [Secret(value) for name, value in self.query.items() if _SECRET_NAME.search(name)]
        if self.password is not None:
            found.append(self.password)
        if not self.scheme:
            found.append(self.raw)
            for part in self.raw.reveal().split(";"):
                name, _, value = part.partition("=")
                if _SECRET_NAME.search(name):
                    found.append(Secret(value.strip()))
        return found

    def __str__(self) -> str:
        if not self.scheme:
            return HIDDEN
        user = "" if self.username is None else quote(self.username, safe="")
        if self.password is not None:
            user += f":{HIDDEN}"
        host = self.host or ""
        if ":" in host and "," not in host:
            host = f"[{host}]"
        port = "" if self.port is None else f":{self.port}"
        at = "@" if self.username is not None else ""
        return (
            f"{self.scheme}://{user}{at}{host}{port}{quote(self.path, safe='/:~')}{self._query()}"
        )

    def _query(self) -> str:
        shown = "&".join(
            f"{quote(name)}={HIDDEN if _SECRET_NAME.search(name) else quote(value, safe='/:~')}"
            for name, value in self.query.items()
        )
        return f"?{shown}" if shown else ""

    def __repr__(self) -> str:
        return f"URL({str(self)!r})"


def _address(text: str) -> tuple[str | None, int | None]:
    """Host and port of ``host:port``, ``[::1]:port``, or several hosts as they stand."""
    if not text:
        return None, None
    if "," in text:
        return unquote(text), None
    if text.startswith("["):
        host, bracket, port = text[1:].partition("]")
        if not bracket or (port and not port.startswith(":")):
            raise ConfigurationError("the URL has a '[' without its ']' around an IPv6 address")
        port = port[1:]
    else:
        host, _, port = text.partition(":")
    if port and (not _PORT.match(port) or int(port) > 65535):
        raise ConfigurationError(f"the port in the URL is not a number up to 65535 ({_ENCODE})")
    return unquote(host) or None, int(port) if port else None


def _parameters(query: str) -> dict[str, str]:
    result: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if "@" in name:
            raise ConfigurationError(f"the URL has '@' in the name of a parameter: {_ENCODE}")
        if name in result:
            raise ConfigurationError(f"the URL has its parameter {name!r} twice")
        result[name] = value
    return result
