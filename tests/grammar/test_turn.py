"""L2 and L3: a model can write every turn, and no call that is not one."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, reject
from hypothesis import strategies as st

from gateway.chat.events import collect
from gateway.chat.messages import Call, Tool, Turn
from gateway.formats.encode import encode
from gateway.formats.families import FAMILIES
from gateway.formats.format import Format
from gateway.grammar.turn import grammar
from gateway.parsing.decoder import Decoder
from tests.formats.roundtrip import EVERY_FORMAT, canonical, read
from tests.formats.strategies import (
    LAW,
    closes_text,
    every_value,
    is_valid,
    scenes,
    toolsets,
    without_ids,
)
from tests.formats.vocabulary import THINKING, LongWalk, vocabulary, words

WATCHED = [
    format
    for format in FAMILIES.values()
    if not format.content[0] and [format.trigger] == [*words(format.trigger)]
]


@EVERY_FORMAT
@LAW
@given(data=st.data(), is_special=st.booleans())
def test_the_grammar_admits_every_turn(
    format: Format, data: st.DataObject, is_special: bool
) -> None:
    tools, turn = data.draw(scenes(format))
    parallel = len(turn.calls) > 1 or data.draw(st.booleans())
    words = vocabulary(format, special=is_special)
    json_calls = data.draw(st.booleans())
    special = words.special
    lark = grammar(format, tools, parallel=parallel, json_calls=json_calls, special=special)
    assert words.admits(lark, words.tokenized(format, turn))


@EVERY_FORMAT
@LAW
@given(data=st.data(), is_special=st.booleans())
def test_the_grammar_of_a_required_call_admits_every_call(
    format: Format, data: st.DataObject, is_special: bool
) -> None:
    tools, turn = data.draw(scenes(format, min_calls=1))
    turn = Turn("", turn.reasoning, turn.calls)
    words = vocabulary(format, special=is_special)
    lark = grammar(format, tools, required=True, special=words.special)
    assert words.admits(lark, words.tokenized(format, turn))
    assert not words.admits(lark, words.tokenized(format, Turn("No.", turn.reasoning)))


@pytest.mark.parametrize("format", THINKING, ids=lambda format: format.name)
@LAW
@given(data=st.data())
def test_the_grammar_continues_reasoning_that_the_prompt_has_opened(
    format: Format, data: st.DataObject
) -> None:
    tools, turn = data.draw(scenes(format, thinks=True))
    assert format.think
    words = vocabulary(format, special=False)
    answer_prefix = format.think[0]
    lark = grammar(format, tools, answer_prefix=answer_prefix)
    assert words.admits(lark, encode(format, turn).removeprefix(answer_prefix).encode())


@EVERY_FORMAT
@LAW
@given(data=st.data(), required=st.booleans(), parallel=st.booleans(), is_special=st.booleans())
def test_whatever_the_grammar_admits_is_parsed_as_valid_calls(
    format: Format, data: st.DataObject, required: bool, parallel: bool, is_special: bool
) -> None:
    tools = data.draw(toolsets())
    texts = (text for tool in tools for text in every_value(tool.parameters))
    assume(not any(isinstance(text, str) and closes_text(format.arguments, text) for text in texts))
    words = vocabulary(format, special=is_special)
    lark = grammar(
        format,
        tools,
        required=required,
        parallel=parallel,
        json_calls=data.draw(st.booleans()),
        special=words.special,
    )
    try:
        text = words.walk(lark, data.draw(st.integers(0, 2**32)))
    except LongWalk:
        reject()
    turn = read(format, tools, [text])
    parameters = {tool.name: tool.parameters for tool in tools}
    assert all(is_valid(parameters[call.name], call.arguments) for call in turn.calls)
    assert turn.calls or not required
    assert len(turn.calls) < 2 or parallel
    decoder = Decoder(format, tools)
    tolerant = collect([*decoder.feed(text), *decoder.close()])
    # A marker that means nothing at the end of a text is left out by a tolerant reader alone.
    assume(not any(note.text.endswith("at the end of a text") for note in decoder.notes))
    assert canonical(tolerant) == canonical(turn)


@EVERY_FORMAT
@pytest.mark.parametrize("is_special", [False, True])
def test_names_that_differ_in_a_dash_are_distinct(format: Format, is_special: bool) -> None:
    words = vocabulary(format, special=is_special)
    tools = [Tool(name, "", {"type": "object", "properties": {}}) for name in ("a-b", "a_b")]
    said = [Turn(calls=(Call(tool.name, {}, "call00001"),)) for tool in tools]
    for offered in (tools[:1], tools[1:], tools):
        lark = grammar(format, offered, required=True, special=words.special)
        admitted = [words.admits(lark, words.tokenized(format, turn)) for turn in said]
        assert admitted == [tool in offered for tool in tools]


@pytest.mark.parametrize("format", WATCHED, ids=lambda format: format.name)
def test_a_marker_opens_a_call_as_a_special_token_and_as_text(format: Format) -> None:
    tools = [Tool("get_time", "", {"type": "object", "properties": {}})]
    words = vocabulary(format, special=True)
    lark = grammar(format, tools, special=words.special)
    for trigger in (list(format.trigger.encode()), [words.special[format.trigger]]):
        matcher = words.matcher(lark)
        assert matcher.consume_tokens([*b"So: ", *trigger])
        assert not matcher.is_accepting()
        assert not matcher.consume_tokens(list(b"just text"))


@pytest.mark.diagonal("format", "name")
@EVERY_FORMAT
@pytest.mark.parametrize("name", ["search", "selfie", "users", "allow", "functions", "name", "f"])
def test_a_name_may_begin_as_a_marker_does(format: Format, name: str) -> None:
    tools = [Tool(name, "", {"type": "object", "properties": {}}), Tool("get_time", "", {})]
    said = Turn(calls=(Call(name, {}, "abcdefghi"),))
    for special in (True, False):
        words = vocabulary(format, special=special)
        lark = grammar(format, tools, special=words.special)
        assert words.admits(lark, words.tokenized(format, said))
    assert without_ids(read(format, tools, [*encode(format, said)])) == without_ids(said)
