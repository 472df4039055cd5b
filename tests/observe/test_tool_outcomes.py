"""The calls of each tool are counted by outcome, under a bounded number of names."""

from __future__ import annotations

import pytest

from gateway.observe.tool_outcomes import OTHER, ToolNames
from tests.api.samples import scrape
from tests.fakes import TOOLS, Script, call, chat, gateway, scripted

TIME = call("get_time", {"city": "Rome"})
WEATHER = call("get_weather", {"city": "Rome"})
REPAIRED = (
    '<tool_call>\n{"name": "get_time", "arguments": "{\\"city\\": \\"Rome\\"}"}\n</tool_call>'
)
PLAIN = '{"name": "get_weather", "arguments": {"city": "Rome"}}'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello.", {}),
        (f"{TIME}\n{WEATHER}\n{TIME}", {"get_time called": 2, "get_weather called": 1}),
        (REPAIRED, {"get_time called": 1, "get_time repaired": 1}),
        (
            f"{WEATHER}\n{REPAIRED}",
            {"get_weather called": 1, "get_time called": 1, "get_time repaired": 1},
        ),
        (f"{TIME}\n</tool_call>", {"get_time called": 1, "get_time repaired": 1}),
        (PLAIN, {"get_weather called": 1, "get_weather repaired": 1}),
        (call("get_time", {"city": 7}), {"get_time called": 1, "get_time invalid": 1}),
        (call("get_rich", {}), {"other unknown": 1}),
        (TIME[:50], {}),
    ],
)
async def test_calls_are_counted_by_tool(text: str, expected: dict[str, int]) -> None:
    async with gateway(scripted(text)) as client:
        await client.post("/chat/completions", json=chat(tools=TOOLS))
        told = await scrape(client)
    for tool in ("get_time", "get_weather"):
        assert told.pop(f"tools_total{{model=m,outcome=offered,tool={tool}}}") == 1
    assert {name: count for name, count in told.items() if name.startswith("tools_total")} == {
        f"tools_total{{model=m,outcome={outcome},tool={tool}}}": count
        for (tool, outcome), count in ((key.split(), count) for key, count in expected.items())
    }


async def test_a_tool_that_may_not_be_called_is_not_offered() -> None:
    async with gateway(Script([scripted("Hi")])) as client:
        for choice in ("none", {"type": "function", "function": {"name": "get_time"}}):
            await client.post("/chat/completions", json=chat(tools=TOOLS, tool_choice=choice))
        told = await scrape(client)
    names = [name for name in told if name.startswith("tools_total")]
    assert names == ["tools_total{model=m,outcome=offered,tool=get_time}"]


def test_later_names_of_a_model_are_counted_together() -> None:
    names = ToolNames(max_tools=2)
    labels = [names.label("m", name) for name in ("a", "b", "c", "a", "")]
    assert labels == ["a", "b", OTHER, "a", OTHER]
    assert names.label("another", "c") == "c"
