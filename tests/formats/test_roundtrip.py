"""L1: an encoded turn decodes to itself, however it is split."""

from __future__ import annotations

from ast import literal_eval

from hypothesis import given
from hypothesis import strategies as st

from gateway.chat.events import NoteKind, collect
from gateway.formats.encode import encode
from gateway.formats.format import AsJson, Format, Tagged
from gateway.parsing.decoder import Decoder
from tests.formats.roundtrip import EVERY_FORMAT, canonical, read
from tests.formats.strategies import LAW, cuts, scenes


@EVERY_FORMAT
@LAW
@given(data=st.data())
def test_an_encoded_turn_decodes_to_itself_however_it_is_split(
    format: Format, data: st.DataObject
) -> None:
    tools, turn = data.draw(scenes(format))
    pieces = data.draw(cuts(encode(format, turn)))
    whole_calls, strict = data.draw(st.booleans()), data.draw(st.booleans())
    assert canonical(
        read(format, tools, pieces, whole_calls=whole_calls, strict=strict)
    ) == canonical(turn)


@EVERY_FORMAT
@LAW
@given(data=st.data())
def test_a_decoder_for_any_tool_reads_every_call_in_json(
    format: Format, data: st.DataObject
) -> None:
    _, turn = data.draw(scenes(format))
    if isinstance(format.arguments, AsJson):
        pieces = data.draw(cuts(encode(format, turn)))
        assert canonical(read(format, None, pieces)) == canonical(turn)


@EVERY_FORMAT
@LAW
@given(data=st.data())
def test_any_text_decodes_the_same_however_it_is_split(format: Format, data: st.DataObject) -> None:
    tools, turn = data.draw(scenes(format))
    text = encode(format, turn)
    at, extra = data.draw(st.integers(0, len(text))), data.draw(st.sampled_from(MISTAKES))
    wrong = text[:at] + extra + text[data.draw(st.integers(at, len(text))) :]
    # Half a call is only sent where a grammar keeps it from going wrong.
    whole_calls = data.draw(st.booleans()) or not isinstance(format.arguments, AsJson | Tagged)
    first = read(format, tools, [wrong], whole_calls=whole_calls, strict=False)
    assert canonical(
        read(format, tools, list(wrong), whole_calls=whole_calls, strict=False)
    ) == canonical(first)


@EVERY_FORMAT
@LAW
@given(data=st.data())
def test_no_text_of_a_truncated_turn_is_lost(format: Format, data: st.DataObject) -> None:
    tools, turn = data.draw(scenes(format))
    text = encode(format, turn)
    cut = text[: data.draw(st.integers(0, len(text)))]
    decoder = Decoder(format, tools, whole_calls=True)
    got = collect([*decoder.feed(cut), *decoder.close(complete=False)])
    cut_off = [note.text for note in decoder.notes if note.kind is NoteKind.TRUNCATED]
    kept = [literal_eval(text.partition(": ")[2]) for text in cut_off]
    if not got.calls and not got.reasoning and not format.think and not format.content[0]:
        assert "".join((got.text + "".join(kept)).split()) == "".join(cut.split())


MISTAKES = [
    "",
    " ",
    "\n",
    "<tool_call>",
    "</tool_call>",
    "[TOOL_CALLS]",
    '"',
    "}",
    "NaN",
    " " * 300,
]
