"""Chooses the number of threads that a model computes with, by how long its steps take. Pure.

llama.cpp's threads wait for each other by spinning. A thread that shares its CPU with another
process delays all the others, and fewer threads are then many times faster.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

SLOW_RATIO = 1.5  # a step that takes longer than its usual time by this factor loses time
MAX_LOST_S = 0.1  # so much lost time is no accident
MAX_TRIAL_STEPS = 4
MAX_TRIAL_S = 0.1  # ends a trial of fewer steps
MIN_RETRY_S, MAX_RETRY_S = 1.0, 8.0  # between trials of more threads; doubles up to the second
UNJUDGED_RETRY_S = 0.25  # after a trial for which there was no usual time to compare with
MIN_MEASURED_S = 0.1  # the system counts CPU time in hundredths of a second
MAX_SHARED_CPU = 0.6  # a CPU counts as free while others use no more of it
CHECK_S = 60.0  # between trials of fewer threads while all threads run well
MAX_RATIO_MORE = 1.1  # of the usual time: more threads are kept up to here,
MAX_RATIO_FEWER = 0.9  # fewer threads up to here
MAX_RATIO_ONE = 1.25  # halving that costs no more than this hints that every thread is delayed


@dataclass(slots=True)
class Trial:
    """A few steps with another number of threads, and their usual time with the current one."""

    count: int
    steps: int = 0
    trial_s: float = 0.0
    usual_s: float = 0.0

    def add(self, step_s: float, usual_s: float) -> None:
        self.steps += 1
        self.trial_s += step_s
        self.usual_s += usual_s

    @property
    def is_over(self) -> bool:
        return self.steps == MAX_TRIAL_STEPS or self.trial_s >= MAX_TRIAL_S

    @property
    def ratio(self) -> float:
        return self.trial_s / max(self.usual_s, 1e-9)


class ThreadTuner:
    """`record` learns the duration of a step, and returns the number of threads for the next one.

    Steps that lose time start a trial of half the threads, or of one. From time to time there is a
    trial of more, unless other processes use the CPUs for it: `available_cpu_s` counts the CPU
    seconds that they leave. At the start, and rarely later, half the threads are tried too, since
    other processes may have been there first. `begin` may be called before the first step.
    """

    def __init__(
        self,
        max_threads: int,
        available_cpu_s: Callable[[], float] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._max_threads = max_threads
        self._clock = clock
        self._available_cpu_s = available_cpu_s or (lambda: max_threads * clock())
        self._measured_at = clock(), self._available_cpu_s()
        self._free_cpus = float(max_threads)
        self._count = max_threads
        self._trial: Trial | None = None
        # Usual seconds of a step, by number of threads and by the bit length of its token count.
        self._usual_s: dict[tuple[int, int], float] = {}
        self._lost_s, self._lost_steps = 0.0, 0
        self._next_trial_s = 0.0
        self._retry_s = MIN_RETRY_S

    @property
    def count(self) -> int:
        return self._trial.count if self._trial else self._count

    def begin(self) -> int:
        """The number of CPUs that other processes have left since this object was made."""
        self._measure()
        if self._free_cpus + MAX_SHARED_CPU < self._max_threads:
            self._count = max(1, int(self._free_cpus + MAX_SHARED_CPU))
            self._next_trial_s = self._clock() + MIN_RETRY_S
        return self._count

    def record(self, tokens: int, step_s: float) -> int:
        """Learn from a step of `tokens` tokens; the number of threads for the next one."""
        size = tokens.bit_length()
        usual_s = self._usual_s.get((self._count, size))
        if self._max_threads == 1:
            return 1
        if self._trial:
            self._judge(self._trial, size, step_s, usual_s)
        elif usual_s is None:
            self._usual_s[self._count, size] = step_s
            if len(self._usual_s) == 1:
                self.begin()
        else:
            self._watch(size, step_s, usual_s)
        return self.count

    def _watch(self, size: int, step_s: float, usual_s: float) -> None:
        """Start a trial if steps lose time or if one is due; otherwise update the usual time."""
        self._lost_s = max(0.0, self._lost_s + step_s - SLOW_RATIO * usual_s)
        self._lost_steps = self._lost_steps + 1 if self._lost_s else 0
        if self._lost_s > MAX_LOST_S + usual_s:
            lost_s = self._lost_s / self._lost_steps
            self._usual_s[self._count, size] = SLOW_RATIO * usual_s + lost_s
            self._try(self._count // 2)
        elif self._clock() >= self._next_trial_s:
            self._explore()
        elif step_s <= SLOW_RATIO * usual_s:
            self._usual_s[self._count, size] += (step_s - usual_s) / 8

    def _explore(self) -> None:
        """Try fewer threads, or more if there are free CPUs for them."""
        self._measure()
        self._next_trial_s = self._clock() + MIN_RETRY_S
        self._try(self._count // 2 if self._count == self._max_threads else self._more)

    def _measure(self) -> None:
        """Measure how many CPUs other processes left free since the last measurement."""
        then_s, before_s = self._measured_at
        now_s, available_s = self._clock(), self._available_cpu_s()
        if now_s - then_s >= MIN_MEASURED_S:
            self._measured_at = now_s, available_s
            self._free_cpus = (available_s - before_s) / (now_s - then_s)

    def _try(self, count: int) -> None:
        self._lost_s, self._lost_steps = 0.0, 0
        if count not in (0, self._count):
            self._trial = Trial(count)

    @property
    def _more(self) -> int:
        """The next higher number to try; 0 if other processes use the CPUs for it."""
        more = min(self._max_threads, max(self._count + 1, self._count * 3 // 2))
        return more if more <= self._free_cpus + MAX_SHARED_CPU else 0

    def _judge(self, trial: Trial, size: int, step_s: float, usual_s: float | None) -> None:
        is_more = trial.count > self._count
        if usual_s is not None:
            trial.add(step_s, usual_s)
        elif is_more:
            # There is no usual time to compare it with yet.
            self._trial, self._next_trial_s = None, self._clock() + UNJUDGED_RETRY_S
        if not trial.is_over:
            return
        self._trial = None
        if trial.ratio <= (MAX_RATIO_MORE if is_more else MAX_RATIO_FEWER):
            self._move(trial, size)
        elif trial.ratio <= MAX_RATIO_ONE and not is_more and trial.count > 1:
            self._try(1)
        else:
            self._stay(trial)

    def _move(self, trial: Trial, size: int) -> None:
        """Adopt the tried number, and try the next one in the same direction."""
        is_more, self._count = trial.count > self._count, trial.count
        if not is_more:
            self._measure()
        self._usual_s[self._count, size] = trial.trial_s / trial.steps
        has_all = self._count == self._max_threads
        self._next_trial_s = self._clock() + (CHECK_S if has_all else self._retry_s)
        self._try(self._more if is_more else self._count // 2)

    def _stay(self, trial: Trial) -> None:
        """Keep the current number, and wait longer before the next trial of more."""
        has_all = self._count == self._max_threads
        if has_all:
            self._retry_s = MIN_RETRY_S
        elif trial.count > self._count:
            self._retry_s = min(2 * self._retry_s, MAX_RETRY_S)
        self._next_trial_s = self._clock() + (CHECK_S if has_all else self._retry_s)
