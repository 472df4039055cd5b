"""Put a case to a served model, as any client of the OpenAI API does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from openai import OpenAI, OpenAIError

from bench.server import HOST
from training.evaluation.case import Answer, Case
from training.evaluation.score import Score, score

AT_ONCE = 4
MOST_TOKENS = 256
SEED = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What `side` made of a case, with the given tool_choice."""

    side: str
    choice: str
    case: Case
    answer: Answer
    score: Score


def outcomes(port: int, side: str, choice: str, cases: Sequence[Case]) -> Iterator[Outcome]:
    """Several at once, in the order of `cases`."""
    url = f"http://{HOST}:{port}/v1"
    with (
        OpenAI(base_url=url, api_key="none", max_retries=0, timeout=300) as client,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        for case, answer in zip(
            cases, pool.map(partial(ask, client, side, choice), cases), strict=True
        ):
            yield Outcome(side, choice, case, answer, score(case, answer))


def ask(client: OpenAI, model: str, choice: str, case: Case) -> Answer:
    """An error is an answer too: it must not cost the others."""
    offered: dict[str, Any] = {"tools": case.tools, "tool_choice": choice} if case.tools else {}
    try:
        completion = client.chat.completions.create(
            model=model,
            messages=case.asked,  # type: ignore[arg-type]  # as they stand in the file
            max_tokens=MOST_TOKENS,
            seed=SEED,
            **offered,
        )
    except OpenAIError as error:
        return Answer(error=f"{type(error).__name__}: {error}")
    [said] = completion.choices
    return Answer.of(said.message.model_dump(), said.finish_reason)
