"""When a model that failed to load may be loaded again: exponential backoff. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.errors import ModelUnusable, RemoteFailed

MAX_BACKOFF_S = 60.0


@dataclass(frozen=True, slots=True)
class Backoff:
    """The latest failure of a model, the number of failures in a row, and the time of a retry."""

    error: Exception
    failures: int
    retry_at_s: float

    @property
    def reason(self) -> str:
        return str(self.error)

    def check(self, now_s: float) -> None:
        """Raises the failure again, as ModelUnusable, before the time of the retry."""
        left_s = self.retry_at_s - now_s
        if left_s > 0:
            wait = f"{left_s:.0f} s" if left_s >= 1 else "a second"
            message = f"{self.reason}; retry in {wait}"
            if isinstance(self.error, ModelUnusable):
                raise self.error.reworded(message)
            raise ModelUnusable(message)


def back_off(error: Exception, before: Backoff | None, now_s: float) -> Backoff:
    """Returns the backoff after one more failure: one second, then twice as long each time.

    A remote engine is tried again with each request: that is cheap, and its error is up to date.
    """
    failures = before.failures + 1 if before else 1
    is_remote = isinstance(error, RemoteFailed)
    wait_s = 0.0 if is_remote else min(MAX_BACKOFF_S, 2.0 ** min(failures - 1, 10))
    return Backoff(error, failures, now_s + wait_s)
