"""Whatever history a client may send, every chat template writes all that was said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.api.openai.chat_body import read
from gateway.api.openai.chat_request import to_request
from gateway.chat.json import Json, Object
from gateway.chat.request import Request, Sampling
from gateway.formats.families import FAMILIES
from gateway.prompt.template import Template, Vocabulary
from tests.depth import pick
from tests.fakes import REPO
from tests.formats.officials import FAMILY_OF, OFFICIAL, OTHERS
from tests.prompt.shipped import FORMATS
from tests.tolerated import SCHEMAS, SHAPES, TOOLS

PATHS = [*sorted((REPO / "templates").glob("*.jinja")), *sorted(OFFICIAL.rglob("*.jinja"))]


def asked(messages: list[Object], tools: Json) -> Request:
    body: Object = {"model": "m", "messages": list(messages), "tools": tools}
    return to_request(read(json.dumps(body).encode()), Sampling())


def template(path: Path) -> Template:
    if path.is_relative_to(OFFICIAL):
        name = str(path.relative_to(OFFICIAL).with_suffix(""))
        family = OTHERS[name][0] if name in OTHERS else FAMILY_OF[name]
    else:
        family = FORMATS[path.stem]
    return Template(
        path.read_text(encoding="utf-8"), FAMILIES[family], Vocabulary("<s>", "</s>", {})
    )


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_all_that_was_said_is_in_the_prompt(path: Path) -> None:
    """With the vendors' own templates where they are at hand; they are no part of the project."""
    made = template(path)
    lost = []
    stride = pick(fast=3, deep=1)
    for title in [*SHAPES][PATHS.index(path) % stride :: stride]:
        messages, words = SHAPES[title]
        text = made.render(asked(messages, None)).text
        lost += [(title, word) for word in words.split() if word not in text]
        if made.shows_tools:
            text = made.render(asked(messages, TOOLS)).text
            shown = [*words.split(), "get_weather", "now", "ping"]
            lost += [(f"{title}, with tools", word) for word in shown if word not in text]
    assert not lost


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_tool_with_a_parameter_of_any_schema_is_in_the_prompt(path: Path) -> None:
    made = template(path)
    if not made.shows_tools:
        return
    for schema in SCHEMAS:
        parameters: Object = {"type": "object", "properties": {"x": schema}, "required": ["x"]}
        tools: Json = [{"type": "function", "function": {"name": "f_x", "parameters": parameters}}]
        text = made.render(asked([{"role": "user", "content": "Hello"}], tools)).text
        assert "f_x" in text
        assert "built-in method" not in text
