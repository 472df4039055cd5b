"""A draft releases text at once and calls at the end; `call_opening` is the start of a call."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.chat.events import Reasoning, Text
from gateway.chat.messages import Call, Tool, Turn
from gateway.chat.request import Request, ToolChoice
from gateway.formats.encode import encode
from gateway.formats.families import FAMILIES
from gateway.generate.required_call import call_opening
from gateway.generate.validate import Draft
from gateway.parsing.decoder import Decoder

TOOL = Tool("f", "", {"type": "object", "properties": {"k": {"type": "string"}}})
ASKED = Request("m", (), (TOOL,), ToolChoice(("f",)))
CALL = Call("f", {"k": "v"}, "a1b2c3d4e")


def cut(text: str, at: list[int]) -> list[str]:
    ends = sorted({min(end, len(text)) for end in at} | {0, len(text)})
    return [text[a:b] for a, b in pairwise(ends)]


@pytest.mark.parametrize("name", FAMILIES)
@given(at=st.lists(st.integers(0, 300), max_size=20))
def test_call_of_any_format_is_withheld_and_valid(name: str, at: list[int]) -> None:
    format = FAMILIES[name]
    text = encode(format, Turn("I look." if not format.calls_exclude_text else "", "", (CALL,)))
    draft = Draft(ASKED, format, "")
    free = "".join(map(draft.feed, cut(text, at)))
    assert free + draft.withheld == text
    assert format.trigger not in free
    assert draft.fault("stop") is None


@given(at=st.lists(st.integers(0, 200), max_size=20))
def test_released_text_decodes_completely(at: list[int]) -> None:
    text = "<think>\nHm </th \n</think>\n\nI look <thi \n <tool_call>\n{}</tool_call> "
    draft = Draft(ASKED, FAMILIES["qwen3"], "")
    free = "".join(map(draft.feed, cut(text, at)))
    told = Decoder(FAMILIES["qwen3"], [TOOL], whole_calls=True).feed(free)
    rest = Decoder(FAMILIES["qwen3"])
    rest.feed(free)
    told += [*rest.feed(draft.withheld), *rest.close()]
    assert "".join(e.text for e in told if isinstance(e, Reasoning)) == "Hm </th "[:-1]
    said = "".join(e.text for e in told if isinstance(e, Text))
    assert said == "I look <thi \n <tool_call>\n{}</tool_call> "


def test_call_marker_in_a_thought_is_no_call() -> None:
    draft = Draft(ASKED, FAMILIES["qwen3"], "")
    draft.feed("<think>\nShall I write <tool_call>? No.\n</think>\n\nHello.")
    assert draft.fault("stop") is None


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("names", [["f"], ["f", "g"]])
def test_call_opening_is_a_prefix_of_a_call(name: str, names: list[str]) -> None:
    text = encode(FAMILIES[name], Turn("", "", (CALL,)))
    begins = call_opening(FAMILIES[name], names, "")
    spoken = text.strip().removeprefix(FAMILIES[name].empty_think.strip())
    assert spoken.lstrip().startswith(begins.lstrip())


def test_call_opening_is_empty_in_a_thought() -> None:
    assert call_opening(FAMILIES["qwen3"], ["f"], "<think>\n") == ""
