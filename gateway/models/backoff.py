"""When a model that failed to load may be loaded again: exponential backoff. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gateway.errors import ModelUnavailable, ModelUnusable, RemoteFailed

MAX_BACKOFF_S = 60.0


@dataclass(frozen=True, slots=True)
class Backoff:
    """The latest failure of a model, and the number of failures in a row.

    A request may load the model again at `retry_at_s`, the gateway itself at `reload_at_s`.
    """

    error: Exception
    failures: int
    retry_at_s: float
    reload_at_s: float

    @property
    def reason(self) -> str:
        return str(self.error)

    def check(self, now_s: float) -> None:
        """Raises the failure again, as ModelUnusable, before the time of the retry."""
        left_s = self.retry_at_s - now_s
        if left_s <= 0:
            return
        wait = f"{left_s:.0f} s" if left_s >= 1 else "a second"
        if isinstance(self.error, ModelUnavailable):
            again = self.error.reworded(f"{self.reason}; retry in {wait}")
            again.retry_after_s = math.ceil(left_s)
            raise again
        message = f"{self.reason}; correct this, then retry in {wait}"
        if isinstance(self.error, ModelUnusable):
            raise self.error.reworded(message)
        raise ModelUnusable(message)

    def may_reload(self, now_s: float) -> bool:
        """Whether the failure may have passed by itself, and it is time to find out."""
        is_transient = isinstance(self.error, ModelUnavailable | RemoteFailed)
        return is_transient and now_s >= self.reload_at_s


def back_off(error: Exception, before: Backoff | None, now_s: float) -> Backoff:
    """Returns the backoff after one more failure: one second, then twice as long each time.

    A request tries a remote engine at once: that is cheap, and its error is up to date.
    """
    failures = before.failures + 1 if before else 1
    wait_s = min(MAX_BACKOFF_S, 2.0 ** min(failures - 1, 10))
    is_remote = isinstance(error, RemoteFailed)
    return Backoff(error, failures, now_s if is_remote else now_s + wait_s, now_s + wait_s)
