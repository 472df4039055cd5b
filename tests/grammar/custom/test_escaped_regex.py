"""A translated regex matches what the regex itself matches, as it is written with escapes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.formats import literals
from gateway.grammar.bare_string import in_slashes
from gateway.grammar.bounds import fault, matches
from gateway.grammar.custom.escaped_regex import JSON_ESCAPES, PYTHON_ESCAPES, escaped_regex
from gateway.grammar.custom.lark_nodes import LarkSyntaxError
from tests.depth import pick

ATOMS = st.sampled_from(
    [
        *("a", "B", "n", "é", "/", '"', "'", r"\\", r"\n", r"\t", r"\"", r"\/", r"\.", "."),
        *(r"\d", r"\w", r"\s", r"\S", r"\x22", r"\u{5C}", r"\p{L}", "(?s:.)", "(?i:b)"),
        *(
            "[ab]",
            '[^"]',
            r"[^\n]",
            r"[\\/]",
            "[]a]",
            "[^]a]",
            r"[a-z&&[^n]]",
            r"[\s\"]",
            "[[:alpha:]]",
        ),
    ]
)
REGEXES = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda ways: f"(?:{'|'.join(ways)})"),
        st.tuples(inner, st.sampled_from("*+?")).map(lambda one: f"(?:{one[0]}){one[1]}"),
        inner.map(lambda one: f"(?:{one}){{1,2}}"),
    ),
    max_leaves=5,
)
TEXTS = st.text("aBbné/\"'\\\n\t .1", max_size=5)


@given(REGEXES, st.lists(TEXTS, min_size=1, max_size=4), st.sampled_from(["", "i", "s"]))
@settings(max_examples=pick(fast=150, deep=3000), deadline=None)
def test_translation_matches_the_same_texts(regex: str, texts: list[str], flags: str) -> None:
    plain = f"start: /{in_slashes(regex)}/{flags}"
    as_json = f"start: /{in_slashes(escaped_regex(regex, flags, JSON_ESCAPES))}/"
    as_python = f"start: /{in_slashes(escaped_regex(regex, flags, PYTHON_ESCAPES))}/"
    assert not fault(plain) + fault(as_json) + fault(as_python)
    for text in texts:
        expected = matches(plain, text)
        assert matches(as_json, json.dumps(text, ensure_ascii=False)[1:-1]) is expected
        assert matches(as_python, literals.escape(text)) is expected


@pytest.mark.parametrize("regex", [r"a\b", "(?x)a b", "(?=a)", "[a"])
def test_what_cannot_be_translated_is_an_error(regex: str) -> None:
    with pytest.raises(LarkSyntaxError):
        escaped_regex(regex, "", JSON_ESCAPES)


def test_flag_for_free_spacing_is_an_error() -> None:
    with pytest.raises(LarkSyntaxError):
        escaped_regex("a b", "x", JSON_ESCAPES)
