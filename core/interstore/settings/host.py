"""What a setting `host` must not be."""

from __future__ import annotations

from interstore.errors import ConfigurationError

__all__ = ["check_host"]


def check_host(host: str) -> None:
    """Refuse what is no host, or list of hosts.

    Raises:
        ConfigurationError: it is empty, or a whole URL, which is not quoted: it may hold a
            password.
    """
    if not host or "\0" in host:
        raise ConfigurationError("host is empty or holds a NUL character; set DATABASE_HOST")
    if "://" in host or "@" in host[1:]:  # a socket may begin with "@"
        raise ConfigurationError(
            "host is a URL, or has a user in it: say the whole URL in DATABASE_URL, or the host "
            "alone in DATABASE_HOST"
        )
