"""Prompts of remote engines: control tokens are found, and plain text forms none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.formats.families import FAMILIES
from gateway.remote.control_tokens import find_control_tokens
from gateway.remote.prompt_text import SEPARATOR, PromptText
from tests.fakes import REPO


@pytest.mark.parametrize(
    ("template", "format", "tokens"),
    [
        ("smollm2", "hermes", ["</tool_call>", "<tool_call>", "<|im_end|>", "<|im_start|>"]),
        ("mistral", "mistral", ["</s>", "[INST]", "[/INST]", "[TOOL_CALLS]", "[AVAILABLE_TOOLS]"]),
        ("gemma2", "hermes", ["<start_of_turn>", "<end_of_turn>"]),
    ],
)
def test_control_tokens_are_found_in_template_and_format(
    template: str, format: str, tokens: list[str]
) -> None:
    source = (REPO / "templates" / f"{template}.jinja").read_text()
    found = find_control_tokens(source, FAMILIES[format], "</s>", ("<extra>",))
    assert set(tokens) | {"<extra>"} <= set(found)
    assert "<name>" not in found


@given(st.lists(st.sampled_from(["<|a|>", "<|a", "|>", "<", "a", "[A]", "[", "A]", 0, 1])))
def test_plain_text_forms_no_control_token(prompt: list[str | int]) -> None:
    special = {"<|a|>": 0, "[A]": 1}
    parts = [p for p in prompt if p not in special]
    text = PromptText(special).render(parts)
    assert text.count("<|a|>") == parts.count(0)
    assert text.count("[A]") == parts.count(1)
    plain = "".join(p if isinstance(p, str) else {0: "<|a|>", 1: "[A]"}[p] for p in parts)
    assert text.replace(SEPARATOR, "") == plain
