"""Patterns mean in the grammar what they mean in JSON Schema."""

from __future__ import annotations

import pytest

from gateway.chat.json import Object
from gateway.grammar.bare_string import Bare
from gateway.grammar.json_schema.rust_regex import to_rust
from gateway.schema.validate import is_valid
from tests.formats.vocabulary import Vocabulary

WORDS = Vocabulary()
TEXTS = [
    "a1_",
    "é",
    "٣",
    "7",
    " ",
    "\u00a0",
    "\ufeff",
    "\u0085",
    "-",
    "z",
    "_",
    "[",
    "]",
    "&&",
    "/",
]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize(
    "pattern",
    [
        *(r"^\d$", r"^\D$", r"^\w+$", r"^\W$", r"^\s$", r"^\S+$", r"^[\w.-]+$", r"^[^\d]$"),
        *(r"^[\s\d]$", r"^[^\w\s]+$", r"^[\W]$", r"^[[&]+$", r"^\p{L}$", r"^a/?$", r"\d"),
    ],
)
def test_a_pattern_admits_what_is_valid_under_it(pattern: str, text: str) -> None:
    schema: Object = {"type": "string", "pattern": to_rust(pattern)}
    grammar = f"start: TEXT\nTEXT: {Bare({}, '').expression(schema)}"
    expected = is_valid({"type": "string", "pattern": pattern}, text)
    assert WORDS.admits(grammar, [*text.encode()]) is expected
