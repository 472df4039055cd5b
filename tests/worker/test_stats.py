"""A worker tells what it does now and then, and always how it ended."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.engine.engine import EngineStats
from gateway.worker.stats import REPORT_INTERVAL_S, StatsReporter


@dataclass
class Metered:
    """A worker, and the time."""

    tokens: int = 0
    is_idle: bool = True
    now_s: float = 100.0

    def stats(self) -> EngineStats:
        return EngineStats(running=int(not self.is_idle), tokens=self.tokens)

    def clock(self) -> float:
        return self.now_s


def test_a_worker_at_rest_tells_nothing() -> None:
    worker = Metered()
    meter = StatsReporter(worker, worker.clock)
    worker.now_s += 10 * REPORT_INTERVAL_S
    assert meter.read() == []


def test_the_start_and_the_end_of_work_are_told_at_once() -> None:
    worker = Metered()
    meter = StatsReporter(worker, worker.clock)
    worker.is_idle = False
    assert meter.read() == [EngineStats(running=1)]
    worker.tokens = 5
    assert meter.read() == []
    worker.is_idle = True
    assert meter.read() == [EngineStats(tokens=5)]
    assert meter.read() == []


def test_work_is_told_once_a_second_with_its_speed() -> None:
    worker = Metered(is_idle=False)
    meter = StatsReporter(worker, worker.clock)
    told = []
    for _ in range(8):
        told += meter.read()
        worker.now_s += REPORT_INTERVAL_S / 4
        worker.tokens += 5
    assert told == [
        EngineStats(running=1),
        EngineStats(running=1, tokens=20, tokens_per_s=20 / REPORT_INTERVAL_S),
    ]
