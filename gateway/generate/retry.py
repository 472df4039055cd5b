"""An engine whose answers are checked before they go out, and written anew if they won't do."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TypeAlias

import msgspec

from gateway.chat.events import Note, NoteKind
from gateway.chat.request import Request, Sampling
from gateway.engine.engine import TextEngine
from gateway.engine.generation import Accepted, Delta, Generation, Output, PromptUsage
from gateway.errors import NoValidAnswer
from gateway.formats.format import Format
from gateway.generate.required_call import opening
from gateway.generate.validate import Draft, must_be
from gateway.models.model import ChatModel
from gateway.prompt.special_tokens import Guard

LEAST_WARMTH = 0.4  # a model that takes the likeliest token would write the same again
NEXT_SEED = 1000  # further than the answers of one request are from each other

log = logging.getLogger("gateway")


@dataclass(frozen=True, slots=True)
class Invalid:
    """The rest of an answer, in the next delta, is text: it is no valid call, for this reason."""

    reason: str

    @property
    def note(self) -> Note:
        return Note(NoteKind.NO_VALID_ANSWER, f"passed on as text: {self.reason}")


Generated: TypeAlias = Output | Invalid
Generate: TypeAlias = Callable[[Generation], AsyncGenerator[Generated, None]]


def generator_for(
    model: ChatModel, request: Request, format: Format, answer_prefix: str
) -> Generate:
    """Returns what generates answers to `request`: the model's engine, with checks if needed.

    Answers are checked and retried where the engine can't enforce the grammar that they need.
    """
    needs_grammar = request.callable_tools or request.answer is not None
    if model.engine.features.enforces_grammar or not needs_grammar:
        return model.engine.generate
    most = model.entry.remote.regenerate
    special, tally = model.special, model.tally
    return Checked(model.engine, request, format, answer_prefix, special, tally, most).generate


class Checked:
    """Writes answers to one request with `engine`, each up to `most` times anew.

    What has gone out stays: the next attempt goes on from there. `tally` counts `regenerated`.
    """

    def __init__(
        self,
        engine: TextEngine,
        request: Request,
        format: Format,
        answer_prefix: str,
        special: Mapping[str, int],
        tally: Counter[str],
        most: int,
    ):
        self._engine = engine
        self._request = request
        self._must = must_be(request)
        self._format = (
            replace(format, calls_exclude_text=True) if request.answer is not None else format
        )
        names = [tool.name for tool in request.callable_tools]
        self._opening = opening(format, names, answer_prefix) if request.choice.required else ""
        self._answer_prefix = answer_prefix
        self._guard = Guard(special)
        self._tally = tally
        self._most = most

    async def generate(self, asked: Generation) -> AsyncGenerator[Generated, None]:
        said, left = self._opening, asked.max_tokens
        for attempt in range(self._most + 1):
            draft, tokens = Draft(self._request, self._format, self._answer_prefix + said), 0
            async with aclosing(
                self._engine.generate(self._next(asked, said, left, attempt))
            ) as ps:
                async for piece in ps:
                    if isinstance(piece, PromptUsage):
                        if not attempt:
                            yield piece
                        continue
                    if isinstance(piece, Accepted):
                        if not attempt:
                            yield piece
                            if said:
                                yield Delta(said, 0)
                        continue
                    tokens += piece.tokens
                    last = piece
                    if text := draft.feed(piece.text):
                        yield Delta(text, tokens, piece.cached_tokens)
                        said += text
                        left = None if left is None else left - tokens
                        tokens = 0
            fault = draft.fault(last.finish or "stop")
            if fault is None or attempt == self._most or (left is not None and left < 1):
                break
            log.debug("an answer is written anew: %s", fault)
            self._tally["regenerated"] += 1
        if fault and self._must:
            raise NoValidAnswer(f"the model has not written what was asked for: {fault}")
        if fault:
            yield Invalid(fault)
        yield msgspec.structs.replace(last, text=draft.held, tokens=tokens)

    def _next(self, asked: Generation, said: str, left: int | None, attempt: int) -> Generation:
        return msgspec.structs.replace(
            asked,
            prompt=[*asked.prompt, *self._guard.split(said)],
            max_tokens=left,
            sampling=_again(asked.sampling, attempt) if attempt else asked.sampling,
        )


def _again(sampling: Sampling, attempt: int) -> Sampling:
    """Sampling for another attempt, which must come out differently."""
    seed = None if sampling.seed is None else sampling.seed + attempt * NEXT_SEED
    return replace(sampling, seed=seed, temperature=max(sampling.temperature, LEAST_WARMTH))
