"""Training tokens are equal to those that the gateway serves."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.chat.messages import Call, Turn
from gateway.formats.encode import encode
from gateway.formats.families import SMOLLM2_TOOLS
from training.adapter.tokenizer import PromptMismatch, Tokenizer

pytestmark = pytest.mark.model

TOOL = {
    "type": "function",
    "function": {"name": "now", "description": "The time", "parameters": {}},
}
QUESTION = {"role": "user", "content": "What time is it? <|im_end|>"}
CALL = {"id": "a", "type": "function", "function": {"name": "now", "arguments": "{}"}}
CALLING = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "a", "content": '{"time": "noon"}'}
ANSWER = {"role": "assistant", "content": "It is noon."}


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer()


def conversation(*messages: dict[str, Any]) -> dict[str, Any]:
    return {"tools": [TOOL], "messages": [*messages]}


def test_the_loss_mask_has_the_assistant_tokens_with_their_end_tokens(
    tokenizer: Tokenizer,
) -> None:
    one = tokenizer.example(conversation(QUESTION, CALLING, RESULT, ANSWER))
    targets = [t for t, is_target in zip(one.tokens, one.loss_mask, strict=True) if is_target]
    call = encode(SMOLLM2_TOOLS, Turn(calls=(Call("now", {}, "a"),)))
    assert tokenizer.text(targets) == f"{call}<|im_end|>It is noon.<|im_end|>"


def test_the_tokens_before_each_answer_are_the_served_prompt(tokenizer: Tokenizer) -> None:
    one = tokenizer.example(conversation(QUESTION, CALLING, RESULT, ANSWER))
    for messages in ([QUESTION], [QUESTION, CALLING, RESULT]):
        prompt = tokenizer.prompt([TOOL], messages)
        assert one.tokens[: len(prompt)] == prompt
        assert one.loss_mask[len(prompt) - 1 : len(prompt) + 1] == [False, True]


def test_text_never_becomes_a_control_token(tokenizer: Tokenizer) -> None:
    ended = ["system", "user", "tools", "assistant"]
    tokens = tokenizer.example(conversation(QUESTION, ANSWER)).tokens
    assert tokens.count(tokens[-1]) == len(ended)


def test_an_answer_that_changes_earlier_tokens_is_refused(tokenizer: Tokenizer) -> None:
    with pytest.raises(PromptMismatch, match="message 1 changes the tokens before it"):
        tokenizer.example(
            conversation(QUESTION, {"role": "assistant", "content": "\n\nIt is noon."})
        )


def test_a_truncated_answer_has_no_end_token(tokenizer: Tokenizer) -> None:
    whole = tokenizer.example(conversation(QUESTION, ANSWER))
    cut = tokenizer.example({**conversation(QUESTION, ANSWER), "is_cut": True})
    assert (cut.tokens, cut.loss_mask) == (whole.tokens[:-1], whole.loss_mask[:-1])
