"""Literals are read back as they were written, and small deviations are repaired."""

from __future__ import annotations

import ast
import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.chat.json import Json, Object
from gateway.formats.format import Literals
from gateway.formats.literals import write
from gateway.parsing.moves import Malformed, Truncated
from tests.formats.strategies import KEYS, LAW, TEXTS, closes_text, cuts, every_value
from tests.parsing.arguments.literals import FUNCTION_GEMMA, GEMMA, PYTHON, read, reader
from tests.parsing.arguments.pieces import LONG, assert_looked_at_once

STYLES = {"gemma": GEMMA, "function_gemma": FUNCTION_GEMMA, "python": PYTHON}
EVERY_STYLE = pytest.mark.parametrize("style", STYLES.values(), ids=STYLES.keys())

NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda below: (
        st.lists(below, max_size=3).map(lambda found: [*found])
        | st.dictionaries(KEYS, below, max_size=3).map(lambda found: {**found})
    ),
    max_leaves=8,
)
MIXED: Object = {"a": True, "b": None, "c": {"k": None, "1": False}}
ARGUMENTS = st.dictionaries(KEYS, VALUES, max_size=4).map(lambda found: {**found})


def canonical(value: Json, style: Literals) -> str:
    """A value as text that distinguishes 1, 1.0 and true; sorted if the style sorts keys."""
    return json.dumps(value, sort_keys=style.sorts_keys)


@EVERY_STYLE
@pytest.mark.parametrize("strict", [True, False])
@LAW
@given(data=st.data(), found=ARGUMENTS)
def test_written_arguments_are_read_back_however_they_are_split(
    style: Literals, strict: bool, data: st.DataObject, found: Object
) -> None:
    texts = (text for text in every_value(found) if isinstance(text, str))
    assume(not any(closes_text(style, text) for text in texts))
    end = "}<tool_call|>" if style.sorts_keys else ")]"
    pieces = data.draw(cuts(write(found, style) + end))
    text, left = read(style, pieces, strict=strict)
    assert canonical(json.loads(text), style) == canonical(found, style)
    assert left == end


def test_gemma_quotes_strings_with_its_markers_and_sorts_keys() -> None:
    found: Object = {"n": None, "City": "Paris", "b c": 1.5e-05, "o": {"B": True, "a": [1, "t"]}}
    assert write(found, GEMMA) == (
        'b c:1.5e-05,City:<|"|>Paris<|"|>,n:null,o:{a:[1,<|"|>t<|"|>],B:true}'
    )


def test_python_literals_are_written_as_python_writes_them() -> None:
    found: Object = {"a": 1, "b": "it's\n\x00é\\", "c": {"x": [True, None]}, "d": []}
    assert write(found, PYTHON) == r"a=1, b='it\'s\n\x00é\\', c={'x': [True, None]}, d=[]"


@LAW
@given(found=ARGUMENTS)
def test_python_evaluates_the_literals_that_are_written(found: Object) -> None:
    written = write({"a": found}, PYTHON)
    assert canonical(ast.literal_eval(written.removeprefix("a=")), PYTHON) == canonical(
        found, PYTHON
    )


@LAW
@given(data=st.data(), found=ARGUMENTS)
def test_literals_that_python_writes_are_read(data: st.DataObject, found: Object) -> None:
    pieces = data.draw(cuts(f"a={found!r})"))
    assert canonical(json.loads(read(PYTHON, pieces)[0]), PYTHON) == canonical({"a": found}, PYTHON)


@pytest.mark.parametrize(
    ("style", "text", "expected"),
    [
        (GEMMA, "}", {}),
        (GEMMA, ' a : 1 , b : <|"|> x <|"|> }', {"a": 1, "b": " x "}),
        (GEMMA, 'a:{ <|"|>k<|"|> : [ 1 , 2 ] , }}', {"a": {"k": [1, 2]}}),
        (GEMMA, 'a:"b\\n",\n"c": true}', {"a": "b\n", "c": True}),
        (GEMMA, "Basic LLM Chain:{main:[[{}]]}}", {"Basic LLM Chain": {"main": [[{}]]}}),
        (GEMMA, 'a:<|"|><|"|<|"|>}', {"a": '<|"|'}),
        (PYTHON, ")", {}),
        (PYTHON, "a=1,b=2,)", {"a": 1, "b": 2}),
        (PYTHON, 'a = "it\'s" , b = (1, 2,) )', {"a": "it's", "b": [1, 2]}),
        (PYTHON, "a=true, b=null, c={'k':None, 1: False,})", MIXED),
        (PYTHON, r"a='\x41\u00e9\U0001f600\101\0\q\'\"\\')", {"a": "Aé😀A\0\\q'\"\\"}),
        (PYTHON, r"a='\ud83d\ude00')", {"a": "😀"}),
        (PYTHON, "a='one\\\n two')", {"a": "one two"}),
        (PYTHON, "a=[-3, +4, 1e-05, .5, 5., -.5e+3, 0])", {"a": [-3, 4, 1e-05, 0.5, 5, -500.0, 0]}),
    ],
)
def test_small_deviations_in_literals_are_repaired(
    style: Literals, text: str, expected: Object
) -> None:
    for pieces in ([text], list(text)):
        found, left = read(style, pieces)
        assert (json.loads(found), left) == (expected, text[-1])


@pytest.mark.parametrize(
    ("style", "text"),
    [
        (GEMMA, "a:}"),
        (GEMMA, "a:NaN}"),
        (GEMMA, "a:Paris}"),
        (GEMMA, "a:[1}"),
        (GEMMA, "a:{b:1]"),
        (GEMMA, "a}"),
        (PYTHON, "a=inf)"),
        (PYTHON, "a=nan)"),
        (PYTHON, "a=-)"),
        (PYTHON, "a=.)"),
        (PYTHON, "a=007)"),
        (PYTHON, "a=1_000)"),
        (PYTHON, "a=f(1))"),
        (PYTHON, "1, 2)"),
        (PYTHON, "'x')"),
        (PYTHON, "a='\\U00110000')"),
    ],
)
def test_text_that_is_no_literal_is_malformed(style: Literals, text: str) -> None:
    for pieces in ([text], list(text)):
        with pytest.raises(Malformed):
            read(style, pieces)


@pytest.mark.parametrize(
    ("style", "text"),
    [
        (GEMMA, "a:[1 ]}"),
        (GEMMA, "a: 1}"),
        (GEMMA, 'a:"x"}'),
        (GEMMA, "a:[1,]}"),
        (PYTHON, 'a="x")'),
        (PYTHON, "a=true)"),
        (PYTHON, "a=(1, 2))"),
        (PYTHON, "a={k: 1})"),
        (PYTHON, "a='\n')"),
        (PYTHON, "a=.5)"),
    ],
)
def test_a_strict_parser_rejects_deviations(style: Literals, text: str) -> None:
    with pytest.raises(Malformed):
        read(style, [text], strict=True)


@EVERY_STYLE
def test_literals_that_are_cut_off_are_truncated(style: Literals) -> None:
    buffer, arguments = reader(style)
    written = write({"city": "Paris"}, style)[:-1]
    buffer.add(written)
    buffer.close(complete=False)
    text = next(arguments)
    assert text
    assert text.startswith('{"city": "Paris')
    assert buffer.ahead != written
    with pytest.raises(Truncated):
        next(arguments)


@EVERY_STYLE
def test_a_long_string_is_scanned_once(style: Literals) -> None:
    written = write({"text": "<'\\| " * LONG}, style) + ")}"[style.sorts_keys]
    buffer, arguments = reader(style)
    assert_looked_at_once(arguments, buffer, written, growth=6)
