"""Packs conversations into one sequence, so that a common prefix is computed once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import takewhile

import torch
from torch import Tensor

from training.adapter.tokenizer import Example

PREFIX = -1  # the owner of the common prefix
FIRST = 4.0  # weight of the first token of an answer, which decides between a call and text


@dataclass(frozen=True, slots=True)
class Batch:
    """Inputs and targets of one forward pass.

    `tokens` and `positions` have the shape (1, n), `bias` (1, 1, n, n): -inf where attention is
    masked. `targets` are the tokens that follow those at `places`, with the loss weights `weights`.
    """

    tokens: Tensor
    positions: Tensor
    bias: Tensor
    places: Tensor
    targets: Tensor
    weights: Tensor

    def to(self, device: torch.device) -> Batch:
        parts = (getattr(self, field.name) for field in fields(self))
        return Batch(*(part.to(device) for part in parts))


def batch(examples: Sequence[Example], dtype: torch.dtype = torch.bfloat16) -> Batch:
    """The common prefix, then the other tokens of each example at their original positions."""
    shared = shared_length(examples)
    tokens, positions = examples[0].tokens[:shared], [*range(shared)]
    owners = [PREFIX] * shared
    places: list[int] = []
    targets: list[int] = []
    weights: list[float] = []
    for owner, one in enumerate(examples):
        shift = len(tokens) - shared
        answers = [i for i, is_target in enumerate(one.loss_mask) if is_target]
        places += [i - 1 + shift for i in answers]
        targets += [one.tokens[i] for i in answers]
        weights += [1.0 if one.loss_mask[i - 1] else FIRST for i in answers]
        own = range(shared, len(one.tokens))
        tokens, positions = tokens + one.tokens[shared:], [*positions, *own]
        owners += [owner] * len(own)
    bias = _bias(torch.tensor(owners), dtype)
    row = torch.tensor([tokens]), torch.tensor([positions])
    written = torch.tensor(places), torch.tensor(targets), torch.tensor(weights)
    return Batch(*row, bias, *written)


def shared_length(examples: Sequence[Example]) -> int:
    """The length of the common prefix, which ends before the token that predicts a target."""
    columns = zip(*(one.tokens for one in examples), strict=False)
    alike = sum(1 for _ in takewhile(lambda column: len({*column}) == 1, columns))
    return min(alike, *(one.first_target - 1 for one in examples))


def _bias(owners: Tensor, dtype: torch.dtype) -> Tensor:
    ours = (owners == PREFIX) | (owners == owners[:, None])
    seen = ours & torch.ones_like(ours).tril()
    return torch.zeros(seen.shape, dtype=dtype).masked_fill(~seen, float("-inf"))[None, None]
