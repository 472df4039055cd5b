"""How unexpected the right tokens are to the model's head, and which way they would be less so.

Autograd would keep the logits of all places, each of 49,152 numbers, and read them over and over.
"""

from __future__ import annotations

import torch
from torch import Tensor

PLACES = 64  # at once: so few that the memory for their logits is used again
LEAST = 1e-38  # a probability; the logarithm of none is no number


def surprise(hidden: Tensor, head: Tensor, targets: Tensor) -> tuple[float, Tensor]:
    """The sum of the targets' losses, and its gradient by `hidden`, of shape (places, width)."""
    with torch.no_grad():
        parts = zip(hidden.split(PLACES), targets.split(PLACES), strict=True)
        losses, slopes = zip(*(_part(some, head, wanted) for some, wanted in parts), strict=True)
        return float(sum(losses)), torch.cat(slopes)


def _part(hidden: Tensor, head: Tensor, targets: Tensor) -> tuple[float, Tensor]:
    chances = (hidden @ head.T).softmax(-1, dtype=torch.float32)
    right = targets[:, None]
    loss = -chances.gather(1, right).clamp(LEAST).log().sum().item()
    chances.scatter_add_(1, right, -torch.ones_like(right, dtype=torch.float32))
    return loss, chances.to(hidden.dtype) @ head
