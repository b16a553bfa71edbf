"""What can be set, and what the engine declares."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Final, Literal

from msgspec import structs

from interstore.capabilities import Capabilities, Limits
from interstore.errors import ConfigurationError
from interstore.settings import URL, Secret, Settings, check_host, env

__all__ = ["CAPABILITIES", "LIMITS", "PostgreSQLSettings"]

CAPABILITIES: Final = Capabilities(
    models=True,
    drop=True,
    ensure_index=frozenset({"single", "compound", "unique", "list", "partial"}),
    transaction=True,
    snapshot=True,
    watch=True,
    watch_deletes=True,
    stats=True,
    explain=True,
    native=True,
    write_page=True,
    ttl=True,
    foreign=True,
    multi_key_sort_undeclared=True,
)
LIMITS: Final = Limits()

_KEYWORD: Final = re.compile(
    r"\s*(\w+)\s*=\s*('(?:[^'\\]|\\.)*'|(?:[^\s'\\]|\\.)*)(?=\s|\Z)", re.DOTALL
)
_LOCAL: Final = re.compile(r"([/@].*|localhost(:\d+)?|127\.\d+\.\d+\.\d+(:\d+)?|::1)\Z")
_WITH_PORT: Final = re.compile(r"[^/@:,][^:,]*:\d+\Z")
_SSL: Final = {
    "disable": "disable",
    "require": "require",
    "verify-full": "verify",
}
_FIELDS: Final = {
    "host": "host",
    "hostaddr": "host",
    "port": "port",
    "dbname": "name",
    "user": "username",
    "password": "password",
    "sslmode": "ssl",
    "sslrootcert": "ssl_root_cert",
    "application_name": "application_name",
    "connect_timeout": "timeout",
}
"""Parameters of PostgreSQL's own connection strings, and the fields that they set."""

_OF_A_REPLICA: Final = frozenset(
    {"host", "port", "name", "username", "password", "ssl", "ssl_root_cert"}
)
"""What a replica may have otherwise than the primary."""

_SECRET_PARAMETERS: Final = frozenset({"password"})


