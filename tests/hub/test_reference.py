"""What users write or paste is understood as a reference to a model on the hub."""

from __future__ import annotations

import pytest

from gateway.errors import ModelUnusable
from gateway.hub.reference import Reference, parse_reference

PAGE = "https://huggingface.co/bartowski/Qwen2.5-7B-Instruct-GGUF"
REPO = "bartowski/Qwen2.5-7B-Instruct-GGUF"


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        (f"hf:{REPO}/a.gguf", Reference(REPO, "a.gguf")),
        (f"hf:{REPO}/sub/a.gguf", Reference(REPO, "sub/a.gguf")),
        (f"hf:{REPO}:Q4_K_M", Reference(REPO, "", "Q4_K_M")),
        (f"hf:{REPO}", Reference(REPO)),
        (f"{REPO}/a.gguf", Reference(REPO, "a.gguf")),
        (f"{REPO}:q4_k_m", Reference(REPO, "", "q4_k_m")),
        (REPO, Reference(REPO)),
        (PAGE, Reference(REPO)),
        (f"{PAGE}/", Reference(REPO)),
        (f"{PAGE}/tree/main", Reference(REPO)),
        (f"{PAGE}:Q4_K_M", Reference(REPO, "", "Q4_K_M")),
        (f"{PAGE}/blob/main/sub/a.gguf", Reference(REPO, "sub/a.gguf")),
        (f"{PAGE}/resolve/main/a.gguf?download=true", Reference(REPO, "a.gguf")),
        (f"{PAGE}/resolve/main/a%20b.gguf", Reference(REPO, "a b.gguf")),
        (f"{PAGE}?library=llama-cpp-python", Reference(REPO)),
        (f"huggingface.co/{REPO}", Reference(REPO)),
        (f"hf.co/{REPO}:Q8_0", Reference(REPO, "", "Q8_0")),
    ],
)
def test_a_reference_is_read(text: str, reference: Reference) -> None:
    assert parse_reference(text) == reference


@pytest.mark.parametrize(
    "text", [f"hf:{REPO}/a.gguf", f"hf:{REPO}:Q4_K_M", f"hf:{REPO}", f"hf:{REPO}/sub/a b.gguf"]
)
def test_a_reference_is_written_as_it_is_read(text: str) -> None:
    assert str(parse_reference(text)) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected hf:owner/repo"),
        ("qwen2.5-7b", "expected hf:owner/repo"),
        ("hf:owner", "expected hf:owner/repo"),
        ("hf:/repo/a.gguf", "expected hf:owner/repo"),
        ("hf:owner/repo:", "expected hf:owner/repo"),
        ("hf:owner/repo:Q4_K_M/a.gguf", "expected hf:owner/repo"),
        ("hf:owner/repo/../a.gguf", "expected hf:owner/repo"),
        ("hf:owner/repo//a.gguf", "expected hf:owner/repo"),
        ("hf:../../etc/passwd", "expected hf:owner/repo"),
        (f"{PAGE}/resolve/main/..%2f..%2fa.gguf", "expected hf:owner/repo"),
        (f"{PAGE}/blob/main", "expected hf:owner/repo"),
        (f"{PAGE}/discussions/1", "expected hf:owner/repo"),
        (f"{PAGE}/blob/v2/a.gguf", "only the revision main"),
        ("https://example.com/owner/repo", r"no address of huggingface\.co"),
        ("https://huggingface.co/", "expected hf:owner/repo"),
    ],
)
def test_what_is_no_reference_is_told_the_form_of_one(text: str, message: str) -> None:
    with pytest.raises(ModelUnusable, match=message):
        parse_reference(text)
