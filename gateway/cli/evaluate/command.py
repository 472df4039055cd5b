"""The `eval` command."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.options import DEFAULT_CONFIG, ConfigPath, load_config
from gateway.errors import ConfigError

if TYPE_CHECKING:
    import httpx

    from gateway.evaluation.client import ChatClient
    from gateway.evaluation.run import AnswerFile, Outcome, Suite


def evaluate(
    model: Annotated[str, typer.Option(help="Name of the model, as sent to the server.")],
    base_url: Annotated[
        str | None,
        typer.Option(
            help="URL of a server with the OpenAI chat API, as http://127.0.0.1:8080/v1; by"
            " default, the model of models.yaml is served for the run."
        ),
    ] = None,
    config: ConfigPath = DEFAULT_CONFIG,
    tools: Annotated[
        Path | None, typer.Option(help="Your own tools: a JSON list, as in a chat request.")
    ] = None,
    cases: Annotated[
        Path | None, typer.Option(help="Your own cases, as JSON lines; see docs/command-line.md.")
    ] = None,
    every: Annotated[
        int, typer.Option(min=1, help="Ask only every so many cases of each kind.")
    ] = 1,
    max_tokens: Annotated[
        int | None,
        typer.Option(min=1, help="Maximum tokens of an answer; needed for models that think."),
    ] = None,
    answers: Annotated[
        Path | None,
        typer.Option(help="Keep the answers in this file; a later run asks only what is missing."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the scorecard as JSON.")] = False,
) -> None:
    """Score the tool calls of a model, behind any server with the OpenAI chat API.

    If the server requires an API key, set it in TOOL_GATEWAY_KEY.
    """
    import asyncio
    import json

    from gateway.cli.evaluate.table import print_table
    from gateway.evaluation import scorecard
    from gateway.evaluation.case import spread
    from gateway.evaluation.client import ChatClient
    from gateway.evaluation.run import AnswerFile

    chosen = _suite(tools, cases)
    chosen = replace(chosen, cases=spread(chosen.cases, every))
    kept = AnswerFile(answers)

    async def outcomes() -> list[Outcome]:
        async with _http(model, base_url, config) as http:
            return await _outcomes(ChatClient(http, model, max_tokens), chosen, kept)

    found = asyncio.run(outcomes())
    if as_json:
        print(json.dumps(scorecard.as_json(model, chosen.name, found), ensure_ascii=False))
    else:
        print_table(found)


def _suite(tools: Path | None, cases: Path | None) -> Suite:
    from gateway.evaluation.case_file import built_in, read_cases
    from gateway.evaluation.run import Suite
    from gateway.evaluation.score import causes

    if tools and cases:
        return Suite(cases.stem, read_cases(tools, cases), causes)
    if tools or cases:
        raise ConfigError("--tools and --cases belong together: give both, or neither")
    return Suite("built-in", built_in(), causes)


@asynccontextmanager
async def _http(model: str, base_url: str | None, config: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the server at `base_url`, or of one in this process."""
    import httpx

    from gateway.cli.evaluate.served import served

    if base_url is None:
        loaded = load_config(config)
        name = loaded.name_of(model)
        if name is None:
            raise ConfigError(f"no model {model!r}; {config} has {', '.join(loaded.models)}")
        async with served(loaded, model, loaded.models[name]) as http:
            yield http
        return
    key = os.environ.get("TOOL_GATEWAY_KEY", "")
    headers = {"authorization": f"Bearer {key}"} if key else {}
    try:
        client = httpx.AsyncClient(base_url=base_url, headers=headers)
    except httpx.InvalidURL as error:
        raise ConfigError(f"--base-url {base_url} is not a URL: {error}") from error
    async with client as http:
        yield http


async def _outcomes(client: ChatClient, suite: Suite, kept: AnswerFile) -> list[Outcome]:
    """Runs the suite; prints a line for each case to standard error."""
    from gateway.evaluation.run import run

    found: list[Outcome] = []
    async for outcome in run(client, suite, kept):
        found.append(outcome)
        verdict = ", ".join(outcome.causes) or "right"
        place = f"{len(found)}/{len(suite.cases)} {outcome.case.id} {outcome.case.kind}"
        detail = f" ({outcome.answer.error})" if outcome.answer.error else ""
        print(f"{place}: {verdict}{detail}, {outcome.answer.seconds:.1f} s", file=sys.stderr)
    return found
