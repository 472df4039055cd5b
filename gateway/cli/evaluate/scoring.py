"""Runs a suite, with a line for each case on standard error."""

from __future__ import annotations

import sys

from gateway.cli.evaluate.servers import Server
from gateway.evaluation.answer_file import AnswerFile
from gateway.evaluation.client import ChatClient
from gateway.evaluation.run import Outcome, Suite, run


async def outcomes(
    server: Server, model: str, suite: Suite, kept: AnswerFile, max_tokens: int | None = None
) -> list[Outcome]:
    """The outcomes of the cases, in their order; raises GatewayError if none can succeed."""
    found: list[Outcome] = []
    async with server.connect() as http:
        async for outcome in run(ChatClient(http, model, max_tokens), suite, kept):
            found.append(outcome)
            print(f"{len(found)}/{len(suite.cases)} {_line(outcome)}", file=sys.stderr, flush=True)
    return found


def _line(outcome: Outcome) -> str:
    case, answer = outcome.case, outcome.answer
    verdict = ", ".join(outcome.causes) or "right"
    detail = f" ({answer.error})" if answer.error else ""
    return f"{case.id} {case.kind}: {verdict}{detail}, {answer.seconds:.1f} s"
