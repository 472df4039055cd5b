from __future__ import annotations

from gateway.worker.scheduler.prefill_budget import PrefillBudget


def after(budget: PrefillBudget, *, token_s: float, step_s: float, steps: int = 200) -> list[float]:
    """The duration of steps that use all of `budget`."""
    durations = []
    for _ in range(steps):
        durations.append(step_s + token_s * (1 + budget.tokens))
        budget.record(budget.tokens, durations[-1])
    return durations


def test_the_budget_grows_where_prefill_is_cheap() -> None:
    budget = PrefillBudget(512)
    budget.record(0, 0.030)
    after(budget, token_s=0.00001, step_s=0.030)
    assert budget.tokens == 512


def test_steps_stay_within_three_times_the_usual_where_prefill_is_expensive() -> None:
    budget = PrefillBudget(512)
    budget.record(0, 0.0075)
    assert max(after(budget, token_s=0.0025, step_s=0.005)) <= 3 * 0.0075
    assert budget.tokens > 1


def test_the_budget_is_at_least_one_token() -> None:
    budget = PrefillBudget(512)
    budget.record(0, 0.001)
    after(budget, token_s=1, step_s=0)
    assert budget.tokens == 1
