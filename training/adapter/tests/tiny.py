"""A model of three small layers, and conversations in its hundred tokens."""

from __future__ import annotations

import random
from typing import Any

import torch
import transformers

from training.adapter import attention
from training.adapter.model import Adapted
from training.adapter.spelling import Spelling

TOKENS = 100
Group = list[Spelling]


def model() -> Any:
    config = transformers.LlamaConfig(
        vocab_size=TOKENS,
        hidden_size=48,
        intermediate_size=64,
        num_hidden_layers=3,
        num_attention_heads=6,
        num_key_value_heads=2,
        attn_implementation=attention.NAME,
    )
    torch.manual_seed(3)
    return transformers.LlamaForCausalLM(config)


def adapted() -> Adapted:
    """With an adapter that does something already."""
    model_ = Adapted(model())
    torch.manual_seed(4)
    model_.restore({name: torch.randn_like(one) / 4 for name, one in model_.state.items()})
    return model_


def group(seed: int, count: int = 3, shared: int = 20, own: int = 9) -> Group:
    """Conversations of other lengths that begin alike; the last tokens count."""
    chance = random.Random(seed)
    prefix = chance.choices(range(TOKENS), k=shared)
    return [spelling(prefix, chance.choices(range(TOKENS), k=own + i)) for i in range(count)]


def spelling(prefix: list[int], own: list[int], counted: int = 4) -> Spelling:
    tokens = [*prefix, *own]
    return Spelling(tokens, [i >= len(tokens) - counted for i in range(len(tokens))])
