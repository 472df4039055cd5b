"""From a chat request to the events of its answers: render, constrain, generate, decode."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace

import msgspec

from gateway.chat.events import AnswerEvent, Finished
from gateway.chat.request import Request
from gateway.concurrency import merge
from gateway.engine.generation import CacheMiss, Delta, Generation
from gateway.errors import BadRequest
from gateway.generate.capture.reading import Reading
from gateway.generate.capture.recorded import captured, describe
from gateway.generate.constraint import Constraint
from gateway.generate.constraints import relax
from gateway.generate.prepare import prepare, rendered
from gateway.generate.retry import Generate, Generated, generator_for, retries
from gateway.generate.transcript import Transcript
from gateway.models.model import ChatModel
from gateway.observe.trace import AnswerTrace, current
from gateway.prompt.template import Prompt

log = logging.getLogger("gateway")


async def answer(
    request: Request, model: ChatModel, *, whole_calls: bool = False, size: int = 0
) -> AsyncGenerator[tuple[int, AnswerEvent], None]:
    """Returns the events of all answers to `request`, each with the index of its answer.

    `whole_calls` holds each call back until it is complete. `size` is the request's, in bytes.
    Closing the generator cancels the generation. Raises BadRequest for a request that the model
    can't answer.
    """
    prompt, constraint, generation = await prepare(request, model, size=size)
    # Without a grammar, what begins as a call may turn out to be none.
    whole_calls = whole_calls or retries(model, request)
    record, prefix = current(), prompt.answer_prefix
    record.sampling = request.sampling
    record.offered_tools = [tool.name for tool in request.callable_tools]
    if record.capture:
        reading = Reading.of(
            request,
            model.format,
            whole_calls=whole_calls,
            json_calls=model.entry.json_calls,
            opening=generation.opening,
        )
        describe(record.capture, model, request.sampling, reading)
    streams = []
    for i, trace in enumerate(record.begin(request.n, [prompt.text])):
        ask = captured(
            model.engine.generate,
            record.capture,
            i,
            model.special,
            base_parts=len(generation.prompt),
            answer_prefix=prefix,
            trigger=model.format.trigger,
        )
        generate = generator_for(ask, model, request, model.format, prefix)
        transcript = Transcript(
            request,
            model.format,
            prefix,
            constraint,
            whole_calls=whole_calls,
            json_calls=model.entry.json_calls,
            opening=generation.opening,
            fingerprint=model.engine.info.fingerprint,
            not_reproducible=model.engine.info.not_reproducible,
        )
        own = with_seed(generation, i)
        streams.append(
            _events(_Answer(i, model, generate, own, constraint, prompt, transcript, trace))
        )
    return merge(streams)


async def count_prompt_tokens(request: Request, model: ChatModel, *, size: int = 0) -> int:
    """Returns the number of tokens of the prompt of `request`, as `Usage` counts them."""
    prompt = await rendered(request, model, size=size)
    return len((await model.engine.tokenize(list(prompt.parts))).ids)


def with_seed(generation: Generation, index: int) -> Generation:
    """The same request for the answer at `index`: each answer has a seed of its own."""
    if not index or generation.sampling.seed is None:
        return generation
    sampling = replace(generation.sampling, seed=generation.sampling.seed + index)
    return msgspec.structs.replace(generation, sampling=sampling)


@dataclass(frozen=True, slots=True)
class _Answer:
    """One answer that is being generated."""

    index: int
    model: ChatModel
    generate: Generate
    generation: Generation
    constraint: Constraint
    prompt: Prompt
    transcript: Transcript
    trace: AnswerTrace


async def _events(answer: _Answer) -> AsyncGenerator[tuple[int, AnswerEvent], None]:
    """Generates one answer; relaxes the grammar and retries if the engine rejects a schema."""
    generation = answer.generation
    while True:
        has_begun = False
        try:
            async with aclosing(answer.generate(generation)) as outputs:
                async for output in outputs:
                    has_begun = True
                    for event in await _events_of(answer, output):
                        yield answer.index, event
                    if answer.transcript.finished:
                        return
            return
        except BadRequest as error:
            if has_begun:
                raise
            await relax(answer.constraint, answer.model, error, generation.grammar)
            fallback = msgspec.structs.replace(
                generation.fallback, grammar=answer.constraint.text_grammar
            )
            generation = msgspec.structs.replace(
                generation, grammar=answer.constraint.grammar, fallback=fallback
            )


async def _events_of(answer: _Answer, output: Generated) -> Iterable[AnswerEvent]:
    """The events of `output`; the last one is validated, in a thread if that may take long."""
    is_last = isinstance(output, Delta) and output.finish is not None
    if is_last and not answer.constraint.is_plain:
        return await asyncio.to_thread(lambda: [*_read(answer, output)])
    return _read(answer, output)


def _read(answer: _Answer, output: Generated) -> Iterator[AnswerEvent]:
    answer.trace.record(output)
    if isinstance(output, Delta) and output.cache_miss:
        log.debug("%s: %s", answer.model.name, _describe(output.cache_miss))
    for event in answer.transcript.read(output):
        answer.trace.follow(event, answer.transcript.notes)
        if isinstance(event, Finished):
            _finish(answer, event)
        if capture := current().capture:
            capture.add_event(answer.index, event)
        yield event


def _finish(answer: _Answer, finished: Finished) -> None:
    """Counts a complete answer, and remembers its text for later prompts."""
    model, transcript, prompt = answer.model, answer.transcript, answer.prompt
    answer.trace.complete(finished, transcript.events, transcript.notes)
    ids = transcript.model_call_ids
    model.tally.update(answers=1, calls=len(ids), noted=int(bool(finished.notes)))
    if transcript.is_verbatim:
        turn = transcript.turn
        model_ids = {call.id: id for call, id in zip(turn.calls, ids, strict=True) if id}
        # The next prompt of a reproducible answer does not depend on how this one was written.
        if not answer.generation.reproducible:
            model.history.record(turn, prompt.written_turn(transcript.text, model_ids))


def _describe(miss: CacheMiss) -> str:
    return (
        f"the prompt differs from the longest cached prefix at token {miss.position}:"
        f" cached {miss.cached!r}, requested {miss.requested!r}"
    )
