"""The body of a completion request, as the OpenAI API defines it.

Source: https://platform.openai.com/docs/api-reference/completions/create
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from gateway.api.openai.chat_body import MAX_TOP_LOGPROBS, AnswerCount, GenerationBody, TokenLimit
from gateway.api.openai.chat_constraints import CONSTRAINTS
from gateway.api.openai.chat_request import to_limit, to_sampling, to_stop
from gateway.api.openai.token_input import Texts, each
from gateway.chat.request import Sampling
from gateway.errors import BadRequest
from gateway.generate.completion import Completion

DEFAULT_MAX_TOKENS = 16  # as in the OpenAI API
MAX_ANSWERS = 256  # to all prompts of a request


class CompletionBody(GenerationBody):
    """The body of POST /v1/completions; `special` allows special tokens in text prompts."""

    prompt: Texts
    n: AnswerCount | None = None
    max_tokens: TokenLimit | None = None
    best_of: Annotated[int, Field(ge=1)] | None = None
    echo: bool | None = None
    logprobs: Annotated[int, Field(ge=0, le=MAX_TOP_LOGPROBS)] | None = None
    special: bool | None = None

    unsupported: ClassVar[dict[str, str]] = {
        "suffix": "put the model's fill-in-the-middle tokens into `prompt`, with `special`",
        **dict.fromkeys(
            ("logit_bias", "response_format", *CONSTRAINTS),
            "use /v1/chat/completions to hold a model to a form",
        ),
    }


def to_completion(body: CompletionBody, sampling: Sampling) -> Completion:
    """Returns the request; `sampling` has the model's defaults. Raises BadRequest."""
    prompts, answers = each(body.prompt), body.n or 1
    if body.best_of not in (None, answers):
        raise BadRequest(
            f"best_of: found {body.best_of}; it must equal `n`, {answers}",
            param="best_of",
        )
    if body.echo and body.logprobs is not None:
        raise BadRequest(
            "logprobs: not supported with `echo`: those of the prompt are not computed",
            param="logprobs",
        )
    if len(prompts) * answers > MAX_ANSWERS:
        found = f"{len(prompts)} prompts, {answers} answers to each"
        raise BadRequest(f"prompt: {found}; at most {MAX_ANSWERS} in all", param="prompt")
    return Completion(
        tuple(one if isinstance(one, str) else tuple(one) for one in prompts),
        to_sampling(body, sampling),
        to_limit(body.max_tokens or DEFAULT_MAX_TOKENS),
        special=bool(body.special),
        echo=bool(body.echo),
        stop=to_stop(body),
        n=answers,
        top_logprobs=body.logprobs,
        reproducible=bool(body.reproducible),
    )
