"""A model with three small layers, and conversations in its vocabulary of 100 tokens."""

from __future__ import annotations

import random
from typing import Any

import torch
import transformers

from training.adapter import attention
from training.adapter.model import LoraModel
from training.adapter.tokenizer import Example

TOKENS = 100
Group = list[Example]


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


def adapted() -> LoraModel:
    """The tiny model with random adapter weights."""
    model_ = LoraModel(model())
    torch.manual_seed(4)
    model_.restore({name: torch.randn_like(one) / 4 for name, one in model_.state.items()})
    return model_


def group(seed: int, count: int = 3, shared: int = 20, own: int = 9) -> Group:
    """Examples of different lengths with a common prefix; their last tokens are targets."""
    chance = random.Random(seed)
    prefix = chance.choices(range(TOKENS), k=shared)
    return [example(prefix, chance.choices(range(TOKENS), k=own + i)) for i in range(count)]


def example(prefix: list[int], own: list[int], targets: int = 4) -> Example:
    tokens = [*prefix, *own]
    return Example(tokens, [i >= len(tokens) - targets for i in range(len(tokens))])
