"""How many threads a model computes with: as many as go well beside its neighbours. Pure.

llama.cpp's threads wait for each other by spinning, so one that has to share its processor holds
up all the others, and fewer are then many times faster.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

SLOW = 1.5  # what takes more than so many times the usual loses time
LOST_S = 0.1  # so much lost time is no accident
TRIAL_STEPS = 4
TRIAL_S = 0.1  # a trial is over then, however few its steps
SOON_S, LATE_S = 1.0, 8.0  # between trials of more threads, the first and the later ones
AGAIN_S = 0.25  # until a trial that could not be judged is made again
BUSY = 0.6  # so much of a processor may be in use by others, and it still counts as free
CHECK_S = 60.0  # between trials of fewer, while all is well


@dataclass(slots=True)
class Trial:
    """A few steps with another count. What they took is set against what is usual without."""

    count: int
    steps: int = 0
    took_s: float = 0.0
    usual_s: float = 0.0

    def add(self, took_s: float, usual_s: float) -> None:
        self.steps += 1
        self.took_s += took_s
        self.usual_s += usual_s

    @property
    def is_over(self) -> bool:
        return self.steps == TRIAL_STEPS or self.took_s >= TRIAL_S

    @property
    def ratio(self) -> float:
        return self.took_s / max(self.usual_s, 1e-9)


class Threads:
    """Told how long each step took, `took` says how many threads the next one should have.

    Steps that lose time bring a trial of half the threads, or of one. Now and then there is one of
    more, unless others use the processors that it would take: `unused_s` counts what they do not.
    At the start, and rarely later, half is tried too: neighbours may have been there first.
    """

    def __init__(
        self,
        most: int,
        unused_s: Callable[[], float] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._most = most
        self._clock = clock
        self._unused_s = unused_s or (lambda: most * clock())
        self._seen_s = clock(), self._unused_s()
        self._free = float(most)
        self._count = most
        self._trial: Trial | None = None
        # Seconds of a step, by count and by the power of two that its tokens come to.
        self._usual: dict[tuple[int, int], float] = {}
        self._lost_s, self._lost_in = 0.0, 0
        self._next_s = 0.0
        self._wait_s = SOON_S

    @property
    def count(self) -> int:
        return self._trial.count if self._trial else self._count

    def took(self, tokens: int, seconds: float) -> int:
        """Take note of a step, and give the count for the next one."""
        bucket = tokens.bit_length()
        usual = self._usual.get((self._count, bucket))
        if self._most == 1:
            return 1
        if self._trial:
            self._judge(self._trial, bucket, seconds, usual)
        elif usual is None:
            self._usual[self._count, bucket] = seconds
            if len(self._usual) == 1:
                self._begin()
        else:
            self._watch(bucket, seconds, usual)
        return self.count

    def _begin(self) -> None:
        """Leave out from the start what others use."""
        self._measure()
        if self._free + BUSY < self._most:
            self._count = max(1, int(self._free + BUSY))
            self._next_s = self._clock() + SOON_S

    def _watch(self, bucket: int, seconds: float, usual: float) -> None:
        self._lost_s = max(0.0, self._lost_s + seconds - SLOW * usual)
        self._lost_in = self._lost_in + 1 if self._lost_s else 0
        if self._lost_s > LOST_S + usual:
            self._usual[self._count, bucket] = SLOW * usual + self._lost_s / self._lost_in
            self._try(self._count // 2)
        elif self._clock() >= self._next_s:
            self._look_around()
        elif seconds <= SLOW * usual:
            self._usual[self._count, bucket] += (seconds - usual) / 8

    def _look_around(self) -> None:
        """Try fewer, or more if there is room for them."""
        self._measure()
        self._next_s = self._clock() + SOON_S
        self._try(self._count // 2 if self._count == self._most else self._higher)

    def _measure(self) -> None:
        """Find out how many processors others have left free since the last time."""
        since_s, before_s = self._seen_s
        self._seen_s = now_s, unused_s = self._clock(), self._unused_s()
        self._free = (unused_s - before_s) / max(now_s - since_s, 1e-9)

    def _try(self, count: int) -> None:
        self._lost_s, self._lost_in = 0.0, 0
        if count not in (0, self._count):
            self._trial = Trial(count)

    @property
    def _higher(self) -> int:
        """The next count to try, 0 if others use the processors for it."""
        higher = min(self._most, max(self._count + 1, self._count * 3 // 2))
        return higher if higher <= self._free + BUSY else 0

    def _judge(self, trial: Trial, bucket: int, seconds: float, usual: float | None) -> None:
        rises = trial.count > self._count
        if usual is not None:
            trial.add(seconds, usual)
        elif rises:
            # There is nothing to compare it with yet.
            self._trial, self._next_s = None, self._clock() + AGAIN_S
        if not trial.is_over:
            return
        self._trial = None
        if trial.ratio <= (1.1 if rises else 0.9):
            self._move(trial, bucket)
        elif trial.ratio <= 1.25 and not rises and trial.count > 1:
            self._try(1)  # so little is lost by halving only where all of them are held up
        else:
            self._stay(trial)

    def _move(self, trial: Trial, bucket: int) -> None:
        """Go over to what was tried, and try at once to go further that way."""
        rises, self._count = trial.count > self._count, trial.count
        if not rises:
            self._measure()
        self._usual[self._count, bucket] = trial.took_s / trial.steps
        is_calm = self._count == self._most
        self._next_s = self._clock() + (CHECK_S if is_calm else self._wait_s)
        self._try(self._higher if rises else self._count // 2)

    def _stay(self, trial: Trial) -> None:
        is_calm = self._count == self._most
        if is_calm:
            self._wait_s = SOON_S
        elif trial.count > self._count:
            self._wait_s = min(2 * self._wait_s, LATE_S)
        self._next_s = self._clock() + (CHECK_S if is_calm else self._wait_s)
