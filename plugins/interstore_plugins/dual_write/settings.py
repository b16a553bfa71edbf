"""The settings of the plugin ``dual-write``."""

from __future__ import annotations

from typing import Annotated

from interstore.settings import Secret, Settings, env

__all__ = ["DualWriteSettings"]


class DualWriteSettings(Settings, kw_only=True, frozen=True):
    """Where to, and how closely this process follows the move."""

    target: Annotated[
        Secret,
        env(help="The URL of the store that the data moves to; ${env:NAME} may stand in it."),
    ]
    lease: Annotated[
        float,
        env(
            help="Seconds after which a process that was killed, or stopped, no longer counts as "
            "one that writes.",
            ge=0.2,
        ),
    ] = 15.0
    look: Annotated[
        float, env(help="Seconds between two looks at how far the move is.", ge=0.01)
    ] = 0.25
