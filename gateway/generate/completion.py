"""How raw prompts are continued: generate, cut off at a stop string."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace

from gateway.chat.events import AnswerEvent, Finished, Logprobs, Started, Text, Usage
from gateway.chat.request import Sampling
from gateway.concurrency import merge
from gateway.engine.generation import Accepted, Generation, PromptUsage
from gateway.errors import BadRequest
from gateway.generate.chat import seeded
from gateway.generate.stop import Stop
from gateway.generate.transcript import counted, finish_reason
from gateway.models.model import ChatModel
from gateway.observe.trace import Account, current
from gateway.prompt.special_tokens import Guard

Prompt = str | tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Completion:
    """A request to continue each of `prompts`, texts or tokens, `n` times.

    `special` reads the marks of special tokens in a text as these; otherwise they are plain text.
    `echo` puts each prompt before its answers. `top_logprobs` None asks for no log-probabilities.
    """

    prompts: tuple[Prompt, ...]
    sampling: Sampling
    max_tokens: int
    special: bool = False
    echo: bool = False
    stop: tuple[str, ...] = ()
    n: int = 1
    top_logprobs: int | None = None


async def complete(
    asked: Completion, model: ChatModel
) -> AsyncGenerator[tuple[int, AnswerEvent], None]:
    """Returns the events of all answers; those to one prompt have successive indexes.

    Closing the generator cancels the generation.
    """
    each = [_generate(asked, model, prompt) for prompt in asked.prompts]
    for generation in each:
        model.engine.features.check(generation)
    generations = [seeded(one, i) for one in each for i in range(asked.n)]
    accounts = current().begin(asked.n, [*map(str, asked.prompts)])
    return merge(
        [
            _continued(i, generation, asked.stop, model, account)
            for i, (generation, account) in enumerate(zip(generations, accounts, strict=True))
        ]
    )


def _generate(asked: Completion, model: ChatModel, prompt: Prompt) -> Generation:
    return Generation(
        prompt=_parts(prompt, model.special if asked.special else {}),
        sampling=asked.sampling,
        max_tokens=asked.max_tokens,
        top_logprobs=asked.top_logprobs,
        draft_tokens=model.entry.draft_tokens,
        echo=asked.echo,
    )


def _parts(prompt: Prompt, special: dict[str, int]) -> list[str | int]:
    if isinstance(prompt, str):
        return list(Guard(special).split(prompt)) if special else [prompt]
    return list(prompt)


async def _continued(
    index: int, asked: Generation, strings: tuple[str, ...], model: ChatModel, account: Account
) -> AsyncGenerator[tuple[int, AnswerEvent], None]:
    stop = Stop(strings)
    usage = Usage()
    try:
        async with aclosing(model.engine.generate(asked)) as pieces:
            async for piece in pieces:
                account.took(piece)
                if isinstance(piece, Accepted):
                    usage = Usage(prompt=piece.prompt_tokens)
                    yield index, Started()
                    if piece.prompt:
                        yield index, Text(piece.prompt)
                    continue
                if isinstance(piece, PromptUsage):
                    usage = replace(usage, prompt=piece.prompt_tokens)
                    continue
                if piece.logprobs:
                    yield index, Logprobs(piece.logprobs)
                usage = counted(usage, piece, is_reasoning=False)
                said = [Text(piece.text)] if piece.text else []
                for text in stop.filter(said, ended=piece.finish is not None):
                    yield index, text
                if finish := finish_reason(piece, stop):
                    model.tally.update(answers=1, calls=0, noted=0)
                    account.ended(finish, [], [])
                    yield index, Finished(finish, usage)
                    return
    except BadRequest as refusal:
        refusal.param = "prompt"
        raise
