"""The stats of a loop are reported at intervals, and always when it becomes idle."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.engine.engine import EngineStats
from gateway.worker.stats import REPORT_INTERVAL_S, StatsReporter


@dataclass
class FakeLoop:
    """A loop, and the time."""

    tokens: int = 0
    is_idle: bool = True
    now_s: float = 100.0

    def stats(self) -> EngineStats:
        return EngineStats(running=int(not self.is_idle), tokens=self.tokens)

    def clock(self) -> float:
        return self.now_s


def test_an_idle_loop_reports_nothing() -> None:
    loop = FakeLoop()
    reporter = StatsReporter(loop, loop.clock)
    loop.now_s += 10 * REPORT_INTERVAL_S
    assert reporter.read(is_idle=loop.is_idle) == []


def test_the_start_and_the_end_of_work_are_reported_at_once() -> None:
    loop = FakeLoop()
    reporter = StatsReporter(loop, loop.clock)
    loop.is_idle = False
    assert reporter.read(is_idle=loop.is_idle) == [EngineStats(running=1)]
    loop.tokens = 5
    assert reporter.read(is_idle=loop.is_idle) == []
    loop.is_idle = True
    assert reporter.read(is_idle=loop.is_idle) == [EngineStats(tokens=5)]
    assert reporter.read(is_idle=loop.is_idle) == []


def test_work_is_reported_once_a_second_with_tokens_per_second() -> None:
    loop = FakeLoop(is_idle=False)
    reporter = StatsReporter(loop, loop.clock)
    reports = []
    for _ in range(8):
        reports += reporter.read(is_idle=loop.is_idle)
        loop.now_s += REPORT_INTERVAL_S / 4
        loop.tokens += 5
    assert reports == [
        EngineStats(running=1),
        EngineStats(running=1, tokens=20, tokens_per_s=20 / REPORT_INTERVAL_S),
    ]
