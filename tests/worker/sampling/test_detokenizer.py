from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.worker.sampling.detokenizer import Detokenizer


def streamed(data: bytes, cuts: list[int]) -> list[str]:
    detokenizer = Detokenizer()
    ends = [*sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    pieces = [detokenizer.feed(data[a:b]) for a, b in zip([0, *ends], ends, strict=False)]
    return [*pieces, detokenizer.close()]


@given(st.text(), st.lists(st.integers(0, 1000)))
def test_text_is_complete_wherever_its_bytes_are_cut(text: str, cuts: list[int]) -> None:
    data = text.encode(errors="replace")
    pieces = streamed(data, cuts)
    assert "".join(pieces) == data.decode()
    assert pieces[-1] == ""


@given(st.binary(), st.lists(st.integers(0, 1000)))
def test_invalid_bytes_are_replaced_wherever_they_are_cut(data: bytes, cuts: list[int]) -> None:
    assert "".join(streamed(data, cuts)) == data.decode(errors="replace")


def test_a_character_is_returned_with_its_last_byte() -> None:
    detokenizer = Detokenizer()
    assert [detokenizer.feed(bytes([byte])) for byte in "a€b".encode()] == ["a", "", "", "€", "b"]


def test_is_between_characters_is_false_within_a_character() -> None:
    detokenizer, seen = Detokenizer(), []
    for byte in "a€b".encode():
        detokenizer.feed(bytes([byte]))
        seen.append(detokenizer.is_between_characters)
    assert seen == [True, False, False, True, True]


def test_an_incomplete_character_is_replaced_at_the_end() -> None:
    detokenizer = Detokenizer()
    assert detokenizer.feed("ab€".encode()[:-1]) == "ab"
    assert detokenizer.close() == "\N{REPLACEMENT CHARACTER}"


def test_a_stray_byte_is_replaced_in_its_place() -> None:
    assert Detokenizer().feed(b"a\xffb") == "a\N{REPLACEMENT CHARACTER}b"
