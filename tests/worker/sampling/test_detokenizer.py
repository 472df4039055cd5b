from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.worker.sampling.detokenizer import Detokenizer


def streamed(data: bytes, cuts: list[int]) -> list[str]:
    stream = Detokenizer()
    ends = [*sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    pieces = [stream.feed(data[a:b]) for a, b in zip([0, *ends], ends, strict=False)]
    return [*pieces, stream.close()]


@given(st.text(), st.lists(st.integers(0, 1000)))
def test_text_comes_whole_wherever_its_bytes_are_cut(text: str, cuts: list[int]) -> None:
    data = text.encode(errors="replace")
    pieces = streamed(data, cuts)
    assert "".join(pieces) == data.decode()
    assert pieces[-1] == ""


@given(st.binary(), st.lists(st.integers(0, 1000)))
def test_bytes_that_are_no_text_are_replaced_wherever_they_are_cut(
    data: bytes, cuts: list[int]
) -> None:
    assert "".join(streamed(data, cuts)) == data.decode(errors="replace")


def test_a_character_goes_out_with_its_last_byte() -> None:
    stream = Detokenizer()
    assert [stream.feed(bytes([byte])) for byte in "a€b".encode()] == ["a", "", "", "€", "b"]


def test_it_tells_whether_a_character_is_begun() -> None:
    stream, seen = Detokenizer(), []
    for byte in "a€b".encode():
        stream.feed(bytes([byte]))
        seen.append(stream.is_between_characters)
    assert seen == [True, False, False, True, True]


def test_an_unfinished_character_is_replaced_at_the_end() -> None:
    stream = Detokenizer()
    assert stream.feed("ab€".encode()[:-1]) == "ab"
    assert stream.close() == "\N{REPLACEMENT CHARACTER}"


def test_a_stray_byte_is_replaced_where_it_stands() -> None:
    assert Detokenizer().feed(b"a\xffb") == "a\N{REPLACEMENT CHARACTER}b"
