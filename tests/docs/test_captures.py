"""docs/captures.md describes each field of a capture, and no other."""

from __future__ import annotations

import re
from typing import Any

from tests.docs.test_docs import DOCS
from tests.fakes import TOOLS, call, chat, gateway, scripted

FIELDS = (DOCS / "captures.md").read_text().partition("\n## Fields\n")[2].partition("\n## ")[0]
OF_CAPTURE, OF_ATTEMPT = FIELDS.split("\nAn attempt has:\n")


def listed(table: str) -> set[str]:
    """The names in the first column of a table."""
    cells = re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


async def test_each_field_is_described() -> None:
    async with gateway(scripted(call("get_time", {})), {"playground": True}) as client:
        answer = await client.post("/chat/completions", json=chat(tools=TOOLS))
        id = answer.headers["x-request-id"]
        found: dict[str, Any] = (await client.get(f"http://gateway/captures/{id}")).json()
    assert listed(OF_CAPTURE) == {*found}
    assert listed(OF_ATTEMPT) == {*found["attempts"][0]}
    named = {*re.findall(r"`(\w+)`", FIELDS)}
    for part in (found["timings"], found["attempts"][0]["tokens"][0], found["response"]):
        assert {*part} <= named
