"""A packed batch gives the same logits as each conversation alone."""

from __future__ import annotations

import torch

from training.adapter.batch import FIRST, batch, shared_length
from training.adapter.model import LoraModel
from training.adapter.tests import tiny
from training.adapter.tests.tiny import Group


def alone(group: Group) -> torch.Tensor:
    """The logits before each target of each example alone, with transformers' own attention."""
    model = tiny.model()
    LoraModel(model).restore(tiny.adapted().state)
    model.set_attn_implementation("eager")
    rows = []
    for one in group:
        with torch.no_grad():
            logits = model(torch.tensor([one.tokens])).logits[0]
        rows += [logits[i - 1] for i, is_target in enumerate(one.loss_mask) if is_target]
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


def test_targets_are_the_masked_tokens_in_order() -> None:
    group = tiny.group(2)
    expected = [
        t
        for one in group
        for t, is_target in zip(one.tokens, one.loss_mask, strict=True)
        if is_target
    ]
    assert batch(group).targets.tolist() == expected


def test_the_first_token_of_an_answer_has_the_highest_weight() -> None:
    twice = tiny.example([1, 2, 3, 4], [5, 6, 7, 8], targets=5)
    twice.loss_mask[5] = False
    assert batch([twice]).weights.tolist() == [FIRST, 1, FIRST, 1]


def test_targets_are_never_in_the_common_prefix() -> None:
    twins = [tiny.example([1, 2, 3], [4, 5, 6], targets=2)] * 2
    assert shared_length(twins) == 3
    assert shared_length([tiny.example([1, 2, 3], [4, 5], 1), tiny.example([1, 2], [9], 1)]) == 1
    assert batch(twins).targets.tolist() == [5, 6, 5, 6]


def test_a_batch_may_have_one_conversation() -> None:
    [one] = tiny.group(3, 1)
    assert batch([one]).tokens.tolist() == [one.tokens]
