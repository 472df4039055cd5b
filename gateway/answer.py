"""How a request becomes an answer: render, constrain, generate, decode."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

import msgspec

from gateway.budget import interruption
from gateway.constraint import Constraint, callable_tools
from gateway.engine.client import Engine
from gateway.engine.messages import Accepted, Ending, Generate, Logprob, Missed, Piece
from gateway.errors import BadRequest
from gateway.model import Model
from gateway.prompt import Prompt
from gateway.request import Reply, Request
from gateway.said import Written
from gateway.stop import Stop
from gateway.together import together
from gateway.trace import Account, current
from gateway.turns import CallEnd, CallStart, Event, Turn, call_id, collect
from gateway.wire.decode import Decoder


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens: of the prompt, of those found read already, of the answer, of its reasoning."""

    prompt: int = 0
    cached: int = 0
    completion: int = 0
    reasoning: int = 0

    def after(self, piece: Piece, *, is_thinking: bool) -> Usage:
        """What it comes to with one more piece."""
        return replace(
            self,
            prompt=piece.ending.prompt_tokens if piece.ending else self.prompt,
            cached=piece.cached_tokens,
            completion=self.completion + piece.tokens,
            reasoning=self.reasoning + piece.tokens * is_thinking,
        )


@dataclass(frozen=True, slots=True)
class Started:
    """The engine took the request; from here on it has an answer."""


@dataclass(frozen=True, slots=True)
class Odds:
    """The log-probabilities of the tokens behind the events that follow."""

    logprobs: list[Logprob]


@dataclass(frozen=True, slots=True)
class Finished:
    """`reason` is "stop", "length" or "tool_calls"; `notes` says what was forgiven."""

    reason: str
    usage: Usage
    notes: tuple[str, ...] = ()


log = logging.getLogger("gateway")

NO_EMBEDDINGS = "the door refuses what is not for a model that writes"

Part: TypeAlias = Event | Started | Odds | Finished


async def answer(
    request: Request, model: Model, *, whole: bool = False, size: int = 0
) -> AsyncGenerator[tuple[int, Part], None]:
    """Answer `request` as it is generated: the parts of each of its answers, by index.

    `whole` holds each call back until it is complete. `size` is the request's, in bytes. Closing
    the generator cancels.
    """
    assert model.format, NO_EMBEDDINGS
    prompt, held = await model.desk.do(partial(_prepared, request, model), size)
    asked = Generate(
        id=0,
        prompt=list(prompt.parts),
        sampling=request.sampling,
        grammar=held.grammar,
        max_tokens=request.max_tokens,
        top_logprobs=request.top_logprobs,
        fast_forward=model.entry.fast_forward,
        draft_tokens=model.entry.draft_tokens,
        interruption=interruption(
            request, model.format, prompt.begun, model.special, is_held=held.grammar is not None
        ),
    )
    engine = model.engine_for(request, prompt.begun)
    whole = whole or engine is not model.engine  # what no grammar holds may be no call yet
    one = [
        _answer(request, model, engine, seeded(asked, i), held, prompt, whole, account)
        for i, account in enumerate(current().begin(request.answers, prompt.text))
    ]
    async with aclosing(together(one)) as parts:
        async for indexed in parts:
            yield indexed


def _prepared(request: Request, model: Model) -> tuple[Prompt, Constraint]:
    assert model.format, NO_EMBEDDINGS
    assert model.template, NO_EMBEDDINGS
    prompt = model.template.render(request, model.said)
    return prompt, Constraint(request, model.format, prompt.begun, model.special)


async def _answer(
    request: Request,
    model: Model,
    engine: Engine,
    asked: Generate,
    held: Constraint,
    prompt: Prompt,
    whole: bool,
    account: Account,
) -> AsyncGenerator[Part, None]:
    assert model.format, NO_EMBEDDINGS
    format = model.format
    if request.answer is not None:
        format = replace(format, prose=False)  # JSON may hold a mark; only its start can be a call
    decoder = Decoder(format, callable_tools(request), whole=whole)
    decoder.feed(prompt.begun)
    stop = Stop(request.stop)
    usage = Usage()
    text = ""
    told: list[Event] = []
    async with aclosing(_generate(engine, asked, held)) as pieces:
        async for piece in pieces:
            account.took(piece)
            if isinstance(piece, Accepted):
                usage = Usage(prompt=piece.prompt_tokens)
                yield Started()
                continue
            if piece.missed:
                log.debug("%s: %s", model.name, _told(piece.missed))
            if piece.logprobs:
                yield Odds(piece.logprobs)
            ending = piece.ending or Ending()
            if ending.is_plain:
                decoder = Decoder(format, whole=whole)
                decoder.feed(prompt.begun + text)
            text += piece.text
            events = decoder.feed(piece.text)
            usage = usage.after(piece, is_thinking=decoder.is_thinking)
            if piece.finish:
                events += decoder.close(complete=piece.finish == "stop")
            for event in stop.filter(events, ended=piece.finish is not None):
                if isinstance(event, CallStart):
                    event = replace(event, id=call_id())
                told.append(event)
                yield event
            finish = "stop" if stop.was_met else piece.finish
            if finish:
                turn, ids = collect(told), [e.id for e in told if isinstance(e, CallEnd)]
                reason = "tool_calls" if ids and finish == "stop" else finish
                is_whole = piece.finish == "stop" or not callable_tools(request)
                if is_whole and not stop.was_met and not decoder.notes:
                    _keep(model, prompt, text, turn, ids)
                checked = held.notes(turn, is_whole=piece.finish == "stop")
                closed = _closed(request) if piece.was_interrupted else []
                notes = (*closed, *ending.notes, *decoder.notes, *checked)
                account.ended(reason, told, decoder.notes)
                model.tally.update(answers=1, calls=len(ids), noted=int(bool(notes)))
                yield Finished(reason, usage, notes)
                return


async def _generate(
    engine: Engine, asked: Generate, held: Constraint
) -> AsyncGenerator[Accepted | Piece, None]:
    """What the engine writes; it is asked again, for less, if it refuses a schema at once."""
    while True:
        asked, has_begun = msgspec.structs.replace(asked, grammar=held.grammar), False
        try:
            async with aclosing(engine.generate(asked)) as pieces:
                async for piece in pieces:
                    has_begun = True
                    yield piece
            return
        except BadRequest as refusal:
            if has_begun:
                raise
            if asked.grammar == held.grammar:  # else another answer has asked for less already
                held.relax(refusal)


def _keep(model: Model, prompt: Prompt, text: str, turn: Turn, ids: list[str]) -> None:
    """Remember how `turn` was written; `ids` are the model's own."""
    own = {call.id: id for call, id in zip(turn.calls, ids, strict=True) if id}
    written = Written(prompt.start, prompt.before, prompt.lead + text, own)
    model.said.keep(Reply(turn.text, turn.reasoning, turn.calls), written)


def _told(missed: Missed) -> str:
    return (
        f"the prompt leaves the nearest prefix at token {missed.at}:"
        f" read was {missed.read!r}, asked is {missed.asked!r}"
    )


def _closed(request: Request) -> list[str]:
    return [f"the thinking budget of {request.thinking_budget} tokens was used up"]


def seeded(asked: Generate, index: int) -> Generate:
    """The same request for another answer: a seed draws each of them differently."""
    if not index or asked.sampling.seed is None:
        return asked
    sampling = replace(asked.sampling, seed=asked.sampling.seed + index)
    return msgspec.structs.replace(asked, sampling=sampling)
