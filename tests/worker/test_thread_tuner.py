"""The thread tuner on simulated machines where other processes (neighbours) come and go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from gateway.worker.thread_tuner import ThreadTuner


def single(step: int) -> int:
    return 1


def mixed(step: int) -> int:
    """One answer, with prefills beside it."""
    return [1, 1, 1, 65, 2, 1, 20, 3][step % 8]


@dataclass
class Machine:
    """A machine of `cores` CPUs, of which `neighbours` are busy; `now_s` is its clock.

    About half of a step of one token can't be parallelized. The figures are those measured with
    SmolLM2-135M on two CPUs: 7.8 ms with two threads, 10.2 with one, and 300 with two beside a
    neighbour. `tells` is whether the system reports the CPU time that neighbours leave.
    """

    cores: int = 2
    neighbours: int = 0
    step_s: float = 0.0102
    stuck_s: float = 0.3
    tells: bool = True
    now_s: float = 0.0
    available_s: float = 0.0
    tuner: ThreadTuner = field(init=False)

    def __post_init__(self) -> None:
        available_s = (lambda: self.available_s) if self.tells else None
        self.tuner = ThreadTuner(self.cores, available_s, lambda: self.now_s)

    def takes_s(self, count: int, tokens: int) -> float:
        free = max(self.cores - self.neighbours, 0.5)
        work_s = self.step_s * (0.53 + 0.47 / min(count, free)) * (0.8 + 0.2 * tokens)
        return work_s if count <= free or count == 1 else work_s + self.stuck_s

    def wait(self, seconds: float) -> None:
        self.now_s += seconds
        self.available_s += seconds * max(0, self.cores - self.neighbours)

    def step(self, tokens: int = 1) -> None:
        seconds = self.takes_s(self.tuner.count, tokens)
        self.wait(seconds)
        self.tuner.record(tokens, seconds)

    def run(self, seconds: float, tokens: Callable[[int], int] = single) -> int:
        """Run for `seconds`; the number of steps."""
        end_s, steps = self.now_s + seconds, 0
        while self.now_s < end_s:
            self.step(tokens(steps))
            steps += 1
        return steps

    def settles_s(self, count: int, tokens: Callable[[int], int] = single) -> float:
        """The seconds until `count` threads are used, and stay in use for half a second."""
        began_s = since_s = self.now_s
        for step in range(10_000):
            if self.tuner.count != count:
                since_s = self.now_s + self.takes_s(self.tuner.count, tokens(step))
            elif self.now_s - since_s > 0.5:
                return since_s - began_s
            self.step(tokens(step))
        raise AssertionError("the number never settles")


@pytest.mark.parametrize("tells", [True, False])
@pytest.mark.parametrize("step_s", [0.001, 0.0102, 0.1])
def test_threads_are_reduced_within_a_second_of_a_neighbour(step_s: float, tells: bool) -> None:
    machine = Machine(step_s=step_s, tells=tells)
    machine.run(20)
    machine.neighbours = 1
    assert machine.settles_s(1) < 1


@pytest.mark.parametrize("tells", [True, False])
@pytest.mark.parametrize("cores", [2, 16])
@pytest.mark.parametrize("begins_s", [0, 1, 20])
@pytest.mark.parametrize("lasts_s", [0.4, 5, 12.3, 61, 100])
@pytest.mark.parametrize("tokens", [single, mixed])
def test_all_threads_are_back_within_ten_seconds_of_its_end(
    cores: int, begins_s: float, lasts_s: float, tokens: Callable[[int], int], tells: bool
) -> None:
    machine = Machine(cores, tells=tells)
    machine.run(begins_s, tokens)
    machine.neighbours = 1
    machine.run(lasts_s, tokens)
    machine.neighbours = 0
    assert machine.settles_s(cores, tokens) < 10


@pytest.mark.parametrize("tells", [True, False])
@pytest.mark.parametrize("begins_s", [0, 20])
@pytest.mark.parametrize("tokens", [single, mixed])
def test_trials_cost_little_beside_a_neighbour(
    begins_s: float, tokens: Callable[[int], int], tells: bool
) -> None:
    machine = Machine(tells=tells)
    machine.run(begins_s, tokens)
    machine.neighbours = 1
    steps = machine.run(15, tokens)
    alone_s = sum(machine.takes_s(1, tokens(step)) for step in range(steps))
    assert alone_s > 0.7 * 15
    steps = machine.run(120, tokens)
    alone_s = sum(machine.takes_s(1, tokens(step)) for step in range(steps))
    assert alone_s > 0.9 * 120


@pytest.mark.parametrize("cores", [2, 4, 16])
@pytest.mark.parametrize("step_s", [0.0102, 0.2])
@pytest.mark.parametrize("tokens", [single, mixed])
def test_trials_cost_less_than_one_percent_without_neighbours(
    cores: int, step_s: float, tokens: Callable[[int], int]
) -> None:
    machine = Machine(cores, step_s=step_s)
    steps = machine.run(300, tokens)
    best_s = sum(machine.takes_s(cores, tokens(step)) for step in range(steps))
    assert best_s > 0.99 * 300


@pytest.mark.parametrize("tells", [True, False])
@pytest.mark.parametrize("begins_s", [0, 20])
@pytest.mark.parametrize("neighbours", [1, 2, 4, 8, 12, 15])
def test_free_cpus_are_used_of_many(begins_s: float, neighbours: int, tells: bool) -> None:
    machine = Machine(16, tells=tells)
    machine.run(begins_s)
    machine.neighbours = neighbours
    machine.run(10)
    steps = machine.run(60)
    free = 16 - neighbours
    assert steps * machine.takes_s(free, 1) > 0.7 * 60
    machine.neighbours = 0
    assert machine.settles_s(16) < 10


def test_no_more_threads_are_tried_while_others_use_the_cpus() -> None:
    machine = Machine(stuck_s=3)
    machine.run(20)
    machine.neighbours = 1
    machine.run(4)
    assert machine.run(60) == int(60 / machine.takes_s(1, 1)) + 1


def test_busy_cpus_are_left_out_from_the_second_step_on() -> None:
    machine = Machine(16, neighbours=12, stuck_s=3)
    machine.step()
    assert machine.tuner.count == 4


def test_steps_that_grow_with_the_context_keep_all_threads() -> None:
    machine = Machine()
    machine.run(20)
    machine.step_s *= 3
    machine.run(2)
    steps = machine.run(60)
    assert steps * machine.takes_s(2, 1) > 0.99 * 60


def test_a_brief_disturbance_changes_nothing() -> None:
    machine = Machine()
    machine.run(10)
    machine.tuner.record(1, 0.05)
    assert machine.tuner.count == 2
    machine.run(1)
    assert machine.tuner.count == 2


@pytest.mark.parametrize("tells", [True, False])
def test_neighbours_that_come_and_go_cost_little(tells: bool) -> None:
    machine, steps = Machine(tells=tells), 0
    for i in range(40):
        machine.neighbours = i % 2
        steps += machine.run(3)
    assert steps * machine.takes_s(1, 1) > 0.7 * 120


def test_a_single_cpu_always_has_one_thread() -> None:
    machine = Machine(1)
    machine.run(5)
    machine.neighbours = 1
    assert machine.tuner.record(1, 9.0) == 1


def test_one_thread_is_used_while_all_cpus_are_busy() -> None:
    machine = Machine()
    machine.run(20)
    machine.neighbours = 2
    machine.run(1)
    assert machine.tuner.count == 1
    assert machine.run(60) * machine.takes_s(1, 1) > 0.9 * 60


@pytest.mark.parametrize(("neighbours", "threads"), [(0, 4), (1, 3), (3, 1), (4, 1)])
def test_the_first_step_leaves_the_cpus_that_were_busy_during_loading(
    neighbours: int, threads: int
) -> None:
    machine = Machine(cores=4, neighbours=neighbours)
    machine.wait(0.5)
    assert machine.tuner.begin() == threads


def test_loading_that_is_too_short_to_measure_says_nothing() -> None:
    machine = Machine(cores=4, neighbours=4)
    machine.wait(0.01)
    assert machine.tuner.begin() == 4
