"""The door of raw completions: a body as the OpenAI API writes it -> a `Completion`.

Source: https://platform.openai.com/docs/api-reference/completions/create
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from gateway.api.openai.chat_body import MOST_ODDS, Drawn, Tokens
from gateway.api.openai.chat_request import to_sampling, to_stop
from gateway.api.openai.token_input import Texts, each
from gateway.chat.request import Sampling
from gateway.errors import BadRequest
from gateway.generate.completion import Completion

MOST_TOKENS = 16  # where a request does not say, as OpenAI has it
MOST_ANSWERS = 256  # to all prompts of a request


class CompletionBody(Drawn):
    """The body of POST /v1/completions. `special` reads marks of special tokens in the prompt."""

    prompt: Texts
    max_tokens: Tokens | None = None
    best_of: Annotated[int, Field(ge=1)] | None = None
    echo: bool | None = None
    logprobs: Annotated[int, Field(ge=0, le=MOST_ODDS)] | None = None
    special: bool | None = None

    unsupported: ClassVar[dict[str, str]] = {
        "suffix": "write the model's own marks for what to fill in into `prompt`, with `special`",
        "logit_bias": "use /v1/chat/completions to hold a model to a form",
    }


def to_completion(body: CompletionBody, sampling: Sampling) -> Completion:
    """What `body` asks, with the model's defaults for what it leaves open; raises BadRequest."""
    prompts, answers = each(body.prompt), body.n or 1
    if body.best_of not in (None, answers):
        raise BadRequest(
            f"best_of: found {body.best_of}; all answers are given, so it must be n, {answers}",
            param="best_of",
        )
    if body.echo and body.logprobs is not None:
        raise BadRequest(
            "logprobs: with `echo` they would be the prompt's too, which are not known",
            param="logprobs",
        )
    if len(prompts) * answers > MOST_ANSWERS:
        found = f"{len(prompts)} prompts, {answers} answers to each"
        raise BadRequest(f"prompt: {found}; at most {MOST_ANSWERS} in all", param="prompt")
    return Completion(
        tuple(one if isinstance(one, str) else tuple(one) for one in prompts),
        to_sampling(body, sampling),
        body.max_tokens or MOST_TOKENS,
        special=bool(body.special),
        echo=bool(body.echo),
        stop=to_stop(body),
        n=answers,
        top_logprobs=body.logprobs,
    )
