"""A model could not be loaded: why, and when it is worth another try. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.errors import ModelUnusable, RemoteFailed

MOST_S = 60.0


@dataclass(frozen=True, slots=True)
class Failure:
    """`tries` failed in a row; there is no other before `until_s`."""

    reason: str
    tries: int
    until_s: float

    def check(self, now_s: float) -> None:
        """Raises ModelUnusable as long as it is too soon to try again."""
        if now_s < self.until_s:
            left = f"{self.until_s - now_s:.0f} s" if self.until_s - now_s >= 1 else "a second"
            raise ModelUnusable(f"{self.reason}; it can be tried again in {left}")


def failed(error: Exception, before: Failure | None, now_s: float) -> Failure:
    """One more failure: the wait is twice as long each time, from a second on.

    An engine elsewhere is asked again by whoever comes: that costs nothing, and says how it is.
    """
    tries = before.tries + 1 if before else 1
    wait_s = 0.0 if isinstance(error, RemoteFailed) else min(MOST_S, 2.0 ** min(tries - 1, 10))
    return Failure(str(error), tries, now_s + wait_s)
