"""The settings of the plugin ``retry``."""

from __future__ import annotations

from typing import Annotated

from interstore.settings import Settings, env

__all__ = ["RetrySettings"]


class RetrySettings(Settings, kw_only=True, frozen=True):
    """How patient a store is."""

    deadline: Annotated[
        float,
        env(help="Seconds after the first failure in which a call may be repeated.", ge=0),
    ] = 30.0
    attempts: Annotated[int, env(help="The most attempts of one call.", ge=1)] = 10
    first_pause: Annotated[
        float,
        env(help="The longest pause before the second attempt, in seconds; it then doubles.", ge=0),
    ] = 0.05
    longest_pause: Annotated[float, env(help="The longest pause of all, in seconds.", ge=0)] = 5.0
    breaker: Annotated[
        int,
        env(
            help="After so many calls in a row that were given up, others fail at once; 0: never.",
            ge=0,
        ),
    ] = 5
    breaker_pause: Annotated[
        float,
        env(help="So long, in seconds; then one call tries whether the engine is back.", ge=0),
    ] = 10.0
