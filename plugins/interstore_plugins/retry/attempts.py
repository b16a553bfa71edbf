"""`Attempts`: one call that failed, and how often it was tried since."""

from __future__ import annotations

import logging
from time import monotonic
from typing import Final

from interstore.errors import InterstoreError
from interstore_plugins.retry.policy import Step, first_step, pause
from interstore_plugins.retry.settings import RetrySettings

__all__ = ["Attempts", "GivenUp"]

_log: Final = logging.getLogger("interstore.retry")


class GivenUp(Exception):
    """It is left at the failure."""


class Attempts:
    """What to do next, until there is nothing more to do.

    Attributes:
        error: the failure to raise if it is left at that.
        number: how many attempts there were.
        step: what the next one does.
        recognised: whether it turned out that the first had been applied.
    """

    def __init__(self, settings: RetrySettings, operation: str, error: InterstoreError) -> None:
        self._settings = settings
        self._operation = operation
        self._begun = monotonic()
        self.error = error
        self.number = 1
        self.step: Step = first_step(operation, error)
        self.recognised = False

    def failed(self, error: InterstoreError) -> None:
        """The latest attempt failed, too."""
        if self.step == "look":
            return  # what is not known of the first attempt is still not known
        self.error, self.step = error, first_step(self._operation, error)

    def wait(self) -> float:
        """Seconds until the next attempt, which is thereby begun.

        Raises:
            GivenUp: there is none.
        """
        settings = self._settings
        seconds = pause(self.number, settings.first_pause, settings.longest_pause)
        late = monotonic() + seconds > self._begun + settings.deadline
        if self.step == "give up" or self.number >= settings.attempts or late:
            raise GivenUp
        _log.info(
            "%s of %s failed, attempt %d: %s",
            self._operation, self.error.backend, self.number, self.error,
        )  # fmt: skip
        self.number += 1
        return seconds

    def failure(self) -> InterstoreError:
        """The error to raise in the end, with what was tried."""
        if self.number > 1:
            took = monotonic() - self._begun
            self.error.add_note(f"retry: {self.number} attempts in {took:.1f} seconds")
        return self.error
