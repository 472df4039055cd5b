from __future__ import annotations

from gateway.worker.scheduler.prefill_budget import Pace


def after(pace: Pace, *, token_s: float, step_s: float, steps: int = 200) -> list[float]:
    """How long steps take that read as much beside an answer as `pace` says."""
    took = []
    for _ in range(steps):
        took.append(step_s + token_s * (1 + pace.beside))
        pace.took(pace.beside, took[-1])
    return took


def test_where_reading_costs_little_much_is_read() -> None:
    pace = Pace(512)
    pace.took(0, 0.030)
    after(pace, token_s=0.00001, step_s=0.030)
    assert pace.beside == 512


def test_where_reading_is_dear_a_step_stays_within_three_times_the_usual() -> None:
    pace = Pace(512)
    pace.took(0, 0.0075)
    assert max(after(pace, token_s=0.0025, step_s=0.005)) <= 3 * 0.0075
    assert pace.beside > 1


def test_something_is_always_read() -> None:
    pace = Pace(512)
    pace.took(0, 0.001)
    after(pace, token_s=1, step_s=0)
    assert pace.beside == 1
