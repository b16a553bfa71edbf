"""What a package needs to wrap or observe stores: see `interstore.hookspecs`.

A plugin implements hooks in a module, which an entry point of the group ``interstore.plugins``
names. It does nothing until its name stands in ``INTERSTORE_PLUGINS``, or in ``plugins=`` of
`interstore.connect`. What is exported here, and the hooks, keep their meaning within a major
version of Interstore.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from interstore._async.background import AsyncBackground
    from interstore._compat import Lock, sleep
    from interstore._compat_async import Lock as AsyncLock
    from interstore._compat_async import sleep as sleep_async
    from interstore._sync.background import Background
    from interstore.hookspecs import hookimpl
    from interstore.plugins._async.interceptor import AsyncInterceptor
    from interstore.plugins._async.wrapper import AsyncWrapper
    from interstore.plugins._sync.interceptor import Interceptor
    from interstore.plugins._sync.wrapper import Wrapper
    from interstore.plugins.active import Active
    from interstore.plugins.counting import count_of
    from interstore.plugins.operation import Observer, Operation, query_of
    from interstore.plugins.routes import Reply, Route

__all__ = [
    "Active",
    "AsyncBackground",
    "AsyncInterceptor",
    "AsyncLock",
    "AsyncWrapper",
    "Background",
    "Interceptor",
    "Lock",
    "Observer",
    "Operation",
    "Reply",
    "Route",
    "Wrapper",
    "count_of",
    "hookimpl",
    "query_of",
    "sleep",
    "sleep_async",
]

_PLACES = {
    "Active": "plugins.active:Active",
    "AsyncBackground": "_async.background:AsyncBackground",
    "AsyncInterceptor": "plugins._async.interceptor:AsyncInterceptor",
    "AsyncLock": "_compat_async:Lock",
    "AsyncWrapper": "plugins._async.wrapper:AsyncWrapper",
    "Background": "_sync.background:Background",
    "Interceptor": "plugins._sync.interceptor:Interceptor",
    "Lock": "_compat:Lock",
    "Observer": "plugins.operation:Observer",
    "Operation": "plugins.operation:Operation",
    "Reply": "plugins.routes:Reply",
    "Route": "plugins.routes:Route",
    "Wrapper": "plugins._sync.wrapper:Wrapper",
    "count_of": "plugins.counting:count_of",
    "hookimpl": "hookspecs:hookimpl",
    "query_of": "plugins.operation:query_of",
    "sleep": "_compat:sleep",
    "sleep_async": "_compat_async:sleep",
}
"""Where each name lies; nothing is imported before it is used."""


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    module, _, attribute = _PLACES[name].partition(":")
    value = getattr(import_module(f"interstore.{module}"), attribute)
    globals()[name] = value
    return value
