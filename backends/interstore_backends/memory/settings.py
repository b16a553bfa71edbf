"""Settings of the memory engine: there are none."""

from __future__ import annotations

from typing import Any

from interstore.settings import URL, Settings

__all__ = ["MemorySettings"]


class MemorySettings(Settings, kw_only=True, frozen=True):
    """Nothing to set: ``memory:`` and ``DATABASE_TYPE=memory`` say it all."""

    @classmethod
    def from_url(cls, url: URL) -> dict[str, Any]:
        del url
        return {}
