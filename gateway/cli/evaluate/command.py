"""The `eval` command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.options import DEFAULT_CONFIG, ConfigPath
from gateway.errors import ConfigError

if TYPE_CHECKING:
    from gateway.cli.evaluate.servers import OwnServer

ADVICE_EVERY = 10


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
        Path | None,
        typer.Option(help="Your own cases, as JSON lines; see docs/evaluating-models.md."),
    ] = None,
    suite: Annotated[
        str | None,
        typer.Option(
            help="bfcl, or bfcl:multiple,parallel for some of its categories: the Berkeley Function"
            " Calling Leaderboard. By default, the cases of this package."
        ),
    ] = None,
    every: Annotated[
        int | None,
        typer.Option(
            min=1, help="Ask only every so many cases of each kind; 10 by default with --advise."
        ),
    ] = None,
    max_tokens: Annotated[
        int | None,
        typer.Option(min=1, help="Maximum tokens of an answer; needed for models that think."),
    ] = None,
    answers: Annotated[
        Path | None,
        typer.Option(help="Keep the answers in this file; a later run asks only what is missing."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the scorecard as JSON.")] = False,
    report: Annotated[
        Path | None, typer.Option(help="Write this Markdown page, and a picture beside it.")
    ] = None,
    advise: Annotated[
        bool,
        typer.Option(
            "--advise", help="Compare templates, formats and other settings of models.yaml."
        ),
    ] = False,
) -> None:
    """Score the tool calls of a model, behind any server with the OpenAI chat API.

    If the server requires an API key, set it in TOOL_GATEWAY_KEY.
    """
    import asyncio
    import json

    from gateway.cli.evaluate.advise import advice_json, compare, print_advice
    from gateway.cli.evaluate.report import check_path, write
    from gateway.cli.evaluate.scoring import outcomes
    from gateway.cli.evaluate.servers import RemoteServer
    from gateway.cli.evaluate.suites import BRIEF, suite_of
    from gateway.cli.evaluate.table import print_scorecard
    from gateway.evaluation.answer_file import AnswerFile
    from gateway.evaluation.scorecard import as_json as to_json

    if advise:
        if base_url or report:
            raise ConfigError("--advise compares settings of models.yaml: no --base-url, --report")
        asked = suite_of(suite, tools, cases, every or ADVICE_EVERY, BRIEF)
        own = _own_server(model, config)
        trials = asyncio.run(compare(own, asked, answers, max_tokens))
        if as_json:
            print(advice_json(own.key, trials))
        else:
            print_advice(own.key, trials)
        return

    if report:
        check_path(report)
    asked = suite_of(suite, tools, cases, every or 1)
    server = RemoteServer(base_url) if base_url else _own_server(model, config)
    kept = AnswerFile(answers, server.about)
    found = asyncio.run(outcomes(server, model, asked, kept, max_tokens))
    if as_json:
        print(json.dumps(to_json(model, asked.name, found), ensure_ascii=False))
    else:
        print_scorecard(found)
    if report:
        write(report, model, server, asked, every or 1, found)


def _own_server(model: str, config: Path) -> OwnServer:
    """The server of a model of models.yaml, whose files are there; raises GatewayError."""
    from gateway.cli.evaluate.servers import own_server
    from gateway.cli.files.shown_download import fetch_entry_shown

    server = own_server(model, config)
    fetch_entry_shown(server.entry, server.config.folder)
    return server
