"""How much may be read beside answers that are being written, so that they go on evenly. Pure."""

from __future__ import annotations

STRETCH = 2.5  # how much longer than usual a step may take; a stream's gaps stay within three times
WEIGHT = 0.1  # of the latest step in what is usual
AT_FIRST = 4


class Pace:
    """`beside` is how many tokens a step bears beyond one for each answer; at most `most`."""

    def __init__(self, most: int):
        self.beside = min(AT_FIRST, most)
        self._most = most
        self._usual_s: float | None = None

    def took(self, beside: int, seconds: float) -> None:
        """Learn from a step with answers under way, and so many tokens beside."""
        if not beside:
            usual_s = self._usual_s or seconds
            self._usual_s = usual_s + WEIGHT * (seconds - usual_s)
        elif self._usual_s is not None:
            self._adapt(beside, seconds / (STRETCH * self._usual_s))

    def _adapt(self, beside: int, strain: float) -> None:
        if strain > 1:
            self.beside = max(1, int(min(self.beside, beside) / strain))
        elif beside >= self.beside:
            self.beside = min(self._most, self.beside + 1 + self.beside // 8)
