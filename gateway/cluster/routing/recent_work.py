"""How much work each replica was sent of late, compared with the others. Pure."""

from __future__ import annotations

from collections.abc import Sequence

ANSWER_BYTES = 8192  # of prompt that are as much work as an answer
WINDOW = 32  # requests for each replica, after which work counts for little
_RESCALE = 1e100


class RecentWork:
    """Sums of work, in which each request counts a little more than the one before it.

    So no clock is needed, and what counts is the share that a replica has.
    """

    def __init__(self) -> None:
        self._work: dict[str, float] = {}
        self._total = 0.0
        self._weight = 1.0

    def update(self, replicas: Sequence[str]) -> None:
        """Replaces the replicas; a new one starts with the average.

        The first start as if they had answered, so that a few requests tell little.
        """
        known = [self._work[id] for id in replicas if id in self._work]
        average = sum(known) / len(known) if known else float(WINDOW * ANSWER_BYTES)
        self._work = {id: self._work.get(id, average) for id in replicas}
        self._total = sum(self._work.values())

    def add(self, replica: str, prompt_bytes: int) -> None:
        """Adds a request with `prompt_bytes` to compute."""
        self._weight *= 1 + 1 / (WINDOW * len(self._work))
        work = (prompt_bytes + ANSWER_BYTES) * self._weight
        self._work[replica] += work
        self._total += work
        if self._weight > _RESCALE:
            self._work = {id: work / _RESCALE for id, work in self._work.items()}
            self._total /= _RESCALE
            self._weight /= _RESCALE

    def relative(self, replica: str) -> float:
        """The work of `replica` over the average."""
        return self._work[replica] * len(self._work) / self._total
