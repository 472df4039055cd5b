"""Options and adapters of llama.cpp, on models of two layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gateway.engine.options import EngineOptions, Options
from gateway.worker.interfaces import Logits
from gateway.worker.llama.load import LoadError, Log
from gateway.worker.llama.model import Llama
from gateway.worker.scheduler.batch_plan import BatchItem
from gateway.worker.scheduler.sequence import Sequence
from tests.worker import tiny


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.llama(tmp_path_factory.mktemp("tiny") / "llama.gguf")


def logits(path: Path, *lora: tuple[Path, float], **options: Any) -> Logits:
    """The logits of the next token."""
    adapters = tuple((str(adapter), scale) for adapter, scale in lora)
    llama = Llama(EngineOptions(str(path), 256, threads=1, llama=Options(**options), lora=adapters))
    tokens = llama.tokenize(["hello"])
    [[row]] = llama.decode([BatchItem(Sequence(1, tokens), 0, 0, tokens, 1)])
    return row.copy()


# -- options


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
def test_runtime_options_change_the_logits_little(options: dict[str, Any], path: Path) -> None:
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
def test_model_options_change_the_logits(options: dict[str, Any], path: Path) -> None:
    assert np.abs(logits(path, **options) - logits(path)).max() > 0.01


def test_batch_size_is_the_one_of_the_options(path: Path) -> None:
    assert (
        Llama(EngineOptions(str(path), 256, threads=1, llama=Options(batch_size=20))).batch_size
        == 20
    )


@pytest.mark.parametrize(
    ("options", "message"),
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
def test_an_option_that_llama_cpp_rejects_is_an_error_with_its_reason(
    options: dict[str, Any], message: str, path: Path
) -> None:
    with pytest.raises(LoadError, match=message):
        logits(path, **options)


# -- adapters


def test_an_adapter_changes_the_logits_in_proportion_to_its_scale(
    path: Path, tmp_path: Path
) -> None:
    adapter = tiny.adapter(tmp_path / "adapter.gguf")
    none, off, half, whole = (
        logits(path),
        logits(path, (adapter, 0.0)),
        logits(path, (adapter, 0.5)),
        logits(path, (adapter, 1.0)),
    )
    assert (off == none).all()
    assert np.abs(whole - none).max() > 0.01
    assert np.abs(half - whole).max() > 0.01
    assert np.abs(logits(path, (adapter, 0.5), (adapter, 0.0)) - half).max() < 1e-4


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ({"architecture": "qwen2"}, "model arch and LoRA arch mismatch"),
        ({"width": 32}, "has incorrect shape"),
    ],
)
def test_an_adapter_for_another_model_is_an_error_with_the_reason(
    shape: dict[str, Any], message: str, path: Path, tmp_path: Path
) -> None:
    adapter = tiny.adapter(tmp_path / "adapter.gguf", **shape)
    with pytest.raises(LoadError, match=f"lora: llama.cpp can't apply .*adapter.gguf: .*{message}"):
        logits(path, (adapter, 1.0))


def test_a_file_that_is_no_adapter_is_an_error(path: Path, tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="to be 'adapter', but got"):
        logits(path, (path, 1.0))
    with pytest.raises(LoadError, match="lora: there is no file"):
        logits(path, (tmp_path / "none.gguf", 1.0))


# -- log


@pytest.mark.parametrize(
    ("calls", "written"),
    [
        ([(3, "odd\n")], "<4>odd\n"),
        ([(4, "bad\n"), (3, "odd\n")], "<3>bad\n<4>odd\n"),
        ([(3, "one\ntwo\n")], "<4>one\n<4>two\n"),
        (
            [(3, "begun"), (5, ", continued"), (5, "\n"), (4, "bad\n")],
            "<4>begun, continued\n<3>bad\n",
        ),
        ([(3, "begun"), (4, "bad\n")], "<4>begun\n<3>bad\n"),
        ([(2, "loading"), (5, "..."), (5, "\n")], ""),
    ],
)
def test_warnings_are_written_in_lines_with_their_level(
    calls: list[tuple[int, str]], written: str, capsys: pytest.CaptureFixture[str]
) -> None:
    log = Log()
    for level, text in calls:
        log._callback(level, text.encode(), None)
    assert capsys.readouterr().err == written
