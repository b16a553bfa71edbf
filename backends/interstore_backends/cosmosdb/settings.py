"""What can be set, and what the engine declares."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from interstore.capabilities import Capabilities, Limits
from interstore.errors import ConfigurationError
from interstore.settings import URL, Secret, Settings, env

__all__ = ["CAPABILITIES", "LIMITS", "CosmosDBSettings"]

CAPABILITIES: Final = Capabilities(
    models=True,
    drop=True,
    ensure_index=frozenset({"single", "compound", "list"}),
    watch=True,
    stats=True,
    native=True,
    foreign=True,
    write_page=True,
    ttl=True,
)
LIMITS: Final = Limits()

_LOCAL_HOSTS: Final = ("127.", "localhost", "::1", "[::1]")
_NAME_FORBIDDEN: Final = frozenset("/\\#?\0")


class CosmosDBSettings(Settings, kw_only=True, frozen=True):
    """Settings of a database of an Azure Cosmos DB account (API for NoSQL).

    Who may use it is proven by the account's key, by a credential, or by what
    `azure-identity` finds on the machine.
    """

    host: Annotated[
        str,
        env("DATABASE_HOST", help="The account's host: 'name.documents.azure.com'."),
    ] = "localhost"
    port: Annotated[int, env("DATABASE_PORT", help="Its port.", ge=1, le=65535)] = 443
    name: Annotated[str, env("DATABASE_NAME", help="The database, which must exist.")] = (
        "interstore"
    )
    password: Annotated[
        Secret | None, env("DATABASE_PASSWORD", help="The account's key; or use identity.")
    ] = None
    identity: Annotated[
        bool,
        env(help="Whether azure-identity's DefaultAzureCredential proves who we are."),
    ] = False
    credential: Annotated[Any, env(help="A credential object of azure-identity's.")] = None
    pool_size: Annotated[
        int,
        env("DATABASE_POOL_SIZE", help="At most so many requests at a time.", ge=1, le=1000),
    ] = 50
    timeout: Annotated[
        float,
        env(
            "DATABASE_TIMEOUT",
            help="Seconds for one operation, waiting because of throttling included.",
            ge=0.1,
            le=86_400,
        ),
    ] = 30.0
    ssl: Annotated[
        Literal["disable", "require", "verify"] | None,
        env(
            "DATABASE_SSL",
            help="TLS: 'disable' (plain HTTP), 'require' without proof of who answers, or "
            "'verify', which is the default.",
        ),
    ] = None
    ssl_root_cert: Annotated[
        str | None,
        env(
            help="A file of certificates to trust, which asks for 'verify'; by default those that "
            "everybody trusts."
        ),
    ] = None
    auto_create: Annotated[
        bool,
        env(
            "DATABASE_AUTO_CREATE",
            help="Whether the first write creates a model: a container costs money.",
        ),
    ] = False
    throughput: Annotated[
        int | None,
        env(help="Request units a second of a container that is created.", ge=400),
    ] = None
    autoscale: Annotated[
        int | None,
        env(help="The same, as the most that it scales to by itself.", ge=1000),
    ] = None

    def __post_init__(self) -> None:
        if not self.host or "\0" in self.host or "/" in self.host:
            raise ConfigurationError(
                f"host {self.host!r} is not the host of an account, such as "
                "'name.documents.azure.com'; set DATABASE_HOST",
                backend="cosmosdb",
            )
        if not self.name or _NAME_FORBIDDEN & set(self.name) or len(self.name) > 255:
            raise ConfigurationError(
                f"{self.name!r} cannot be the name of a database: 1 to 255 characters, none of "
                "/ \\ # ?; set DATABASE_NAME",
                backend="cosmosdb",
            )
        proofs = [self.password is not None, self.identity, self.credential is not None]
        if sum(proofs) > 1:
            raise ConfigurationError(
                "say in one way only who may use the account: its key (DATABASE_PASSWORD), "
                "identity=True, or credential=...",
                backend="cosmosdb",
            )
        if self.throughput is not None and self.autoscale is not None:
            raise ConfigurationError(
                "a container has either throughput or autoscale: leave one out",
                backend="cosmosdb",
            )

    @classmethod
    def from_url(cls, url: URL) -> dict[str, Any]:
        """``cosmosdb://:KEY@name.documents.azure.com/database``, or a connection string."""
        if not url.scheme:
            return _connection_string(url)
        if url.username:
            raise ConfigurationError(
                "a Cosmos DB URL has no user: write cosmosdb://:KEY@host/name", backend="cosmosdb"
            )
        return super().from_url(replace(url, username=None))

    @property
    def is_local(self) -> bool:
        """Whether the account is on this machine: an emulator's."""
        return self.host.startswith(_LOCAL_HOSTS)

    @property
    def endpoint(self) -> str:
        """The account's address."""
        return f"{'http' if self.ssl == 'disable' else 'https'}://{self.host}:{self.port}/"

    @property
    def place(self) -> str:
        """Where the database is, for messages."""
        return f"{self.host}:{self.port}/{self.name}"


def _connection_string(url: URL) -> dict[str, Any]:
    """The parts of ``AccountEndpoint=https://name.documents.azure.com:443/;AccountKey=...;``."""
    text = url.raw.reveal()
    parts = dict(part.split("=", 1) for part in text.split(";") if "=" in part)
    endpoint, key = urlsplit(parts.get("AccountEndpoint", "")), parts.get("AccountKey")
    try:
        host, port = endpoint.hostname, endpoint.port
    except ValueError:
        host = port = None
    if not host or not key:
        # Nothing of it is quoted: any part may be the key's.
        raise ConfigurationError(
            "the connection string is neither a URL nor "
            "'AccountEndpoint=https://...;AccountKey=...;', as the Azure portal shows it",
            backend="cosmosdb",
        )
    given: dict[str, Any] = {"host": host, "password": Secret(key)}
    if port is not None:
        given["port"] = port
    if endpoint.scheme == "http":
        given["ssl"] = "disable"
    return given
