"""The settings of the plugin ``observe``."""

from __future__ import annotations

from typing import Annotated, Literal

from interstore.settings import Settings, env

__all__ = ["ObserveSettings"]


class ObserveSettings(Settings, kw_only=True, frozen=True):
    """What is told of a store."""

    log: Annotated[
        Literal["none", "failed", "all"],
        env(help="Which operations are logged, by the logger interstore.operations."),
    ] = "failed"
    slow: Annotated[
        float,
        env(help="Operations that take as many seconds are logged as slow; 0: none.", ge=0),
    ] = 1.0
    plan: Annotated[
        bool, env(help="Whether the engine is asked how it answered a query that was slow.")
    ] = False
    telemetry: Annotated[
        Literal["auto", "on", "off"],
        env(
            help="Spans and metrics of OpenTelemetry; auto: if the program has set it up before "
            "it connects."
        ),
    ] = "auto"
