"""From a completion request to the events of its answers: raw prompts, without a template."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace

from gateway.chat.events import AnswerEvent, Finished, Logprobs, Started, Text, Usage
from gateway.chat.request import Sampling
from gateway.concurrency import merge
from gateway.engine.generation import Accepted, Delta, Generation, Output, PromptUsage
from gateway.errors import BadRequest
from gateway.generate.capture.recorded import captured, describe
from gateway.generate.chat import with_seed
from gateway.generate.stop import Stop
from gateway.generate.transcript import finish_reason, not_reproducible_notes
from gateway.models.model import ChatModel
from gateway.observe.trace import AnswerTrace, current
from gateway.prompt.special_tokens import Guard

Prompt = str | tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Completion:
    """A request to continue each of `prompts`, `n` times.

    A prompt is a text or token ids. With `special`, the texts of special tokens in a prompt are
    these tokens; otherwise they are plain text. `echo` puts each prompt before its answers.
    `top_logprobs` None means no log-probabilities. `reproducible` is as in `Request`.
    """

    prompts: tuple[Prompt, ...]
    sampling: Sampling
    max_tokens: int | None
    special: bool = False
    echo: bool = False
    stop: tuple[str, ...] = ()
    n: int = 1
    top_logprobs: int | None = None
    reproducible: bool = False


async def complete(
    request: Completion, model: ChatModel
) -> AsyncGenerator[tuple[int, AnswerEvent], None]:
    """Returns the events of all answers; those to one prompt have successive indexes.

    Closing the generator cancels the generation. Raises BadRequest for a request that the engine
    can't answer.
    """
    prompts = [
        await asyncio.to_thread(_generation, request, model, prompt) for prompt in request.prompts
    ]
    for generation in prompts:
        model.engine.features.check(generation)
    generations = [with_seed(prompt, i) for prompt in prompts for i in range(request.n)]
    trace = current()
    trace.operation, trace.sampling = "text_completion", request.sampling
    if trace.capture:
        describe(trace.capture, model, request.sampling, None)
    answers = trace.begin(request.n, [*map(str, request.prompts)])
    streams = []
    for i, (generation, answer) in enumerate(zip(generations, answers, strict=True)):
        ask = captured(
            model.engine.generate,
            trace.capture,
            i,
            model.special,
            base_parts=len(generation.prompt),
        )
        streams.append(_recorded(_events(i, ask(generation), request, model, answer)))
    return merge(streams)


async def _recorded(
    events: AsyncGenerator[tuple[int, AnswerEvent], None],
) -> AsyncGenerator[tuple[int, AnswerEvent], None]:
    async with aclosing(events):
        async for indexed in events:
            if capture := current().capture:
                capture.add_event(*indexed)
            yield indexed


def _generation(request: Completion, model: ChatModel, prompt: Prompt) -> Generation:
    return Generation(
        prompt=prompt_parts(prompt, model.special if request.special else {}),
        sampling=request.sampling,
        max_tokens=request.max_tokens,
        top_logprobs=request.top_logprobs,
        draft_tokens=model.entry.draft_tokens,
        echo=request.echo,
        reproducible=model.reproduces(request.sampling.seed, asked=request.reproducible),
    )


def prompt_parts(prompt: Prompt, special: dict[str, int]) -> list[str | int]:
    """Returns a prompt as engines take it; the texts of `special` tokens in it are these tokens."""
    if isinstance(prompt, str):
        return list(Guard(special).split(prompt)) if special else [prompt]
    return list(prompt)


async def _events(
    index: int,
    generated: AsyncGenerator[Output, None],
    request: Completion,
    model: ChatModel,
    trace: AnswerTrace,
) -> AsyncGenerator[tuple[int, AnswerEvent], None]:
    """Generates one answer, up to a stop string."""
    stop, usage = Stop(request.stop), Usage()
    fault = model.engine.info.not_reproducible if request.reproducible else ""
    notes = tuple(not_reproducible_notes(fault))
    try:
        async with aclosing(generated) as outputs:
            async for output in outputs:
                trace.record(output)
                match output:
                    case Accepted(prompt_tokens, prompt):
                        usage = Usage(prompt=prompt_tokens)
                        yield index, Started(prompt_tokens, model.engine.info.fingerprint)
                        if prompt:
                            yield index, Text(prompt)
                    case PromptUsage(prompt_tokens):
                        usage = replace(usage, prompt=prompt_tokens)
                    case Delta():
                        cached = output.cached_tokens
                        usage = usage.plus(output.tokens, cached=cached, is_reasoning=False)
                        for event in _read(output, stop):
                            yield index, event
                        if output.finish or stop.was_met:
                            reason = finish_reason(output.finish, stop)
                            model.tally.update(answers=1, calls=0, noted=int(bool(notes)))
                            finished = Finished(reason, usage, notes, stop_string=stop.matched)
                            trace.complete(finished)
                            yield index, finished
                            return
    except BadRequest as error:
        error.param = "prompt"
        raise


def _read(delta: Delta, stop: Stop) -> Iterator[AnswerEvent]:
    if delta.logprobs:
        yield Logprobs(delta.logprobs)
    texts = [Text(delta.text)] if delta.text else []
    yield from stop.filter(texts, ended=delta.finish is not None)
