"""Parts of raw completions -> the OpenAI API's chunks, and those chunks' fold.

A chunk has the form of the whole. Source: https://platform.openai.com/docs/api-reference/completions/object
"""

from __future__ import annotations

import codecs
import secrets
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from gateway.api.openai.chat_stream import Chunk, usage_object
from gateway.chat.events import Finished, Logprob, Logprobs, Part, Started, Text, Usage

ODDS = ("tokens", "token_logprobs", "top_logprobs", "text_offset")


@dataclass(slots=True)
class _Choice:
    """An answer so far: how many characters of it are sent, and the odds of those that are not."""

    sent: int = 0
    told: int = 0
    characters: codecs.IncrementalDecoder = field(
        default_factory=lambda: codecs.getincrementaldecoder("utf-8")("replace")
    )
    held: list[tuple[int, Logprob]] = field(default_factory=list)
    usage: Usage = Usage()

    def hold(self, odds: Iterable[Logprob]) -> None:
        for one in odds:
            self.held.append((self.told, one))
            self.told += len(self.characters.decode(bytes(one.bytes)))

    def take(self) -> Chunk | None:
        """The odds of what is sent: a token behind a stop string has no place in the text."""
        ready = [(at, one) for at, one in self.held if at < self.sent]
        self.held = self.held[len(ready) :]
        return _odds(ready) if ready else None


class CompletionChunks:
    """Renders one request's parts, in order, as chunks. Each prompt has so many `answers`."""

    def __init__(self, model: str, prompts: int = 1, answers: int = 1):
        self._head = {
            "id": f"cmpl-{secrets.token_hex(12)}",
            "object": "text_completion",
            "created": int(time.time()),
            "model": model,
        }
        self._answers = answers
        self._choices = [_Choice() for _ in range(prompts * answers)]

    def render(self, index: int, part: Part) -> Iterator[Chunk]:
        """The chunks that `part` of the answer at `index` becomes."""
        choice = self._choices[index]
        match part:
            case Started():
                yield self._chunk(index)
            case Logprobs(logprobs):
                choice.hold(logprobs)
            case Text(text):
                choice.sent += len(text)
                yield self._chunk(index, text)
            case Finished(reason, usage):
                choice.usage = usage
                yield self._chunk(index, finish=reason)

    def usage_chunk(self) -> Chunk:
        return {**self._head, "choices": [], "usage": self._usage()}

    def fold(self, chunks: Iterable[Chunk]) -> Chunk:
        """The completion that `chunks` add up to."""
        whole = [_piece(index) for index in range(len(self._choices))]
        for chunk in chunks:
            for piece in chunk["choices"]:
                _add(whole[piece["index"]], piece)
        return {**self._head, "choices": whole, "usage": self._usage()}

    def _chunk(self, index: int, text: str = "", finish: str | None = None) -> Chunk:
        piece = _piece(index, text, self._choices[index].take(), finish)
        return {**self._head, "choices": [piece]}

    def _usage(self) -> Chunk:
        """Of all prompts, each counted once, and of all answers."""
        each = [choice.usage for choice in self._choices]
        prompts = [each[at : at + self._answers] for at in range(0, len(each), self._answers)]
        total = Usage(
            prompt=sum(one[0].prompt for one in prompts),
            cached=sum(max(answer.cached for answer in one) for one in prompts),
            completion=sum(answer.completion for answer in each),
        )
        return usage_object(total)


def _piece(
    index: int, text: str = "", odds: Chunk | None = None, finish: str | None = None
) -> Chunk:
    return {"index": index, "text": text, "logprobs": odds, "finish_reason": finish}


def _add(whole: Chunk, piece: Chunk) -> None:
    whole["text"] += piece["text"]
    whole["finish_reason"] = piece["finish_reason"]
    if odds := piece["logprobs"]:
        before: dict[str, list[Any]] = whole["logprobs"] or {key: [] for key in ODDS}
        whole["logprobs"] = {key: before[key] + odds[key] for key in ODDS}


def _odds(found: list[tuple[int, Logprob]]) -> Chunk:
    """`top_logprobs` has the token that was drawn too, and `text_offset` counts in `text`."""
    return {
        "tokens": [_name(one) for _, one in found],
        "token_logprobs": [one.logprob for _, one in found],
        "top_logprobs": [{_name(o): o.logprob for o in (*one.top, one)} for _, one in found],
        "text_offset": [at for at, _ in found],
    }


def _name(one: Logprob) -> str:
    """A token's text, or its bytes as OpenAI writes those of half a character."""
    try:
        return bytes(one.bytes).decode()
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{byte:02x}" for byte in one.bytes)
