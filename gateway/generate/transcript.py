"""Turns the deltas of one answer into its events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from gateway.chat.events import (
    AnswerEvent,
    CallEnd,
    CallStart,
    Event,
    Finished,
    FinishReason,
    Logprobs,
    Note,
    NoteKind,
    Started,
    Text,
    Usage,
    collect,
    identified,
)
from gateway.chat.messages import Call, Speech, Tool, Turn
from gateway.chat.request import Request
from gateway.engine.generation import Accepted, Delta, Opened, Opening, PromptUsage
from gateway.formats.format import Format
from gateway.generate.call_limit import CallLimit
from gateway.generate.call_probability import NameProbabilities
from gateway.generate.constraint import Constraint
from gateway.generate.retry import Generated, Invalid
from gateway.generate.stop import Stop
from gateway.generate.validate import decoded_format
from gateway.parsing.decoder import Decoder
from gateway.parsing.json_calls import JsonCalls, read_as_json

MAX_SAME_CALLS = 3  # in a row; a model that repeats itself does not stop

UNKNOWN_PROBABILITY = Note(
    NoteKind.UNKNOWN_PROBABILITY,
    "`tool_call_probability` is missing: this model's engine does not tell how probable a call is",
)

_FINISH_REASONS = {"stop": FinishReason.STOP, "length": FinishReason.LENGTH}


class Transcript:
    """Decodes one answer as the engine generates it. Pure: it does no I/O.

    `text` is the raw text so far, `events` the events that it was decoded to. `answer_prefix` is
    the part of the answer that the prompt already contains. `whole_calls` holds each call back
    until it is complete. With `json_calls`, calls that are written as plain JSON are read too. An
    answer that does not begin with the `opening` of a call, if that has a threshold, has no calls.
    `fingerprint` and `not_reproducible` are the engine's.
    """

    def __init__(
        self,
        request: Request,
        format: Format,
        answer_prefix: str,
        constraint: Constraint,
        *,
        whole_calls: bool,
        json_calls: bool = False,
        opening: Opening | None = None,
        fingerprint: str = "",
        not_reproducible: str = "",
    ):
        self.text = ""
        self.events: list[Event] = []
        self.finished: Finished | None = None
        self._request = request
        self._fingerprint = fingerprint
        self._not_reproducible = not_reproducible if request.reproducible else ""
        self._format = decoded_format(request, format)
        self._answer_prefix = answer_prefix
        self._constraint = constraint
        self._whole_calls = whole_calls
        tools = request.callable_tools
        reads_json = json_calls and request.response_schema is None
        json_tools = read_as_json(format, tools) if reads_json else []
        is_one = format.single_call or not request.tool_choice.parallel
        max_calls = 1 if is_one else None
        self._call_limit = CallLimit(max_calls)
        self._json_calls = JsonCalls(json_tools, max_calls, answered_calls(request))
        self._threshold = opening and opening.threshold
        self._call_probability: float | None = None
        self._decoded_text = 0  # characters of text that the decoder has returned
        self._names = (
            NameProbabilities(format) if opening and request.tool_call_probability else None
        )
        self._stop = Stop(request.stop)
        self._usage = Usage()
        self._is_complete = False
        self._is_repeating = False
        self._invalid: Invalid | None = None
        is_json = format.calls_are_markdown and json_tools and not request.tool_choice.required
        self._decoder = self._new_decoder(() if is_json else tools)

    def read(self, output: Generated) -> Iterator[AnswerEvent]:
        """Yields the events that `output` adds; the last one of an answer is `finished`."""
        match output:
            case Accepted(prompt_tokens):
                self._usage = Usage(prompt=prompt_tokens)
                yield Started(prompt_tokens, self._fingerprint)
            case PromptUsage(prompt_tokens):
                self._usage = replace(self._usage, prompt=prompt_tokens)
            case Invalid():
                self._read_rest_as_text(output)
            case Delta():
                if output.logprobs and self._request.top_logprobs is not None:
                    yield Logprobs(output.logprobs)
                if self._names:
                    self._names.feed(output.logprobs)
                decoded = self._decoded(output)
                for event in self._stop.filter(decoded, ended=output.finish is not None):
                    self.events.append(self._completed(event))
                    yield self.events[-1]
                    if isinstance(event, CallEnd) and self._repeats_calls():
                        self._is_repeating = True
                        break
                if output.finish or self._stop.was_met or self._is_repeating:
                    self.finished = self._finish(output)
                    yield self.finished

    @property
    def turn(self) -> Turn:
        """The answer so far, as a message."""
        return collect(self.events)

    @property
    def model_call_ids(self) -> list[str]:
        """For each complete call, the id that the model gave it; empty if it gave none."""
        return [event.id for event in self.events if isinstance(event, CallEnd)]

    @property
    def notes(self) -> Sequence[Note]:
        """What the decoder repaired or left out."""
        return [*self._decoder.notes, *self._json_calls.notes, *self._call_limit.notes]

    @property
    def is_verbatim(self) -> bool:
        """Whether `text` is exactly what the model writes for `turn`."""
        is_whole = self._is_complete or not self._request.callable_tools
        return is_whole and not self._stop.was_met and not self.notes

    def _read_rest_as_text(self, invalid: Invalid) -> None:
        self._invalid = invalid
        self._decoder = self._new_decoder(())
        self._decoder.feed(self.text)

    def _completed(self, event: Event) -> Event:
        """Gives the start of a call its id, and its probability if that was requested."""
        if self._names and isinstance(event, CallStart):
            event = replace(event, probability=self._names.next(event.name))
        return identified(event)

    def _decoded(self, delta: Delta) -> list[Event]:
        refused = self._judge(delta.opening) if delta.opening else []
        self.text += delta.text
        events = refused + self._decoder.feed(delta.text)
        self._decoded_text += sum(len(event.text) for event in events if isinstance(event, Text))
        is_reasoning, cached = self._decoder.is_thinking, delta.cached_tokens
        self._usage = self._usage.plus(delta.tokens, cached=cached, is_reasoning=is_reasoning)
        if delta.finish:
            events += self._decoder.close(complete=delta.finish == "stop")
        has_ended, is_complete = delta.finish is not None, delta.finish == "stop"
        read = self._json_calls.filter(events, ended=has_ended, complete=is_complete)
        return [*self._call_limit.filter(read)]

    def _judge(self, opened: Opened) -> list[Event]:
        """Reads no calls if there are none below the threshold; returns what was held back."""
        if self._request.tool_call_probability:
            self._call_probability = opened.probability
        if self._threshold is None or opened.is_so or opened.probability is None:
            return []
        self._decoder = self._new_decoder(())
        text = collect(self._decoder.feed(self.text)).text[self._decoded_text :]
        return [*self._json_calls.stop(), *([Text(text)] if text else [])]

    def _repeats_calls(self) -> bool:
        """Whether the last calls are the same, and so many that the model would go on."""
        if len(self.model_call_ids) < MAX_SAME_CALLS:
            return False
        last = self.turn.calls[-MAX_SAME_CALLS:]
        return all(
            (call.name, call.arguments) == (last[0].name, last[0].arguments) for call in last
        )

    def _new_decoder(self, tools: Sequence[Tool]) -> Decoder:
        decoder = Decoder(self._format, tools, whole_calls=self._whole_calls)
        decoder.feed(self._answer_prefix)
        return decoder

    def _finish(self, last: Delta) -> Finished:
        self._is_complete = last.finish == "stop"
        reason = finish_reason(last.finish, self._stop)
        if self.model_call_ids and reason is not FinishReason.LENGTH:
            reason = FinishReason.TOOL_CALLS
        notes = not_reproducible_notes(self._not_reproducible)
        if last.was_interrupted:
            text = f"the thinking budget of {self._request.thinking_budget} tokens was used up"
            notes.append(Note(NoteKind.THINKING_BUDGET, text))
        if self._request.tool_call_probability and self._request.callable_tools:
            notes += [] if self._names else [UNKNOWN_PROBABILITY]
        if self._invalid:
            notes.append(self._invalid.note)
        if self._is_repeating:
            text = f"the same call came {MAX_SAME_CALLS} times in a row, so the answer was ended"
            notes.append(Note(NoteKind.REPEATED, text))
        notes += self.notes
        failure = last.grammar_failure
        notes += self._constraint.notes(self.turn, is_whole=self._is_complete, failure=failure)
        stop_string = self._stop.matched if reason is FinishReason.STOP_STRING else None
        return Finished(reason, self._usage, tuple(notes), stop_string, self._call_probability)


def answered_calls(request: Request) -> list[Call]:
    """The calls since the user spoke last, all of which have their results."""
    calls: list[Call] = []
    for message in request.messages:
        if isinstance(message, Speech):
            calls = []
        elif isinstance(message, Turn):
            calls += message.calls
    return calls


def not_reproducible_notes(reason: str) -> list[Note]:
    """Says why an answer is not reproducible, if there is a `reason`."""
    return [Note(NoteKind.NOT_REPRODUCIBLE, f"not reproducible: {reason}")] if reason else []


def finish_reason(finish: str | None, stop: Stop) -> FinishReason:
    """Returns why an answer ended; `finish` is the engine's reason, if it gave one."""
    return FinishReason.STOP_STRING if stop.was_met else _FINISH_REASONS[finish or "stop"]
