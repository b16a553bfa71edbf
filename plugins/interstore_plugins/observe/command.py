"""`interstore serve-health`."""

from __future__ import annotations

from functools import partial

import click

from interstore import Store, connect
from interstore.errors import ConfigurationError

__all__ = ["serve_health"]


@click.command("serve-health")
@click.option(
    "-s",
    "--store",
    "named",
    metavar="NAME=URL",
    multiple=True,
    help="A store, and the name that it is told by; may be repeated. By default the one of the "
    "environment, as 'store'.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", default=8100, show_default=True, help="The port.")
@click.option("--timeout", default=5.0, show_default=True, help="Seconds for a store to answer.")
def serve_health(named: tuple[str, ...], host: str, port: int, timeout: float) -> None:
    """Serve /health, /stats and /metrics over HTTP, until it is interrupted.

    A store that cannot be reached is told as failing, and tried again.
    """
    try:
        import uvicorn
    except ImportError:
        raise ConfigurationError(
            "serve-health needs uvicorn: pip install 'interstore[health]'"
        ) from None
    from interstore_plugins.observe.health import HealthApp

    stores = dict(_store(each) for each in named) or {"store": partial(connect)}
    uvicorn.run(HealthApp({**stores}, timeout), host=host, port=port, log_level="warning")


def _store(named: str) -> tuple[str, partial[Store]]:
    name, separator, url = named.partition("=")
    if not separator or not name.replace("-", "").replace("_", "").isalnum():
        raise click.BadParameter("a store is given as NAME=URL", param_hint="--store")
    return name, partial(connect, url)
