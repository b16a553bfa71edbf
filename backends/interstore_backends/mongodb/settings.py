"""What can be set, and what the engine declares."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final, Literal, TypeAlias, get_args
from urllib.parse import parse_qsl, urlencode

from interstore.capabilities import Capabilities, Limits
from interstore.errors import ConfigurationError
from interstore.nearest import did_you_mean
from interstore.settings import URL, Secret, Settings, check_host, env

__all__ = ["CAPABILITIES", "LIMITS", "MongoDBSettings"]

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

ReadPreference: TypeAlias = Literal[
    "primary", "primaryPreferred", "secondary", "secondaryPreferred", "nearest"
]

_DRIVER_OPTIONS: Final = """
    appName authMechanism authMechanismProperties authSource compressors connectTimeoutMS
    directConnection heartbeatFrequencyMS journal loadBalanced localThresholdMS maxConnecting
    maxIdleTimeMS maxPoolSize maxStalenessSeconds minPoolSize readConcernLevel readPreference
    readPreferenceTags replicaSet retryReads retryWrites serverMonitoringMode
    serverSelectionTimeoutMS socketTimeoutMS srvMaxHosts srvServiceName ssl timeoutMS tls
    tlsAllowInvalidCertificates tlsAllowInvalidHostnames tlsCAFile tlsCertificateKeyFile
    tlsCertificateKeyFilePassword tlsCRLFile tlsDisableOCSPEndpointCheck tlsInsecure w
    waitQueueTimeoutMS wTimeoutMS zlibCompressionLevel
"""
DRIVER_OPTIONS: Final = frozenset(_DRIVER_OPTIONS.split())
"""What MongoDB's own connection strings know: handed to the driver as it stands."""

_BY_LOWER_CASE: Final = {name.lower(): name for name in _DRIVER_OPTIONS.split()}
_LOCAL_HOSTS: Final = ("127.", "localhost", "::1", "[::1]", "/", "%2F")
_NAME_FORBIDDEN: Final = frozenset('/\\. "$\0')


