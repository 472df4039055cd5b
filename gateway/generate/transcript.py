"""What a model writes of one answer -> the parts of that answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from gateway.chat.events import (
    AnswerEvent,
    CallEnd,
    Event,
    Finished,
    FinishReason,
    Logprobs,
    Note,
    NoteKind,
    Started,
    Usage,
    collect,
    identified,
)
from gateway.chat.messages import Tool, Turn
from gateway.chat.request import Request
from gateway.engine.generation import Accepted, Delta, PromptUsage
from gateway.formats.format import Format
from gateway.generate.constraint import Constraint
from gateway.generate.retry import Generated, Invalid
from gateway.generate.stop import Stop
from gateway.parsing.decoder import Decoder


class Transcript:
    """Reads what the engine gives, piece by piece; `text` is all of it, `events` what it says.

    `answer_prefix` is the part of the answer that the prompt already contains. `whole` holds
    each call back until it is complete.
    """

    def __init__(
        self, request: Request, format: Format, answer_prefix: str, held: Constraint, *, whole: bool
    ):
        self.text = ""
        self.events: list[Event] = []
        self.finished: Finished | None = None
        self._request = request
        # JSON may hold a mark; only its start can be a call.
        self._format = (
            format if request.answer is None else replace(format, calls_exclude_text=True)
        )
        self._answer_prefix = answer_prefix
        self._held = held
        self._whole = whole
        self._tools = request.callable_tools
        self._stop = Stop(request.stop)
        self._usage = Usage()
        self._is_whole = False
        self._invalid: Invalid | None = None
        self._decoder = self._decoding(self._tools)

    def read(self, piece: Generated) -> Iterator[AnswerEvent]:
        """The parts that `piece` adds; the last of all is `finished`."""
        if isinstance(piece, Accepted):
            self._usage = Usage(prompt=piece.prompt_tokens)
            yield Started()
            return
        if isinstance(piece, PromptUsage):
            self._usage = replace(self._usage, prompt=piece.prompt_tokens)
            return
        if isinstance(piece, Invalid):
            self._read_as_text(piece)
            return
        if piece.logprobs:
            yield Logprobs(piece.logprobs)
        for event in self._stop.filter(self._events(piece), ended=piece.finish is not None):
            told = identified(event)
            self.events.append(told)
            yield told
        if reason := finish_reason(piece, self._stop):
            self._is_whole = piece.finish == "stop"
            self.finished = self._finish(reason, piece)
            yield self.finished

    @property
    def turn(self) -> Turn:
        """What was said."""
        return collect(self.events)

    @property
    def ids(self) -> list[str]:
        """The model's own, of each call that is complete; empty where it has none."""
        return [event.id for event in self.events if isinstance(event, CallEnd)]

    @property
    def notes(self) -> Sequence[Note]:
        """What the decoder forgave."""
        return self._decoder.notes

    @property
    def is_as_told(self) -> bool:
        """Whether `text` is the very way in which the model writes `turn`."""
        is_whole = self._is_whole or not self._tools
        return is_whole and not self._stop.was_met and not self.notes

    def _read_as_text(self, invalid: Invalid) -> None:
        """What follows is text, whatever it looks like."""
        self._invalid = invalid
        self._decoder = self._decoding(())
        self._decoder.feed(self.text)

    def _events(self, piece: Delta) -> list[Event]:
        self.text += piece.text
        events = self._decoder.feed(piece.text)
        self._usage = counted(self._usage, piece, is_reasoning=self._decoder.is_thinking)
        if piece.finish:
            events += self._decoder.close(complete=piece.finish == "stop")
        return events

    def _decoding(self, tools: Sequence[Tool]) -> Decoder:
        decoder = Decoder(self._format, tools, whole=self._whole)
        decoder.feed(self._answer_prefix)
        return decoder

    def _finish(self, reason: FinishReason, piece: Delta) -> Finished:
        if self.ids and reason is not FinishReason.LENGTH:
            reason = FinishReason.TOOL_CALLS
        budget = f"the thinking budget of {self._request.thinking_budget} tokens was used up"
        closed = [Note(NoteKind.THINKING_BUDGET, budget)] if piece.was_interrupted else []
        retried = [self._invalid.note] if self._invalid else []
        checked = self._held.notes(self.turn, is_whole=self._is_whole)
        return Finished(reason, self._usage, (*closed, *retried, *self.notes, *checked))


def finish_reason(piece: Delta, stop: Stop) -> FinishReason | None:
    """Returns why an answer ends with `piece`; None if it goes on."""
    if stop.was_met:
        return FinishReason.STOP_STRING
    return _FINISHES[piece.finish] if piece.finish else None


_FINISHES = {"stop": FinishReason.STOP, "length": FinishReason.LENGTH}


def counted(usage: Usage, piece: Delta, *, is_reasoning: bool) -> Usage:
    return usage.plus(piece.tokens, cached=piece.cached_tokens, is_reasoning=is_reasoning)
