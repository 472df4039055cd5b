from __future__ import annotations

from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from gateway.cluster.routing.blocks import MAX_BLOCKS, MAX_BYTES, blocks

Pieces = list[bytes]
PIECE = st.text("abc", max_size=1500).map(str.encode)
PIECES = st.lists(PIECE, max_size=12)


def ends(pieces: Pieces) -> list[int]:
    """Where each piece ends, with the byte that ends it."""
    return [*accumulate(len(piece) + 1 for piece in pieces)]


@given(PIECES, PIECES, PIECES)
def test_equal_beginnings_have_equal_blocks(shared: Pieces, one: Pieces, other: Pieces) -> None:
    first, second = blocks("m", shared + one), blocks("m", shared + other)
    common = sum(end <= sum(len(p) + 1 for p in shared) for end in first.ends)
    assert first.hashes[:common] == second.hashes[:common]
    assert first.ends[:common] == second.ends[:common]


@given(PIECES, PIECES)
def test_equal_hashes_are_of_equal_beginnings(one: Pieces, other: Pieces) -> None:
    first, second = blocks("m", one), blocks("m", other)
    texts = [b"".join(piece + b"\0" for piece in pieces) for pieces in (one, other)]
    for hash, end in zip(first.hashes, first.ends, strict=True):
        if hash in second.hashes:
            assert second.ends[second.hashes.index(hash)] == end
            assert texts[0][:end] == texts[1][:end]


@given(PIECES, PIECE, PIECES)
def test_a_change_changes_all_blocks_from_there_on(
    before: Pieces, changed: bytes, after: Pieces
) -> None:
    first = blocks("m", [*before, changed, *after])
    second = blocks("m", [*before, changed + b"!", *after])
    at = len(b"".join(before)) + len(before) + len(changed)
    later = {hash for hash, end in zip(first.hashes, first.ends, strict=True) if end > at}
    assert not later & {*second.hashes}


def test_a_short_conversation_has_a_block_for_each_message() -> None:
    messages = [b"You are terse.", b"Hello, who are you?", b"A model."]
    assert [*blocks("m", messages).ends] == ends(messages)


def test_a_message_follows_all_blocks_before_it() -> None:
    before = [b"a" * 700, b"b" * 90]
    assert blocks("m", [*before, b"more"]).hashes[:3] == blocks("m", before).hashes


def test_the_name_is_part_of_each_block() -> None:
    assert not {*blocks("m", [b"a" * 4000]).hashes} & {*blocks("n", [b"a" * 4000]).hashes}


def test_where_a_piece_ends_is_part_of_the_text() -> None:
    assert blocks("m", [b"ab", b"c"]).hashes[-1] != blocks("m", [b"a", b"bc"]).hashes[-1]


def test_blocks_of_long_texts_are_few() -> None:
    whole = blocks("m", [b"a" * 10_000_000])
    assert whole.ends[-1] > MAX_BYTES * 15 / 16
    assert len(whole.hashes) < 100
    assert len(blocks("m", [b"a"] * 1_000_000).hashes) <= MAX_BLOCKS
