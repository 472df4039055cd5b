"""Renders events as the OpenAI API's text completions: chunks, or one whole object.

A chunk has the form of the whole. Source: https://platform.openai.com/docs/api-reference/completions/object
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from gateway.api.errors import envelope
from gateway.api.openai.objects import FINISH_REASONS, Head, usage_object
from gateway.chat.events import (
    Answer,
    AnswerEvent,
    Finished,
    Logprob,
    Logprobs,
    Started,
    Text,
    Usage,
    shared_prompt_usage,
)
from gateway.chat.json import Json, Object
from gateway.errors import GatewayError


def _utf8() -> codecs.IncrementalDecoder:
    return codecs.getincrementaldecoder("utf-8")("replace")


@dataclass(slots=True)
class _Choice:
    """One answer so far, and the log-probabilities of tokens whose text has not been sent."""

    sent_chars: int = 0
    offset: int = 0
    decoder: codecs.IncrementalDecoder = field(default_factory=_utf8)
    unsent: list[tuple[int, Logprob]] = field(default_factory=list)
    usage: Usage = Usage()

    def hold(self, tokens: Iterable[Logprob]) -> None:
        """Takes the log-probabilities of tokens, and works out their offsets in the text."""
        for token in tokens:
            self.unsent.append((self.offset, token))
            self.offset += len(self.decoder.decode(bytes(token.bytes)))

    def take(self) -> Json:
        """Returns the log-probabilities of what was sent: not of tokens after a stop string."""
        sent = [(offset, token) for offset, token in self.unsent if offset < self.sent_chars]
        self.unsent = self.unsent[len(sent) :]
        return _logprobs(sent) if sent else None


class CompletionRenderer:
    """Renders the answers to one completion request, `n` to each of `prompts`, in order."""

    def __init__(self, model: str, prompts: int = 1, n: int = 1, *, include_usage: bool = False):
        self._head = Head(model, "cmpl")
        self._n = n
        self._include_usage = include_usage
        self._choices = [_Choice() for _ in range(prompts * n)]

    def render(self, index: int, event: AnswerEvent) -> Iterator[Object]:
        """Yields the chunks that an event of the answer at `index` becomes."""
        choice = self._choices[index]
        match event:
            case Started(_, fingerprint):
                self._head.set_fingerprint(fingerprint)
                yield self._chunk(index)
            case Logprobs(tokens):
                choice.hold(tokens)
            case Text(text):
                choice.sent_chars += len(text)
                yield self._chunk(index, text)
            case Finished():
                choice.usage = event.usage
                yield self._chunk(index, finished=event)

    def end(self) -> Iterator[Object]:
        """Yields the chunk with the usage, if it was requested."""
        if self._include_usage:
            usage = self._total([choice.usage for choice in self._choices])
            yield self._object([], usage=usage_object(usage))

    def failed(self, error: GatewayError) -> Iterator[Object]:
        """Yields the error."""
        yield envelope(error)

    def whole(self, answers: Sequence[Answer]) -> Object:
        """Returns the completion that has all `answers`."""
        choices: list[Json] = [_whole_choice(i, answer) for i, answer in enumerate(answers)]
        usage = self._total([answer.finished.usage for answer in answers])
        self._head.set_fingerprint(answers[0].fingerprint)
        return self._object(choices, usage=usage_object(usage))

    def _chunk(self, index: int, text: str = "", finished: Finished | None = None) -> Object:
        return self._object([_choice_object(index, text, self._choices[index].take(), finished)])

    def _object(self, choices: list[Json], **more: Json) -> Object:
        return self._head.object("text_completion", choices, **more)

    def _total(self, usages: Sequence[Usage]) -> Usage:
        """Adds up the usage over all prompts, each of which counts once."""
        starts = range(0, len(usages), self._n)
        prompts = [shared_prompt_usage(usages[start : start + self._n]) for start in starts]
        return Usage(
            prompt=sum(prompt.prompt for prompt in prompts),
            cached=sum(prompt.cached for prompt in prompts),
            completion=sum(prompt.completion for prompt in prompts),
        )


def _whole_choice(index: int, answer: Answer) -> Object:
    choice = _Choice(sent_chars=len(answer.text))
    choice.hold(answer.logprobs)
    return _choice_object(index, answer.text, choice.take(), answer.finished)


def _choice_object(index: int, text: str, logprobs: Json, finished: Finished | None) -> Object:
    reason = FINISH_REASONS[finished.reason] if finished else None
    choice: Object = {"index": index, "text": text, "logprobs": logprobs, "finish_reason": reason}
    if finished and finished.notes:
        choice["notes"] = [note.text for note in finished.notes]
    return choice


def _logprobs(tokens: Sequence[tuple[int, Logprob]]) -> Object:
    """`top_logprobs` has the sampled token too; `text_offset` counts characters of `text`."""
    return {
        "tokens": [_name(token) for _, token in tokens],
        "token_logprobs": [token.logprob for _, token in tokens],
        "top_logprobs": [
            {_name(one): one.logprob for one in (*token.top, token)} for _, token in tokens
        ],
        "text_offset": [offset for offset, _ in tokens],
    }


def _name(token: Logprob) -> str:
    """A token's text, or its bytes as OpenAI writes those of an incomplete character."""
    try:
        return bytes(token.bytes).decode()
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{byte:02x}" for byte in token.bytes)
