"""Renders events as the OpenAI API's chat completions: chunks, or one whole object.

Sources: https://platform.openai.com/docs/api-reference/chat/streaming and
https://platform.openai.com/docs/api-reference/chat/object
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from gateway.api.errors import envelope
from gateway.api.openai.objects import FINISH_REASONS, Head, logprob_object, usage_object
from gateway.chat.custom_tools import InputReader
from gateway.chat.events import (
    Answer,
    AnsweredCall,
    AnswerEvent,
    CallArguments,
    CallEnd,
    CallStart,
    Finished,
    Logprob,
    Logprobs,
    Reasoning,
    Started,
    Text,
    Usage,
    call_id,
    shared_prompt_usage,
)
from gateway.chat.json import Json, Object
from gateway.errors import GatewayError


@dataclass(slots=True)
class _Choice:
    """One answer so far; `delayed_calls` are sent together at its end."""

    calls: int = 0
    start: CallStart = CallStart("")
    arguments: str = ""
    input: InputReader | None = None  # of a call whose tool is custom
    delayed_calls: list[Json] = field(default_factory=list)
    logprobs: list[Logprob] = field(default_factory=list)
    usage: Usage = Usage()


class ChatRenderer:
    """Renders the answers to one chat request.

    `whole_calls` puts all calls of an answer into one delta, at its end: some clients read no
    second one. `always_content` puts a `content` into every delta, for clients that add it up
    without a check. `include_usage` ends a stream with a chunk that has the usage. Calls of
    `custom_tools` have a text instead of arguments.
    """

    def __init__(
        self,
        model: str,
        answers: int = 1,
        *,
        whole_calls: bool = False,
        always_content: bool = False,
        include_usage: bool = False,
        custom_tools: frozenset[str] = frozenset(),
    ):
        self._head = Head(model, "chatcmpl")
        self._whole_calls = whole_calls
        self._always_content = always_content
        self._include_usage = include_usage
        self._custom_tools = custom_tools
        self._choices = [_Choice() for _ in range(answers)]

    def render(self, index: int, event: AnswerEvent) -> Iterator[Object]:
        """Yields the chunks that an event of the answer at `index` becomes."""
        choice = self._choices[index]
        match event:
            case Started(_, fingerprint):
                self._head.set_fingerprint(fingerprint)
                yield self._chunk(index, {"role": "assistant", "content": None})
            case Text(text):
                yield self._chunk(index, {"content": text})
            case Reasoning(text):
                yield self._chunk(index, {"reasoning_content": text})
            case CallStart():
                choice.start, choice.arguments = replace(event, id=event.id or call_id()), ""
                choice.input = InputReader() if event.name in self._custom_tools else None
                if not self._whole_calls:
                    yield self._chunk(index, {"tool_calls": [self._call_delta(choice)]})
            case CallArguments(json) if self._whole_calls:
                choice.arguments += json
            case CallArguments(json) if choice.input:
                if text := choice.input.feed(json):
                    piece: Json = {"index": choice.calls, "custom": {"input": text}}
                    yield self._chunk(index, {"tool_calls": [piece]})
            case CallArguments(json):
                delta: Json = {"index": choice.calls, "function": {"arguments": json}}
                yield self._chunk(index, {"tool_calls": [delta]})
            case CallEnd():
                if self._whole_calls:
                    choice.delayed_calls.append(self._call_delta(choice))
                choice.calls += 1
            case Logprobs(tokens):
                choice.logprobs += tokens
            case Finished():
                choice.usage = event.usage
                if choice.delayed_calls:
                    yield self._chunk(index, {"tool_calls": choice.delayed_calls})
                yield self._chunk(index, {}, event)

    def end(self) -> Iterator[Object]:
        """Yields the chunk with the usage, if it was requested."""
        if self._include_usage:
            usage = shared_prompt_usage([choice.usage for choice in self._choices])
            yield self._head.object("chat.completion.chunk", [], usage=usage_object(usage))

    def failed(self, error: GatewayError) -> Iterator[Object]:
        """Yields the error."""
        yield envelope(error)

    def whole(self, answers: Sequence[Answer]) -> Object:
        """Returns the completion that has all `answers`."""
        choices: list[Json] = [self._choice_object(i, answer) for i, answer in enumerate(answers)]
        usage = shared_prompt_usage([answer.finished.usage for answer in answers])
        self._head.set_fingerprint(answers[0].fingerprint)
        return self._head.object("chat.completion", choices, usage=usage_object(usage))

    def _chunk(self, index: int, delta: Object, finished: Finished | None = None) -> Object:
        if self._always_content:
            delta["content"] = delta.get("content") or ""
        choice = self._choices[index]
        logprobs, choice.logprobs = choice.logprobs, []
        rendered: Object = {
            "index": index,
            "delta": delta,
            "logprobs": _logprobs(logprobs),
            "finish_reason": FINISH_REASONS[finished.reason] if finished else None,
            **(_extensions(finished) if finished else {}),
        }
        return self._head.object("chat.completion.chunk", [rendered])

    def _call_delta(self, choice: _Choice) -> Object:
        start = choice.start
        call = AnsweredCall(start.id, start.name, choice.arguments, start.probability)
        return {"index": choice.calls, **self._call(call)}

    def _call(self, call: AnsweredCall) -> Object:
        probability: Object = {} if call.probability is None else {"probability": call.probability}
        if call.name in self._custom_tools:
            custom: Object = {"name": call.name, "input": InputReader().feed(call.arguments)}
            return {"id": call.id, "type": "custom", "custom": custom, **probability}
        function: Object = {"name": call.name, "arguments": call.arguments}
        return {"id": call.id, "type": "function", "function": function, **probability}

    def _choice_object(self, index: int, answer: Answer) -> Object:
        message: Object = {"role": "assistant", "content": answer.text}
        if answer.reasoning:
            message["reasoning_content"] = answer.reasoning
        if answer.calls:
            message["content"] = answer.text or None
            message["tool_calls"] = [self._call(call) for call in answer.calls]
        return {
            "index": index,
            "message": message,
            "logprobs": _logprobs(answer.logprobs),
            "finish_reason": FINISH_REASONS[answer.finished.reason],
            **_extensions(answer.finished),
        }


def _extensions(finished: Finished) -> Object:
    """The fields of this gateway, which the OpenAI API does not have."""
    fields: Object = {}
    if finished.call_probability is not None:
        fields["tool_call_probability"] = finished.call_probability
    if finished.notes:
        fields["notes"] = [note.text for note in finished.notes]
    return fields


def _logprobs(tokens: Sequence[Logprob]) -> Json:
    if not tokens:
        return None
    return {"content": [logprob_object(token) for token in tokens], "refusal": None}
