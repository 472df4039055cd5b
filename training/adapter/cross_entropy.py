"""Cross-entropy loss and its gradient, computed in chunks.

Autograd would keep the logits of all positions, of 49,152 numbers each, which is slow.
"""

from __future__ import annotations

import torch
from torch import Tensor

CHUNK = 64  # positions; small enough that the memory of the logits is reused
MIN_PROBABILITY = 1e-38  # the logarithm of 0 is undefined


def cross_entropy(hidden: Tensor, head: Tensor, targets: Tensor) -> tuple[float, Tensor]:
    """The summed loss of `targets`, and its gradient for `hidden` of shape (positions, width)."""
    with torch.no_grad():
        parts = zip(hidden.split(CHUNK), targets.split(CHUNK), strict=True)
        losses, slopes = zip(*(_part(some, head, wanted) for some, wanted in parts), strict=True)
        return float(sum(losses)), torch.cat(slopes)


def _part(hidden: Tensor, head: Tensor, targets: Tensor) -> tuple[float, Tensor]:
    probabilities = (hidden @ head.T).softmax(-1, dtype=torch.float32)
    right = targets[:, None]
    loss = -probabilities.gather(1, right).clamp(MIN_PROBABILITY).log().sum().item()
    probabilities.scatter_add_(1, right, -torch.ones_like(right, dtype=torch.float32))
    return loss, probabilities.to(hidden.dtype) @ head
