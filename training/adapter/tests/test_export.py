"""An exported adapter has the same effect in llama.cpp as in transformers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from gateway.engine.options import EngineOptions
from gateway.worker.llama.model import Llama
from gateway.worker.scheduler.batch_plan import BatchItem
from gateway.worker.scheduler.sequence import Sequence
from training.adapter.batch import batch
from training.adapter.export import export, exported, mean
from training.adapter.model import HEADS, RANK, LoraModel, load
from training.adapter.tokenizer import Example, Tokenizer, gguf

MESSAGES = [{"role": "user", "content": "What is the weather in Oslo, and what time is it there?"}]
TOOL = {"name": "get_weather", "description": "The weather in a city", "parameters": {}}


@pytest.fixture(scope="module")
def prompt() -> list[int]:
    return Tokenizer().prompt([{"type": "function", "function": TOOL}], MESSAGES)


@pytest.fixture(scope="module")
def model() -> Any:
    torch.set_num_threads(1)
    return load(gguf(), torch.float32)


@pytest.fixture(scope="module")
def adapter(model: Any) -> LoraModel:
    """An adapter with 16 random ranks; with all of them random, the model would output noise."""
    adapted = LoraModel(model)
    torch.manual_seed(5)
    adapted.restore({name: _sixteen_ranks(one) for name, one in adapted.state.items()})
    return adapted


def _sixteen_ranks(like: Tensor) -> Tensor:
    some = torch.randn([16 if size == RANK else size for size in like.shape]) / 8
    return F.pad(some, [0, like.shape[1] - some.shape[1], 0, like.shape[0] - some.shape[0]])


def in_torch(adapted: LoraModel, prompt: list[int]) -> Tensor:
    one = batch([Example([*prompt, 0], [False] * len(prompt) + [True])], torch.float32)
    with torch.no_grad():
        return adapted.logits(one, one.places)[0]


def in_llama(prompt: list[int], *lora: Path) -> Tensor:
    adapters = tuple((str(path), 1.0) for path in lora)
    llama = Llama(EngineOptions(str(gguf()), 512, threads=1, lora=adapters))
    [[row]] = llama.decode([BatchItem(Sequence(1, prompt), 0, 0, prompt, 1)])
    return torch.from_numpy(np.array(row))


def alike(one: Tensor, other: Tensor) -> float:
    """Correlation of two logit vectors; a constant offset of the logits has no effect."""
    return float(torch.corrcoef(torch.stack([one, other]))[0, 1])


def test_an_exported_adapter_gives_the_same_logits_in_llama_cpp(
    adapter: LoraModel, prompt: list[int], tmp_path: Path
) -> None:
    expected = in_torch(adapter, prompt)

    def in_order(heads: Mapping[str, int]) -> Tensor:
        export(adapter.state, tmp_path / "adapter.gguf", heads)
        return in_llama(prompt, tmp_path / "adapter.gguf")

    found, none, unpermuted = in_order(HEADS), in_llama(prompt), in_order({})
    assert alike(found, expected) > 0.999  # weights and activations are rounded to eight bits
    assert alike(unpermuted, expected) < 0.98
    assert alike(none, expected) < 0.7


def test_an_exported_adapter_can_be_loaded_for_training(adapter: LoraModel, tmp_path: Path) -> None:
    path = tmp_path / "adapter.gguf"
    export(adapter.state, path)
    rounded = exported(path, adapter.state)
    for name, one in adapter.state.items():
        off = (rounded[name] - one).abs().max()
        assert off <= one.abs().max() * (0.5 / 127 + 2**-11)  # eight bits with a float16 scale
    export(rounded, path)
    found = exported(path, adapter.state)
    assert all(torch.equal(found[name], one) for name, one in rounded.items())


def test_mean_averages_checkpoints() -> None:
    found = mean([{"one": torch.tensor([1.0, 4.0])}, {"one": torch.tensor([3.0, -4.0])}])
    assert torch.equal(found["one"], torch.tensor([2.0, 0.0]))
