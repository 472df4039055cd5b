"""Public reports of answers that were read wrongly, where they are available."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.inspect.records import replayed

REPORTS = Path(__file__).parents[4] / "shared" / "cases" / "public-reports.jsonl"


def reports() -> list[dict[str, Any]]:
    lines = REPORTS.read_text().splitlines() if REPORTS.exists() else []
    return [report for line in lines if (report := json.loads(line))["how"] == "parse"]


@pytest.mark.parametrize("report", reports(), ids=lambda report: report["id"])
@pytest.mark.parametrize("chunk", [0, 1, 5])
def test_a_reported_answer_is_read_as_it_was_meant(report: dict[str, Any], chunk: int) -> None:
    record = report["input"] | {"chunk": chunk}
    message, expected = replayed(json.dumps(record).encode()), report["expected"]
    calls = [[call["name"], json.loads(call["arguments"])] for call in message["tool_calls"]]
    assert calls == expected["calls"]
    assert message["content"] == expected["content"]
    assert message["reasoning_content"] == expected.get("reasoning", message["reasoning_content"])
