"""A reference means one file of its repository, or the error names those that there are."""

from __future__ import annotations

import pytest

from gateway.errors import ModelUnusable
from gateway.hub.choose import choose, missing_parts
from gateway.hub.reference import parse_reference

NAMES = [
    "README.md",
    "mmproj-Q4_K_M.gguf",
    "tiny-IQ4_XS.gguf",
    "tiny-Q4_K_M.gguf",
    "tiny-Q4_K_S.gguf",
    "tiny-UD-Q4_K_XL.gguf",
    "F16/tiny-F16-00001-of-00002.gguf",
    "F16/tiny-F16-00002-of-00002.gguf",
]


@pytest.mark.parametrize(
    ("wanted", "file"),
    [
        ("owner/repo/tiny-IQ4_XS.gguf", "tiny-IQ4_XS.gguf"),
        ("owner/repo/README.md", "README.md"),
        ("owner/repo:Q4_K_S", "tiny-Q4_K_S.gguf"),
        ("owner/repo:iq4_xs", "tiny-IQ4_XS.gguf"),
        ("owner/repo:UD-Q4_K_XL", "tiny-UD-Q4_K_XL.gguf"),
        ("owner/repo:F16", "F16/tiny-F16-00001-of-00002.gguf"),
        ("owner/repo", "tiny-Q4_K_M.gguf"),
    ],
)
def test_a_reference_means_a_file(wanted: str, file: str) -> None:
    assert choose(parse_reference(wanted), NAMES) == file


def test_the_only_model_of_a_repository_needs_no_quantization() -> None:
    assert choose(parse_reference("owner/repo"), ["a.gguf", "README.md"]) == "a.gguf"


@pytest.mark.parametrize(
    ("wanted", "names", "message"),
    [
        (
            "owner/repo:Q4_K",
            NAMES,
            "no quantization Q4_K; there are F16, IQ4_XS, Q4_K_M, Q4_K_S, UD-Q4_K_XL",
        ),
        ("owner/repo/tiny-Q4_K_M", NAMES, r"no tiny-Q4_K_M; there are tiny-Q4_K_M\.gguf, "),
        ("owner/repo:Q8_0", ["a.safetensors"], "the repository has no GGUF files"),
        ("owner/repo", ["a.gguf", "b.gguf"], r"no quantization Q4_K_M; there are a\.gguf, b\.gguf"),
        (
            "owner/repo:Q8_0",
            ["a-Q8_0.gguf", "b-Q8_0.gguf"],
            r"2 files are Q8_0; name one: a-Q8_0\.gguf, b-Q8_0\.gguf",
        ),
    ],
)
def test_what_is_not_there_is_told_with_what_is(
    wanted: str, names: list[str], message: str
) -> None:
    with pytest.raises(ModelUnusable, match=message):
        choose(parse_reference(wanted), names)


def test_the_parts_that_are_missing_are_known() -> None:
    first, second = "F16/tiny-F16-00001-of-00002.gguf", "F16/tiny-F16-00002-of-00002.gguf"
    assert missing_parts(first, NAMES) == []
    assert missing_parts(first, [first]) == [second]
