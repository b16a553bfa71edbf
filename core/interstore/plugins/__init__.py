"""What a package needs to wrap or observe stores: see `interstore.hookspecs`.

A plugin implements hooks in a module, which an entry point of the group ``interstore.plugins``
names. It does nothing until its name stands in ``INTERSTORE_PLUGINS``, or in ``plugins=`` of
`interstore.connect`. What is exported here, and the hooks, keep their meaning within a major
version of Interstore.
"""

from __future__ import annotations

from interstore.hookspecs import hookimpl
from interstore.plugins._async.interceptor import AsyncInterceptor
from interstore.plugins._async.wrapper import AsyncWrapper
from interstore.plugins._sync.interceptor import Interceptor
from interstore.plugins._sync.wrapper import Wrapper
from interstore.plugins.active import Active
from interstore.plugins.operation import Observer, Operation
from interstore.plugins.routes import Reply, Route

__all__ = [
    "Active",
    "AsyncInterceptor",
    "AsyncWrapper",
    "Interceptor",
    "Observer",
    "Operation",
    "Reply",
    "Route",
    "Wrapper",
    "hookimpl",
]
