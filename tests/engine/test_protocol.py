from __future__ import annotations

from typing import get_args

import msgspec
import pytest

from gateway.chat.events import Logprob
from gateway.chat.request import Sampling
from gateway.engine.options import Options
from gateway.engine.protocol import (
    LENGTH,
    Accepted,
    Broken,
    Cancel,
    Embed,
    Embedded,
    Failed,
    FromWorker,
    Generate,
    Interruption,
    Piece,
    Ready,
    Refused,
    Special,
    Start,
    Stats,
    TooLong,
    ToWorker,
    pack,
    unpack_from_worker,
    unpack_to_worker,
)

TO_WORKER: list[ToWorker] = [
    Start("/models/é.gguf", 4096, gpu_layers=-1, threads=4, vocabulary_only=True),
    Generate(1, ["<tool>", 2, ""], Sampling(seed=7), "start: /a/", 5, 3, fast_forward=False),
    Generate(2, [], Sampling()),
    Generate(
        3, ["a"], Sampling(), interruption=Interruption(9, ["<a>"], ["</a>"], ["\n", 5], True)
    ),
    Start("a", 512, options=Options(device=(), override_kv={"a": 1.0, "b": 1}), lora=(("b", 0.5),)),
    Embed(4, [["a", 2], []]),
    Cancel(1),
]
ODDS = Logprob("é", [195, 169], -0.5, (Logprob("\N{REPLACEMENT CHARACTER}", [255], -2.0),))
FROM_WORKER: list[FromWorker] = [
    Ready(512, 2048, "a model", [Special(2, "<|end|>", True)], "<s>", "</s>", {"a": "b"}),
    Failed("there is no file"),
    Accepted(1, 10),
    TooLong(1, 600, 512),
    Refused(1, "unknown name", "unsupported_schema"),
    Broken(1, "too complex"),
    Embedded(1, [b"\0\0\x80?", b""], 9),
    Stats(2, 1, 300, 4, 12.5, 50, 80, 3, 0.25),
    Piece(1, "né\0", 2, 3, "stop", [ODDS], was_interrupted=True),
]


def test_what_the_worker_is_told_arrives_as_it_was_sent() -> None:
    assert {type(message) for message in TO_WORKER} == set(get_args(ToWorker))
    assert unpack_to_worker(pack(TO_WORKER)[LENGTH.size :]) == TO_WORKER


def test_what_the_worker_posts_arrives_as_it_was_sent() -> None:
    assert {type(message) for message in FROM_WORKER} == set(get_args(FromWorker))
    assert unpack_from_worker(pack(FROM_WORKER)[LENGTH.size :]) == FROM_WORKER


def test_a_frame_begins_with_its_length() -> None:
    frame = pack([Cancel(1)])
    assert LENGTH.unpack(frame[: LENGTH.size]) == (len(frame) - LENGTH.size,)


def test_a_worker_can_not_tell_another_what_to_do() -> None:
    with pytest.raises(msgspec.ValidationError):
        unpack_from_worker(pack([Cancel(1)])[LENGTH.size :])


def test_what_is_kept_for_one_start_serves_another_that_reads_alike() -> None:
    start = Start("a", 512, options=Options(override_kv={"a": 1, "b": 2}))
    same = Start("a", 512, threads=3, options=Options(override_kv={"b": 2, "a": 1}))
    assert start.digest == same.digest
    others = [
        Start("b", 512, options=start.options),
        Start("a", 512, options=Options(cache_type_k="q8_0")),
        Start("a", 512, options=start.options, lora=(("c", 0.5),)),
    ]
    assert len({start.digest, *(other.digest for other in others)}) == 4
