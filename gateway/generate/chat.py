"""How a request becomes an answer: render, constrain, generate, decode."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from functools import partial

import msgspec

from gateway.chat.events import Finished, Part
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
from gateway.prompt.verbatim import Written

log = logging.getLogger("gateway")


async def answer(
    request: Request, model: ChatModel, *, whole: bool = False, size: int = 0
) -> AsyncGenerator[tuple[int, Part], None]:
    """Answer `request` as it is generated: the parts of each of its answers, by index.

    `whole` holds each call back until it is complete. `size` is the request's, in bytes. Closing
    the generator cancels.
    """
    prompt, held, format = await model.serializer.run(partial(_prepared, request, model), size)
    asked = Generation(
        prompt=list(prompt.parts),
        sampling=request.sampling,
        grammar=held.grammar,
        max_tokens=request.max_tokens,
        top_logprobs=request.top_logprobs,
        fast_forward=model.entry.fast_forward,
        draft_tokens=model.entry.draft_tokens,
        interruption=interruption(
            request, format, prompt.answer_prefix, model.special, is_held=held.grammar is not None
        ),
    )
    model.engine.features.check(asked)
    generate = generator_for(model, request, format, prompt.answer_prefix)
    whole = whole or generate != model.engine.generate  # what no grammar holds may be no call yet
    accounts = current().begin(request.answers, [prompt.text])
    answers = []
    for i, account in enumerate(accounts):
        transcript = Transcript(request, format, prompt.answer_prefix, held, whole=whole)
        answers.append(
            _answer(model, generate, seeded(asked, i), held, prompt, transcript, account)
        )
    async with aclosing(merge(answers)) as parts:
        async for indexed in parts:
            yield indexed


def _prepared(request: Request, model: ChatModel) -> tuple[Prompt, Constraint, Format]:
    prompt = model.template.render(request, model.said)
    return (
        prompt,
        Constraint(request, model.format, prompt.answer_prefix, model.special),
        model.format,
    )


async def _answer(
    model: ChatModel,
    generate: Generate,
    asked: Generation,
    held: Constraint,
    prompt: Prompt,
    transcript: Transcript,
    account: Account,
) -> AsyncGenerator[Part, None]:
    async with aclosing(_generate(generate, asked, held)) as pieces:
        async for piece in pieces:
            account.took(piece)
            if isinstance(piece, Delta) and piece.cache_miss:
                log.debug("%s: %s", model.name, _told(piece.cache_miss))
            for part in transcript.read(piece):
                if isinstance(part, Finished):
                    _ended(model, prompt, transcript, part, account)
                yield part
            if transcript.finished:
                return


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
        written = Written(prompt.start, prompt.before, prompt.lead + transcript.text, own)
        model.said.keep(turn, written)


async def _generate(
    generate: Generate, asked: Generation, held: Constraint
) -> AsyncGenerator[Generated, None]:
    """What the engine writes; it is asked again, for less, if it refuses a schema at once."""
    while True:
        asked, has_begun = msgspec.structs.replace(asked, grammar=held.grammar), False
        try:
            async with aclosing(generate(asked)) as pieces:
                async for piece in pieces:
                    has_begun = True
                    yield piece
            return
        except BadRequest as refusal:
            if has_begun:
                raise
            if asked.grammar == held.grammar:  # else another answer has asked for less already
                held.relax(refusal)


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
