"""Sends cases to a served model with the OpenAI SDK."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from openai import OpenAI, OpenAIError

from bench.server import HOST
from gateway.evaluation.answer import Answer
from training.evaluation.case import Case
from training.evaluation.score import Score, score

CONCURRENCY = 4
MAX_TOKENS = 256
SEED = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer of `side` to a case with a tool_choice, and its score."""

    side: str
    choice: str
    case: Case
    answer: Answer
    score: Score


def outcomes(port: int, side: str, choice: str, cases: Sequence[Case]) -> Iterator[Outcome]:
    """Send `CONCURRENCY` cases at a time; yields outcomes in the order of `cases`."""
    url = f"http://{HOST}:{port}/v1"
    with (
        OpenAI(base_url=url, api_key="none", max_retries=0, timeout=300) as client,
        ThreadPoolExecutor(CONCURRENCY) as pool,
    ):
        for case, answer in zip(
            cases, pool.map(partial(ask, client, side, choice), cases), strict=True
        ):
            yield Outcome(side, choice, case, answer, score(case, answer))


def ask(client: OpenAI, model: str, choice: str, case: Case) -> Answer:
    """Send one case; an API error becomes an answer with `error`."""
    tools: dict[str, Any] = {"tools": case.tools, "tool_choice": choice} if case.tools else {}
    try:
        completion = client.chat.completions.create(
            model=model,
            messages=case.prompt,  # type: ignore[arg-type]  # plain dicts
            max_tokens=MAX_TOKENS,
            seed=SEED,
            **tools,
        )
    except OpenAIError as error:
        return Answer(error=f"{type(error).__name__}: {error}")
    [choice_] = completion.choices
    return Answer.of(choice_.message.model_dump(), choice_.finish_reason)
