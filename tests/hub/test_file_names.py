"""The names of GGUF files, as publishers write them."""

from __future__ import annotations

import pytest

from gateway.hub.file_names import is_model, model_name, parts, quantization


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Qwen2.5-7B-Instruct-Q5_K_M.gguf", "Q5_K_M"),
        ("qwen2.5-coder-1.5b-instruct-q4_k_m.gguf", "Q4_K_M"),
        ("nomic-embed-text-v1.5.Q8_0.gguf", "Q8_0"),
        ("Qwen3-30B-A3B-UD-Q4_K_XL.gguf", "UD-Q4_K_XL"),
        ("model-IQ3_XXS.gguf", "IQ3_XXS"),
        ("gpt-oss-20b-MXFP4.gguf", "MXFP4"),
        ("gpt-oss-20b-mxfp4_moe.gguf", "MXFP4_MOE"),
        ("Q8_0/DeepSeek-Q8_0-00001-of-00015.gguf", "Q8_0"),
        ("BF16/model-00001-of-00003.gguf", "BF16"),
        ("SmolLM2-135M-Instruct.Q4_1.gguf", "Q4_1"),
        ("gemma-3-12b-it.gguf", ""),
        ("Qwen3-4B.gguf", ""),
    ],
)
def test_a_name_says_its_quantization(name: str, expected: str) -> None:
    assert quantization(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Qwen2.5-7B-Instruct-Q5_K_M.gguf", "qwen2.5-7b-instruct"),
        ("nomic-embed-text-v1.5.Q8_0.gguf", "nomic-embed-text-v1.5"),
        ("Qwen3-30B-A3B-UD-Q4_K_XL-00001-of-00002.gguf", "qwen3-30b-a3b"),
        ("gemma-3-12b-it.gguf", "gemma-3-12b-it"),
        ("Q8_0.gguf", "q8_0"),
    ],
)
def test_a_model_has_a_short_name(name: str, expected: str) -> None:
    assert model_name(name) == expected


def test_the_first_part_of_a_model_names_the_others() -> None:
    assert parts("a/b-00001-of-00002.gguf") == [
        "a/b-00001-of-00002.gguf",
        "a/b-00002-of-00002.gguf",
    ]
    assert parts("a/b.gguf") == ["a/b.gguf"]
    assert parts("a/b-00002-of-00002.gguf") == ["a/b-00002-of-00002.gguf"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.gguf", True),
        ("sub/A-Q8_0.GGUF", True),
        ("a-00001-of-00002.gguf", True),
        ("a-00002-of-00002.gguf", False),
        ("mmproj-model-f16.gguf", False),
        ("sub/imatrix.gguf", False),
        ("a.safetensors", False),
    ],
)
def test_a_model_is_told_from_other_files(name: str, expected: bool) -> None:
    assert is_model(name) is expected
