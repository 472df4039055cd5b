from __future__ import annotations

from typing import get_args

import msgspec
import pytest

from gateway.chat.events import Logprob
from gateway.chat.request import Sampling
from gateway.engine.engine import EngineInfo, EngineStats, SpecialToken
from gateway.engine.generation import (
    Accepted,
    CacheMiss,
    Delta,
    Embeddings,
    Generation,
    Interruption,
    Tokens,
)
from gateway.engine.options import EngineOptions, Options
from gateway.engine.protocol import (
    LENGTH,
    Cancel,
    Detokenize,
    Embed,
    Failed,
    FromWorker,
    Generate,
    LoadFailed,
    Loading,
    Pieces,
    PromptTooLong,
    Rejected,
    Reply,
    Result,
    Tokenize,
    ToWorker,
    pack,
    unpack_from_worker,
    unpack_to_worker,
)

TO_WORKER: list[ToWorker] = [
    EngineOptions("/models/é.gguf", 4096, gpu_layers=-1, threads=4, vocabulary_only=True),
    Generate(
        1, Generation(["<tool>", 2, ""], Sampling(seed=7), "start: /a/", 5, 3, fast_forward=False)
    ),
    Generate(2, Generation([], Sampling())),
    Generate(
        3,
        Generation(
            ["a"], Sampling(), interruption=Interruption(9, ["<a>"], ["</a>"], ["\n", 5], True)
        ),
    ),
    EngineOptions(
        "a", 512, llama=Options(device=(), override_kv={"a": 1.0, "b": 1}), lora=(("b", 0.5),)
    ),
    Embed(4, [["a", 2], []]),
    Tokenize(5, ["a", 2], add_special=False),
    Detokenize(6, [3, 0]),
    Cancel(1),
]
ODDS = Logprob("é", [195, 169], -0.5, (Logprob("\N{REPLACEMENT CHARACTER}", [255], -2.0),))
FROM_WORKER: list[FromWorker] = [
    EngineInfo(512, 2048, "a model", [SpecialToken(2, "<|end|>", True)], "<s>", "</s>", {"a": "b"}),
    Loading(0.5),
    LoadFailed("there is no file"),
    LoadFailed("there is no memory", is_transient=True),
    Reply(1, Accepted(10)),
    Reply(1, PromptTooLong(600, 512)),
    Reply(1, Rejected("unknown name", "unsupported_schema")),
    Reply(1, Failed("too complex")),
    Reply(1, Embeddings([b"\0\0\x80?", b""], 9)),
    Reply(1, Tokens([3, 0], 1)),
    Reply(1, Pieces([b"a", b"\xff"])),
    EngineStats(2, 1, 300, 4, 12.5, 50, 80, 3, 0.25),
    Reply(1, Delta("né\0", 2, 3, "stop", (ODDS,), True, CacheMiss(4, "a", "b"), 1)),
]


def test_messages_to_the_worker_survive_the_pipe() -> None:
    assert {type(message) for message in TO_WORKER} == set(get_args(ToWorker))
    assert unpack_to_worker(pack(TO_WORKER)[LENGTH.size :]) == TO_WORKER


def test_messages_from_the_worker_survive_the_pipe() -> None:
    assert {type(message) for message in FROM_WORKER} == set(get_args(FromWorker))
    values = {type(message.value) for message in FROM_WORKER if isinstance(message, Reply)}
    assert values == set(get_args(Result))
    assert unpack_from_worker(pack(FROM_WORKER)[LENGTH.size :]) == FROM_WORKER


def test_a_frame_begins_with_its_length() -> None:
    frame = pack([Cancel(1)])
    assert LENGTH.unpack(frame[: LENGTH.size]) == (len(frame) - LENGTH.size,)


def test_a_message_to_a_worker_is_rejected_from_a_worker() -> None:
    with pytest.raises(msgspec.ValidationError):
        unpack_from_worker(pack([Cancel(1)])[LENGTH.size :])


def test_the_digest_is_equal_for_options_with_the_same_kv_cache() -> None:
    start = EngineOptions("a", 512, llama=Options(override_kv={"a": 1, "b": 2}))
    same = EngineOptions("a", 512, threads=3, llama=Options(override_kv={"b": 2, "a": 1}))
    assert start.digest == same.digest
    others = [
        EngineOptions("b", 512, llama=start.llama),
        EngineOptions("a", 512, llama=Options(cache_type_k="q8_0")),
        EngineOptions("a", 512, llama=start.llama, lora=(("c", 0.5),)),
    ]
    assert len({start.digest, *(other.digest for other in others)}) == 4
