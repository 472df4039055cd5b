"""From a chat request to what an engine is asked: a prompt, and the grammar of its answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import NamedTuple

from gateway.chat.messages import Result, Speech
from gateway.chat.request import Request
from gateway.engine.engine import EngineInfo
from gateway.engine.generation import Fallback, Generation, Opening
from gateway.errors import ContextExceeded
from gateway.generate.call_probability import call_opening
from gateway.generate.constraint import Constraint
from gateway.generate.constraints import constraint_of
from gateway.generate.thinking_budget import interruption
from gateway.grammar.turn import call_endings
from gateway.models.model import ChatModel
from gateway.prompt.template import Prompt
from gateway.prompt.text_history import TextHistory


class Prepared(NamedTuple):
    """`generation` has the tokens of `prompt` and the grammar of `constraint`."""

    prompt: Prompt
    constraint: Constraint
    generation: Generation


async def prepare(request: Request, model: ChatModel, *, size: int = 0) -> Prepared:
    """Renders the prompt and writes the grammar; computes nothing with the model's weights.

    `size` is the request's, in bytes. Raises BadRequest for a request that the model can't answer.
    """
    prompt = await rendered(request, model, size=size)
    constraint = await constraint_of(request, model, prompt.answer_prefix)
    generation = _generation(request, model, prompt, constraint)
    model.engine.features.check(generation)
    return Prepared(prompt, constraint, generation)


async def rendered(request: Request, model: ChatModel, *, size: int = 0) -> Prompt:
    """Returns the prompt; raises BadRequest, and ContextExceeded if it is certainly too long."""
    return await model.serializer.run(partial(_rendered, request, model), size)


def _rendered(request: Request, model: ChatModel) -> Prompt:
    _check_length(model.engine.info, ["".join(_shown(request))])
    earlier = (
        TextHistory()
        if model.reproduces(request.sampling.seed, asked=request.reproducible)
        else model.history
    )
    prompt = model.template.render(request, earlier)
    _check_length(model.engine.info, prompt.parts)
    return prompt


def _check_length(info: EngineInfo, prompt: Iterable[str | int]) -> None:
    if (tokens := info.min_tokens(prompt)) >= info.context:
        raise ContextExceeded(tokens, info.context, is_minimum=True)


def _shown(request: Request) -> Iterator[str]:
    """The texts that every chat template shows to a model; some leave out white space around."""
    for message in request.messages:
        if isinstance(message, Speech | Result):
            yield message.text.strip()
    for tool in request.tools:
        yield tool.description.strip()


def _generation(
    request: Request, model: ChatModel, prompt: Prompt, constraint: Constraint
) -> Generation:
    has_grammar = bool(request.callable_tools) or request.response_schema is not None
    opening = _opening(request, model, prompt)
    # The probabilities of names are read from those of the tokens.
    reads_names = opening is not None and request.tool_call_probability
    return Generation(
        prompt=list(prompt.parts),
        sampling=request.sampling,
        grammar=constraint.grammar,
        max_tokens=request.max_tokens,
        top_logprobs=0 if reads_names and request.top_logprobs is None else request.top_logprobs,
        fast_forward=model.entry.fast_forward,
        draft_tokens=model.entry.draft_tokens,
        interruption=interruption(
            request, model.format, prompt.answer_prefix, model.special, has_grammar=has_grammar
        ),
        fallback=_fallback(request, model, constraint),
        opening=opening,
        reproducible=model.reproduces(request.sampling.seed, asked=request.reproducible),
    )


def _opening(request: Request, model: ChatModel, prompt: Prompt) -> Opening | None:
    threshold = request.tool_call_threshold
    if threshold is None:
        threshold = model.entry.tool_call_threshold
    opening = call_opening(
        request,
        model.format,
        prompt.answer_prefix,
        model.special,
        threshold=threshold,
        json_calls=model.entry.json_calls,
    )
    is_needed = opening is not None and opening.threshold is not None
    return opening if is_needed or model.engine.features.weighs_openings else None


def _fallback(request: Request, model: ChatModel, constraint: Constraint) -> Fallback:
    if not request.callable_tools:
        return Fallback()
    endings = [model.template.split(text) for text in call_endings(model.format)]
    return Fallback(constraint.text_grammar, endings)
