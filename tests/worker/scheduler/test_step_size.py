from __future__ import annotations

import pytest

from gateway.worker.scheduler.step_size import MAX_STEP_S, MIN_TOKENS, StepSize


def settled(token_s: float, max_tokens: int = 512, steps: int = 30) -> list[int]:
    """The last sizes of steps that use all of their tokens."""
    size, sizes = StepSize(max_tokens), []
    for _ in range(steps):
        sizes.append(size.tokens)
        size.record(size.tokens, token_s * size.tokens)
    return sizes[-5:]


@pytest.mark.parametrize(("token_s", "tokens"), [(0.00001, 512), (0.001, 128), (1.0, MIN_TOKENS)])
def test_the_size_settles_at_what_takes_a_short_time(token_s: float, tokens: int) -> None:
    assert settled(token_s) == [tokens] * 5
    assert tokens == MIN_TOKENS or tokens * token_s <= MAX_STEP_S


def test_no_step_is_larger_than_a_batch() -> None:
    assert settled(0, max_tokens=16) == [16] * 5


def test_a_slow_machine_makes_steps_smaller_again() -> None:
    size = StepSize(512)
    for _ in range(3):
        size.record(size.tokens, 0)
    assert size.tokens == 512
    size.record(200, 2 * MAX_STEP_S)
    assert size.tokens == 256
    size.record(MIN_TOKENS, 2 * MAX_STEP_S)  # fewer would not help
    assert size.tokens == 256
