"""Conversations side by side in one sequence, so that what they have in common is read once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import takewhile

import torch
from torch import Tensor

from training.adapter.spelling import Spelling

PREFIX = -1  # the owner of what all have in common
FIRST = 4.0  # what the first token of an answer counts: with it a call is made, or none


@dataclass(frozen=True, slots=True)
class Batch:
    """`tokens` and `positions` of shape (1, n); `bias` of (1, 1, n, n), -inf where nothing is seen.

    After the tokens at `places` the `targets` are to be written, each as weighty as `weights` say.
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


def batch(spellings: Sequence[Spelling], dtype: torch.dtype = torch.bfloat16) -> Batch:
    """The common prefix, then each conversation's own tokens, at the positions they have alone."""
    shared = shared_length(spellings)
    tokens, positions = spellings[0].tokens[:shared], [*range(shared)]
    owners = [PREFIX] * shared
    places: list[int] = []
    targets: list[int] = []
    weights: list[float] = []
    for owner, one in enumerate(spellings):
        shift = len(tokens) - shared
        counted = [i for i, is_counted in enumerate(one.counted) if is_counted]
        places += [i - 1 + shift for i in counted]
        targets += [one.tokens[i] for i in counted]
        weights += [1.0 if one.counted[i - 1] else FIRST for i in counted]
        own = range(shared, len(one.tokens))
        tokens, positions = tokens + one.tokens[shared:], [*positions, *own]
        owners += [owner] * len(own)
    bias = _bias(torch.tensor(owners), dtype)
    row = torch.tensor([tokens]), torch.tensor([positions])
    written = torch.tensor(places), torch.tensor(targets), torch.tensor(weights)
    return Batch(*row, bias, *written)


def shared_length(spellings: Sequence[Spelling]) -> int:
    """Tokens that all begin with, less where the first counted one is to be written."""
    columns = zip(*(one.tokens for one in spellings), strict=False)
    alike = sum(1 for _ in takewhile(lambda column: len({*column}) == 1, columns))
    return min(alike, *(one.first_counted - 1 for one in spellings))


def _bias(owners: Tensor, dtype: torch.dtype) -> Tensor:
    ours = (owners == PREFIX) | (owners == owners[:, None])
    seen = ours & torch.ones_like(ours).tril()
    return torch.zeros(seen.shape, dtype=dtype).masked_fill(~seen, float("-inf"))[None, None]
