from __future__ import annotations

from gateway.worker.scheduler.prefill_budget import PrefillBudget


def after(budget: PrefillBudget, *, token_s: float, step_s: float, steps: int = 200) -> list[float]:
    """How long steps take that read as much beside an answer as `budget` says."""
    took = []
    for _ in range(steps):
        took.append(step_s + token_s * (1 + budget.tokens))
        budget.record(budget.tokens, took[-1])
    return took


def test_where_reading_costs_little_much_is_read() -> None:
    budget = PrefillBudget(512)
    budget.record(0, 0.030)
    after(budget, token_s=0.00001, step_s=0.030)
    assert budget.tokens == 512


def test_where_reading_is_dear_a_step_stays_within_three_times_the_usual() -> None:
    budget = PrefillBudget(512)
    budget.record(0, 0.0075)
    assert max(after(budget, token_s=0.0025, step_s=0.005)) <= 3 * 0.0075
    assert budget.tokens > 1


def test_something_is_always_read() -> None:
    budget = PrefillBudget(512)
    budget.record(0, 0.001)
    after(budget, token_s=1, step_s=0)
    assert budget.tokens == 1
