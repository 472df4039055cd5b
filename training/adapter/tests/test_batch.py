"""Side by side, conversations are read as each is alone."""

from __future__ import annotations

import torch

from training.adapter.batch import FIRST, batch, shared_length
from training.adapter.model import Adapted
from training.adapter.tests import tiny
from training.adapter.tests.tiny import Group


def alone(group: Group) -> torch.Tensor:
    """The logits before each counted token; read plainly, by transformers' own attention."""
    model = tiny.model()
    Adapted(model).restore(tiny.adapted().state)
    model.set_attn_implementation("eager")
    rows = []
    for one in group:
        with torch.no_grad():
            logits = model(torch.tensor([one.tokens])).logits[0]
        rows += [logits[i - 1] for i, is_counted in enumerate(one.counted) if is_counted]
    return torch.stack(rows)


def test_logits_are_those_of_each_conversation_alone() -> None:
    model = tiny.adapted()
    for shared, own in ((20, 9), (1, 300), (600, 30), (256, 256)):
        group = tiny.group(1, 4, shared, own)
        together = batch(group, torch.float32)
        assert together.tokens.numel() < sum(len(one.tokens) for one in group)
        with torch.no_grad():
            logits = model.logits(together, together.places)
        assert (logits - alone(group)).abs().max() < 1e-4
        assert logits.std() > 0.1


def test_targets_are_the_counted_tokens_in_order() -> None:
    group = tiny.group(2)
    counted = [
        t
        for one in group
        for t, is_counted in zip(one.tokens, one.counted, strict=True)
        if is_counted
    ]
    assert batch(group).targets.tolist() == counted


def test_the_first_token_of_an_answer_weighs_most() -> None:
    twice = tiny.spelling([1, 2, 3, 4], [5, 6, 7, 8], counted=5)
    twice.counted[5] = False
    assert batch([twice]).weights.tolist() == [FIRST, 1, FIRST, 1]


def test_what_is_counted_is_never_shared() -> None:
    twins = [tiny.spelling([1, 2, 3], [4, 5, 6], counted=2)] * 2
    assert shared_length(twins) == 3
    assert shared_length([tiny.spelling([1, 2, 3], [4, 5], 1), tiny.spelling([1, 2], [9], 1)]) == 1
    assert batch(twins).targets.tolist() == [5, 6, 5, 6]


def test_a_conversation_may_be_alone() -> None:
    [one] = tiny.group(3, 1)
    assert batch([one]).tokens.tolist() == [one.tokens]
