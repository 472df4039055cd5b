"""Parsing time per delta of an argument of 1 MB, in deltas of 8 characters."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

from gateway.chat.events import collect
from gateway.chat.messages import Call, Tool, Turn
from gateway.formats.encode import encode
from gateway.formats.families import GEMMA4, HERMES, LFM2, LLAMA3, MINIMAX_M3, MISTRAL, QWEN_CODER
from gateway.formats.format import Format
from gateway.parsing.decoder import Decoder

TITLE = "Parsing an argument of 1 MB from a stream"
CHARACTERS = 2**20
CHUNK = 8
ROUNDS = 3
TOOL = Tool("f", "", {"type": "object", "properties": {"a": {"type": "string"}}})
FORMATS = (
    HERMES,
    LLAMA3,
    MISTRAL,
    QWEN_CODER,
    GEMMA4,
    LFM2,
    MINIMAX_M3,
)  # every notation of arguments

Row = tuple[str, str, str]


def rows() -> Iterator[Row]:
    """Microseconds per delta, and the ratio to an argument of a sixteenth of the length."""
    yield ("", "measured", "ratio to 64 kB")
    for format in FORMATS:
        for whole_calls in (False, True):
            long_us, short_us = (
                statistics.median(_chunk_us(format, length, whole_calls) for _ in range(ROUNDS))
                for length in (CHARACTERS, CHARACTERS // 16)
            )
            mode = "whole calls" if whole_calls else "incremental"
            yield (
                f"1 MB in {format.name}, {mode}, microseconds per delta of {CHUNK}",
                f"{long_us:.1f}",
                f"{long_us / short_us:.2f}",
            )


def _chunk_us(format: Format, length: int, whole_calls: bool) -> float:
    call = Call("f", {"a": ("some text, <b>\n" * (length // 15))[:length]}, "abcdefghi")
    text = encode(format, Turn(calls=(call,)))
    decoder, events = Decoder(format, [TOOL], whole_calls=whole_calls), []
    began = time.perf_counter()
    for start in range(0, len(text), CHUNK):
        events += decoder.feed(text[start : start + CHUNK])
    events += decoder.close()
    seconds = time.perf_counter() - began
    assert collect(events).calls[0].arguments == call.arguments
    return seconds * 1e6 / (len(text) / CHUNK)


if __name__ == "__main__":
    for row in rows():
        print("{:<60} {:>10} {:>8}".format(*row))