class MongoDBSettings(Settings, kw_only=True, frozen=True):
    """Settings of a MongoDB database: a replica set, a sharded cluster or a single server."""

    host: Annotated[
        str,
        env("DATABASE_HOST", help="Host, or several of a replica set as 'a:27017,b:27017'."),
    ] = "localhost"
    port: Annotated[
        int,
        env("DATABASE_PORT", help="Port, of hosts that have none of their own.", ge=1, le=65535),
    ] = 27017
    name: Annotated[str, env("DATABASE_NAME", help="The database.")] = "interstore"
    username: Annotated[
        str | None, env("DATABASE_USERNAME", "DATABASE_USER", help="The user, if one is needed.")
    ] = None
    password: Annotated[Secret | None, env("DATABASE_PASSWORD", help="The user's password.")] = None
    auth_source: Annotated[str, env(help="The database that knows the user.")] = "admin"
    replica_set: Annotated[
        str | None, env(help="The name of the replica set, so that all its members are found.")
    ] = None
    srv: Annotated[bool, env(help="Whether the members are looked up in DNS (mongodb+srv).")] = (
        False
    )
    pool_size: Annotated[
        int, env("DATABASE_POOL_SIZE", help="At most so many connections.", ge=1, le=1000)
    ] = 10
    timeout: Annotated[
        float,
        env(
            "DATABASE_TIMEOUT",
            help="Seconds for one operation, waiting for a server and a connection included.",
            ge=0.1,
            le=86_400,
        ),
    ] = 30.0
    ssl: Annotated[
        Literal["disable", "require", "verify"] | None,
        env(
            "DATABASE_SSL",
            help="TLS: 'disable', 'require' without proof of who answers, or 'verify'. By "
            "default 'verify', and none to this machine.",
        ),
    ] = None
    ssl_root_cert: Annotated[
        str | None,
        env(
            help="A file of certificates to trust, which asks for 'verify'; by default those the "
            "system trusts."
        ),
    ] = None
    durability: Annotated[
        Literal["majority", "primary"],
        env(
            help="When a write is acknowledged: once it is in the journals of a 'majority' of "
            "the members, or in the memory of the 'primary', whose crash may lose it."
        ),
    ] = "majority"
    read_preference: Annotated[
        ReadPreference,
        env(
            "DATABASE_READ_PREFERENCE",
            help="Which members of a replica set answer reads: the 'primary', or others, which "
            "may be behind.",
        ),
    ] = "primary"
    auto_create: Annotated[
        bool, env("DATABASE_AUTO_CREATE", help="Whether the first write creates a model.")
    ] = True
    options: Annotated[
        Secret | None,
        env(
            help="More of the driver's own options, as a URL has them: "
            "'compressors=zlib&maxIdleTimeMS=60000'."
        ),
    ] = None

    url_parameters: ClassVar[frozenset[str]] = DRIVER_OPTIONS | frozenset(_BY_LOWER_CASE)

    def __post_init__(self) -> None:
        check_host(self.host)
        if not self.name or _NAME_FORBIDDEN & set(self.name) or len(self.name.encode()) > 63:
            raise ConfigurationError(
                f"{self.name!r} cannot be the name of a database: MongoDB's have 1 to 63 bytes "
                'and none of / \\ . " $ or a space; set DATABASE_NAME'
            )
        if self.password is not None and self.username is None:
            raise ConfigurationError("there is a password and no user; set DATABASE_USERNAME")
        self._check_options()

    def _check_options(self) -> None:
        majority = self.durability == "majority"
        acknowledged = f"durability={self.durability!r} says when a write is acknowledged"
        decided = {
            "w": ("majority" if majority else "1", acknowledged),
            "journal": (str(majority).lower(), acknowledged),
            "readPreference": (
                self.read_preference.lower(),
                f"read_preference={self.read_preference!r} says who answers reads",
            ),
            "readConcernLevel": ("local", "reads are the primary's, or of what a majority has"),
        }
        for name, value in self.driver_options.items():
            known = _BY_LOWER_CASE.get(name.lower())
            if known is None:
                # Not quoted: it may be what follows an '&' in a password.
                near = did_you_mean(name, DRIVER_OPTIONS)
                raise ConfigurationError(f"options has a name that the driver does not know{near}")
            wanted, why = decided.get(known, (value.lower(), ""))
            if value.lower() != wanted:
                raise ConfigurationError(
                    f"{known}={value} would have no effect, since {why}; leave it out"
                )

    @classmethod
    def from_url(cls, url: URL) -> dict[str, Any]:
        """The parts of a MongoDB connection string; the driver's own options among them."""
        given = super().from_url(url)
        if url.scheme == "mongodb+srv":
            given["srv"] = True
        own = {
            _BY_LOWER_CASE[name.lower()]: value
            for name, value in url.query.items()
            if name in cls.url_parameters
        }
        if "authSource" in own:
            given["auth_source"] = own.pop("authSource")
        elif url.username is not None and given.get("name"):
            given["auth_source"] = given["name"]  # as MongoDB's specification has it
        if "replicaSet" in own:
            given["replica_set"] = own.pop("replicaSet")
        if "readPreference" in own:
            given["read_preference"] = _read_preference(own.pop("readPreference"))
        if "tlsCAFile" in own:
            given["ssl_root_cert"] = own.pop("tlsCAFile")
        if "timeoutMS" in own:
            given["timeout"] = _seconds(own.pop("timeoutMS"))
        if own:
            given["options"] = Secret(urlencode(own))
        return given

    @property
    def driver_options(self) -> dict[str, str]:
        """`options`, taken apart."""
        text = "" if self.options is None else self.options.reveal()
        return dict(parse_qsl(text, keep_blank_values=True))

    @property
    def hosts(self) -> list[str]:
        """Each host, with its port."""
        if self.srv:
            return [self.host]
        return [self._with_port(host.strip()) for host in self.host.split(",")]

    def _with_port(self, host: str) -> str:
        if host.count(":") > 1 and not host.startswith("["):
            host = f"[{host}]"
        if host.startswith("/"):
            return host.replace("/", "%2F")
        has_port = ":" in host.rpartition("]")[2]
        return host if has_port else f"{host}:{self.port}"

    @property
    def is_local(self) -> bool:
        """Whether every server is on this machine."""
        return not self.srv and all(
            host.startswith(("127.", "/", "%2F")) or host.rpartition(":")[0] in _LOCAL_HOSTS
            for host in self.hosts
        )

    @property
    def place(self) -> str:
        """Where the database is, as messages name it."""
        return f"MongoDB at {','.join(self.hosts)}/{self.name}"


def _read_preference(text: str) -> str:
    """As the setting spells it: MongoDB does not care for case."""
    return next((name for name in get_args(ReadPreference) if name.lower() == text.lower()), text)


def _seconds(milliseconds: str) -> float:
    try:
        return float(milliseconds) / 1000
    except ValueError:
        raise ConfigurationError(f"timeoutMS={milliseconds} is not a number") from None
