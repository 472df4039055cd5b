"""How a request becomes an answer: render, constrain, generate, decode."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial

import msgspec

from gateway.chat.events import AnswerEvent, Finished
from gateway.chat.request import Request
from gateway.concurrency import merge
from gateway.engine.generation import CacheMiss, Delta, Generation
from gateway.errors import BadRequest
from gateway.formats.format import Format
from gateway.generate.constraint import Constraint
from gateway.generate.retry import Generate, Generated, generator_for
from gateway.generate.thinking_budget import interruption
from gateway.generate.transcript import Transcript
from gateway.models.model import ChatModel
from gateway.observe.trace import Account, current
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
    prompt, constraint, format = await model.serializer.run(
        partial(_prepared, request, model), size
    )
    generation = Generation(
        prompt=list(prompt.parts),
        sampling=request.sampling,
        grammar=constraint.grammar,
        max_tokens=request.max_tokens,
        top_logprobs=request.top_logprobs,
        fast_forward=model.entry.fast_forward,
        draft_tokens=model.entry.draft_tokens,
        interruption=interruption(
            request,
            format,
            prompt.answer_prefix,
            model.special,
            is_held=constraint.grammar is not None,
        ),
    )
    model.engine.features.check(generation)
    generate = generator_for(model, request, format, prompt.answer_prefix)
    # Without a grammar, what has begun as a call may turn out to be none.
    whole_calls = whole_calls or generate != model.engine.generate
    streams = []
    for i, account in enumerate(current().begin(request.n, [prompt.text])):
        prefix = prompt.answer_prefix
        transcript = Transcript(request, format, prefix, constraint, whole=whole_calls)
        own = seeded(generation, i)
        job = _Job(i, model, generate, own, constraint, prompt, transcript, account)
        streams.append(_events(job))
    return merge(streams)


def _prepared(request: Request, model: ChatModel) -> tuple[Prompt, Constraint, Format]:
    prompt = model.template.render(request, model.history)
    constraint = Constraint(request, model.format, prompt.answer_prefix, model.special)
    return prompt, constraint, model.format


@dataclass(frozen=True, slots=True)
class _Job:
    """All that one answer takes."""

    index: int
    model: ChatModel
    generate: Generate
    generation: Generation
    constraint: Constraint
    prompt: Prompt
    transcript: Transcript
    account: Account


async def _events(job: _Job) -> AsyncGenerator[tuple[int, AnswerEvent], None]:
    """Generates one answer; asks the engine again, for less, if it rejects a schema."""
    while True:
        grammar, has_begun = job.constraint.grammar, False
        generation = msgspec.structs.replace(job.generation, grammar=grammar)
        try:
            async with aclosing(job.generate(generation)) as pieces:
                async for piece in pieces:
                    has_begun = True
                    for event in _read(job, piece):
                        yield job.index, event
                    if job.transcript.finished:
                        return
            return
        except BadRequest as refusal:
            if has_begun:
                raise
            await asyncio.to_thread(job.constraint.relax, refusal, grammar)


def _read(job: _Job, piece: Generated) -> Iterator[AnswerEvent]:
    job.account.took(piece)
    if isinstance(piece, Delta) and piece.cache_miss:
        log.debug("%s: %s", job.model.name, _told(piece.cache_miss))
    for event in job.transcript.read(piece):
        if isinstance(event, Finished):
            _ended(job.model, job.prompt, job.transcript, event, job.account)
        yield event


def _ended(
    model: ChatModel, prompt: Prompt, transcript: Transcript, finished: Finished, account: Account
) -> None:
    """Count an answer, and remember how it was written."""
    ids = transcript.ids
    account.ended(finished.reason, transcript.events, transcript.notes)
    model.tally.update(answers=1, calls=len(ids), noted=int(bool(finished.notes)))
    if transcript.is_as_told:
        turn = transcript.turn
        own = {call.id: id for call, id in zip(turn.calls, ids, strict=True) if id}
        model.history.record(turn, prompt.written_turn(transcript.text, own))


def _told(missed: CacheMiss) -> str:
    return (
        f"the prompt leaves the nearest prefix at token {missed.position}:"
        f" read was {missed.cached!r}, asked is {missed.requested!r}"
    )


def seeded(asked: Generation, index: int) -> Generation:
    """The same request for another answer: a seed draws each of them differently."""
    if not index or asked.sampling.seed is None:
        return asked
    sampling = replace(asked.sampling, seed=asked.sampling.seed + index)
    return msgspec.structs.replace(asked, sampling=sampling)
