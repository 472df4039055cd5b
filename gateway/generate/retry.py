"""Validates and retries answers of engines that can't enforce a grammar."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TypeAlias

import msgspec

from gateway.chat.events import Note, NoteKind
from gateway.chat.request import Request, Sampling
from gateway.engine.generation import Accepted, Delta, Generation, Output
from gateway.errors import NoValidAnswer
from gateway.formats.format import Format
from gateway.generate.required_call import call_opening
from gateway.generate.validate import Draft, decoded_format, requires_form
from gateway.models.model import ChatModel
from gateway.prompt.special_tokens import Guard

MIN_RETRY_TEMPERATURE = 0.4  # a greedy retry would generate the same answer again
RETRY_SEED_STEP = 1000  # more than the `n` answers of one request, whose seeds are successive

log = logging.getLogger("gateway")


@dataclass(frozen=True, slots=True)
class Invalid:
    """The next delta has the rest of an answer, which is text: no attempt gave a valid answer."""

    reason: str

    @property
    def note(self) -> Note:
        return Note(NoteKind.NO_VALID_ANSWER, f"passed on as text: {self.reason}")


Ask: TypeAlias = Callable[[Generation], AsyncGenerator[Output, None]]
Generated: TypeAlias = Output | Invalid
Generate: TypeAlias = Callable[[Generation], AsyncGenerator[Generated, None]]


def retries(model: ChatModel, request: Request) -> bool:
    """Whether `request` needs a grammar that the model's engine can't enforce."""
    needs_grammar = request.callable_tools or request.response_schema is not None
    return bool(needs_grammar) and not model.engine.features.enforces_grammar


def generator_for(
    ask: Ask, model: ChatModel, request: Request, format: Format, answer_prefix: str
) -> Generate:
    """Returns what generates an answer to `request`; `ask` asks the engine of `model`.

    That is `ask` itself, or a `RetryingGenerator`.
    """
    if not retries(model, request):
        return ask
    return RetryingGenerator(
        ask,
        request,
        format,
        answer_prefix,
        model.special,
        model.tally,
        max_retries=model.entry.remote.regenerate,
    ).generate


class RetryingGenerator:
    """Generates answers to one request, and regenerates an invalid one up to `max_retries` times.

    Text that was already streamed is kept: a retry continues after it. `tally` counts
    `regenerated`.
    """

    def __init__(
        self,
        ask: Ask,
        request: Request,
        format: Format,
        answer_prefix: str,
        special: Mapping[str, int],
        tally: Counter[str],
        *,
        max_retries: int,
    ):
        self._ask = ask
        self._request = request
        self._format = decoded_format(request, format)
        names = [tool.name for tool in request.callable_tools]
        is_call = request.tool_choice.required
        self._opening = call_opening(format, names, answer_prefix) if is_call else ""
        self._answer_prefix = answer_prefix
        self._guard = Guard(special)
        self._tally = tally
        self._max_retries = max_retries

    async def generate(self, generation: Generation) -> AsyncGenerator[Generated, None]:
        """Yields the outputs of a valid answer, as `TextEngine.generate` does.

        Raises NoValidAnswer if no attempt is valid and text is not allowed instead.
        """
        sent, tokens_left = self._opening, generation.max_tokens
        for attempt in range(self._max_retries + 1):
            draft = Draft(self._request, self._format, self._answer_prefix + sent)
            unsent_tokens = 0
            attempted = self._attempt(generation, sent, tokens_left, attempt)
            async with aclosing(self._ask(attempted)) as outputs:
                async for output in outputs:
                    if not isinstance(output, Delta):
                        if not attempt:
                            yield output
                        if not attempt and sent and isinstance(output, Accepted):
                            yield Delta(sent, 0)
                        continue
                    unsent_tokens += output.tokens
                    last = output
                    if text := draft.feed(output.text):
                        yield Delta(text, unsent_tokens, output.cached_tokens)
                        sent += text
                        tokens_left = None if tokens_left is None else tokens_left - unsent_tokens
                        unsent_tokens = 0
            # To validate an answer may take a tenth of a second, in which streams go on.
            fault = await asyncio.to_thread(draft.fault, last.finish or "stop")
            is_out_of_tokens = tokens_left is not None and tokens_left < 1
            if fault is None or attempt == self._max_retries or is_out_of_tokens:
                break
            log.debug("an answer is regenerated: %s", fault)
            self._tally["regenerated"] += 1
        if fault and requires_form(self._request):
            raise NoValidAnswer(f"the model did not generate a valid answer: {fault}")
        if fault:
            yield Invalid(fault)
        yield msgspec.structs.replace(last, text=draft.withheld, tokens=unsent_tokens)

    def _attempt(
        self, generation: Generation, sent: str, tokens_left: int | None, attempt: int
    ) -> Generation:
        sampling = generation.sampling
        return msgspec.structs.replace(
            generation,
            prompt=[*generation.prompt, *self._guard.split(sent)],
            max_tokens=tokens_left,
            sampling=_retry_sampling(sampling, attempt) if attempt else sampling,
        )


def _retry_sampling(sampling: Sampling, attempt: int) -> Sampling:
    """Changes the sampling, so that a retry generates another answer."""
    seed = None if sampling.seed is None else sampling.seed + attempt * RETRY_SEED_STEP
    return replace(
        sampling, seed=seed, temperature=max(sampling.temperature, MIN_RETRY_TEMPERATURE)
    )
