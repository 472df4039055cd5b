"""What llama.cpp makes of options, on models of two layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gateway.engine.llama import Llama
from gateway.engine.load import LoadError
from gateway.engine.messages import Start
from gateway.engine.model import Logits
from gateway.engine.options import Options
from gateway.engine.scheduler import Chunk
from gateway.engine.sequence import Sequence
from tests.engine import tiny


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.llama(tmp_path_factory.mktemp("tiny") / "llama.gguf")


def logits(path: Path, **options: Any) -> Logits:
    """What the model would write next."""
    llama = Llama(Start(str(path), 256, threads=1, options=Options(**options)))
    tokens = llama.tokenize(["hello"])
    [row] = llama.decode([Chunk(Sequence(1, tokens), 0, 0, tokens, True)])
    assert row is not None
    return row.copy()


@pytest.mark.parametrize(
    "options",
    [
        {"flash_attn": "off"},
        {"flash_attn": "on"},
        {"cache_type_k": "q8_0", "cache_type_v": "q8_0"},
        {"cache_type_k": "bf16", "cache_type_v": "f32"},
        {"batch_size": 16, "ubatch_size": 1},
        {"mmap": False},
        {"device": ()},
        {"kv_offload": False},
    ],
)
def test_how_a_model_is_run_changes_little_of_what_it_writes(
    options: dict[str, Any], path: Path
) -> None:
    usual = logits(path)
    assert np.abs(logits(path, **options) - usual).max() < 0.05 * np.abs(usual).max()


@pytest.mark.parametrize(
    "options",
    [
        {"rope_freq_base": 10.0},
        {"rope_freq_scale": 0.1},
        {"rope_scaling": "yarn", "rope_freq_scale": 0.1, "yarn_orig_ctx": 64},
        {"override_kv": {"llama.attention.layer_norm_rms_epsilon": 5.0}},
        {"override_kv": {"llama.rope.freq_base": 10.0}},
    ],
)
def test_what_changes_the_model_changes_what_it_writes(options: dict[str, Any], path: Path) -> None:
    assert np.abs(logits(path, **options) - logits(path)).max() > 0.01


def test_a_pass_reads_as_much_as_was_asked(path: Path) -> None:
    assert Llama(Start(str(path), 256, threads=1, options=Options(batch_size=20))).batch == 20


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"device": ("CUDA9",)}, "llama.device: found 'CUDA9'; the devices are: "),
        ({"tensor_split": (1.0,) * 99}, "llama.tensor_split: found 99 shares"),
        (
            {"override_kv": {"llama.rope.freq_base": 10}},
            r"llama.override_kv: for key 'llama\.rope\.freq_base', expected float but got int",
        ),
        ({"flash_attn": "off", "cache_type_v": "q8_0"}, "requires flash_attn to be enabled"),
    ],
)
def test_an_option_that_can_not_be_had_is_told_with_the_reason(
    options: dict[str, Any], told: str, path: Path
) -> None:
    with pytest.raises(LoadError, match=told):
        logits(path, **options)