class PostgreSQLSettings(Settings, kw_only=True, frozen=True):
    """Settings of a PostgreSQL database.

    What is not said is taken from here, not from ``PG...`` variables: two programs with the
    same settings reach the same database.
    """

    host: Annotated[
        str,
        env("DATABASE_HOST", help="Host name, address, or folder of a Unix socket."),
    ] = "localhost"
    port: Annotated[int, env("DATABASE_PORT", help="Port.", ge=1, le=65535)] = 5432
    name: Annotated[str, env("DATABASE_NAME", help="The database.")] = "postgres"
    username: Annotated[str, env("DATABASE_USERNAME", "DATABASE_USER", help="The role.")] = (
        "postgres"
    )
    password: Annotated[
        Secret | None, env("DATABASE_PASSWORD", help="The role's password, if it has one.")
    ] = None
    schema: Annotated[str, env(help="The schema that holds the tables; created when needed.")] = (
        "public"
    )
    pool_size: Annotated[
        int,
        env("DATABASE_POOL_SIZE", help="At most so many connections.", ge=1, le=1000),
    ] = 10
    timeout: Annotated[
        float,
        env(
            "DATABASE_TIMEOUT",
            help="Seconds for one operation, waiting for a connection included.",
            ge=0.1,
            le=86_400,
        ),
    ] = 30.0
    ssl: Annotated[
        Literal["disable", "require", "verify"] | None,
        env(
            "DATABASE_SSL",
            help="TLS: 'disable', 'require' without proof of who answers, or 'verify'. By "
            "default 'verify', and to this machine TLS only if the server offers it.",
        ),
    ] = None
    ssl_root_cert: Annotated[
        str | None,
        env(
            help="A file of certificates to trust, which asks for 'verify'; by default those the "
            "system trusts."
        ),
    ] = None
    prepare: Annotated[
        bool,
        env(help="Prepare statements; not possible through some poolers (PgBouncer)."),
    ] = True
    auto_create: Annotated[
        bool, env("DATABASE_AUTO_CREATE", help="Whether the first write creates a model.")
    ] = True
    application_name: Annotated[str, env(help="What the server's own views call this program.")] = (
        "interstore"
    )

    read_urls: Annotated[
        Secret | None,
        env(
            "DATABASE_READ_URLS",
            help="Replicas to read from, as URLs with spaces between; what they leave out (user, "
            "password, database) is as above. By default the server above answers everything.",
        ),
    ] = None

    url_parameters: ClassVar[frozenset[str]] = frozenset(_FIELDS) - {"host", "port", "password"}

    def __post_init__(self) -> None:
        check_host(self.host)
        if _WITH_PORT.match(self.host):
            raise ConfigurationError(f"host {self.host!r} ends with a port: set DATABASE_PORT")
        for name in ("name", "username", "schema", "application_name"):
            value = getattr(self, name)
            if not value or "\0" in value:
                raise ConfigurationError(f"{name} {value!r} is empty or holds a NUL character")
        if len(self.schema.encode()) > 63 or self.schema.startswith("pg_"):
            raise ConfigurationError(
                f"schema {self.schema!r} cannot be one: PostgreSQL's names have at most 63 "
                "bytes, and those that begin with 'pg_' are its own"
            )

        if self.read_urls is not None:
            _ = self.replicas  # raises if one cannot be understood

    @property
    def replicas(self) -> list[PostgreSQLSettings]:
        """The settings of each replica.

        Raises:
            ConfigurationError: `read_urls` cannot be understood. Nothing of it is quoted.
        """
        text = "" if self.read_urls is None else self.read_urls.reveal()
        return [self._replica(part, place) for place, part in enumerate(text.split(), 1)]

    def _replica(self, text: str, place: int) -> PostgreSQLSettings:
        url = URL.parse(text)
        if url.scheme not in ("postgresql", "postgres") or url.host is None:
            raise ConfigurationError(
                f"read_urls (DATABASE_READ_URLS): number {place} is not of the form "
                "postgresql://host:port, perhaps with user:password@ and /database"
            )
        given = self.from_url(url)
        unknown = sorted(given.keys() - _OF_A_REPLICA) or sorted(url.query.keys() - _FIELDS.keys())
        if unknown:
            raise ConfigurationError(
                f"read_urls (DATABASE_READ_URLS): number {place} has {unknown[0]}, which is "
                "that of the server itself"
            )
        if "username" in given and "password" not in given:
            given["password"] = None
        return structs.replace(self, **{"port": 5432, "read_urls": None, **given})

    @classmethod
    def from_url(cls, url: URL) -> dict[str, Any]:
        """The parts of a URL, or of a connection string (``"host=db dbname=app"``)."""
        given = super().from_url(url) if url.scheme else {}
        parameters = dict(url.query) if url.scheme else _keywords(url.raw.reveal())
        for name, value in parameters.items():
            field = _FIELDS.get(name)
            if field is None:
                if not url.scheme:
                    raise ConfigurationError(
                        f"the connection string has {name!r}, which is not supported; known are "
                        f"{', '.join(_FIELDS)}"
                    )
                continue  # perhaps one of our own settings
            if name == "sslmode":
                value = _ssl(value)
            given[field] = value
        return given

    @property
    def is_local(self) -> bool:
        """Whether the server is on this machine."""
        return all(_LOCAL.match(host) for host in self.host.split(","))

    @property
    def place(self) -> str:
        """Where the database is, as messages name it."""
        return f"PostgreSQL at {self.host}:{self.port}/{self.name}"


def _keywords(text: str) -> dict[str, str]:
    """A connection string in libpq's form: ``keyword=value``, quoted where there are spaces."""
    found: dict[str, str] = {}
    position = 0
    while text[position:].strip():
        match = _KEYWORD.match(text, position)
        if match is None:
            raise ConfigurationError(
                "the connection string is neither a URL nor of the form "
                "\"host=... dbname=... user=... password='...'\""
            )
        value = match[2][1:-1] if match[2].startswith("'") else match[2]
        found[match[1]] = re.sub(r"\\(.)", r"\1", value, flags=re.DOTALL)
        position = match.end()
    return found


def _ssl(mode: str) -> str:
    if mode not in _SSL:
        raise ConfigurationError(
            f"sslmode={mode} is not supported: choose one of {', '.join(_SSL)}, or leave it out "
            "for verified TLS to remote hosts"
        )
    return _SSL[mode]
