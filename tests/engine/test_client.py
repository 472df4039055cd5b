"""The real worker process with the embedded model."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import aclosing
from itertools import combinations, product
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.chat.request import Sampling
from gateway.engine.client import Client
from gateway.engine.generation import Accepted, Delta, Generation
from gateway.engine.options import Options
from gateway.engine.watchdog import Vigil
from gateway.errors import BadRequest, ContextExceeded, EngineDied, ModelUnusable
from tests.likeliest import MOST, Odds, are_alike, odds
from tests.numerics import engine_options

pytestmark = pytest.mark.model

GREEDY = Sampling(temperature=0)
QUESTIONS = ("Name the capital of France.", "What is two plus two?")
BEGUN = ("The capital of", "I can't say how", "1, 2,")
ENDLESS = "start: /[a-z ]{100000}/"  # a model that is held to it does not come to an end


def say(text: str, most: int | None = 8, grammar: str = ENDLESS) -> Generation:
    prompt: list[str | int] = [1, f"user\n{text}", 2, "\n", 1, "assistant\n"]
    return Generation(prompt, GREEDY, grammar, most)


async def pieces(client: Client, asked: Generation) -> list[Delta]:
    async with aclosing(client.generate(asked)) as stream:
        return [piece async for piece in stream if isinstance(piece, Delta)]


async def text(client: Client, asked: Generation) -> str:
    return "".join(piece.text for piece in await pieces(client, asked))


# -- start and stop


async def test_a_worker_tells_what_it_loaded_and_stops_when_told(model_path: Path) -> None:
    client = await Client.start(engine_options(model_path, 512))
    assert (client.info.context, client.info.trained_context) == (512, 8192)
    assert client.is_alive
    await client.stop()
    assert not client.is_alive
    with pytest.raises(EngineDied, match="worker died"):
        await pieces(client, say("hi"))


async def test_a_vocabulary_alone_is_read_and_its_worker_ends(model_path: Path) -> None:
    client = await Client.start(engine_options(model_path, 512, vocabulary_only=True))
    assert "<|im_start|>" in client.info.chat_templates["default"]
    await client.stop()


@pytest.mark.parametrize(
    "options",
    [
        Options(cache_type_k="q8_0", cache_type_v="q8_0"),
        Options(ubatch_size=64),
        Options(flash_attn="off"),
        Options(mmap=False),
    ],
    ids=["quantised cache", "small batches", "no flash attention", "no map"],
)
async def test_the_same_is_answered_however_the_model_is_run(
    options: Options, client: Client, model_path: Path
) -> None:
    other = await Client.start(engine_options(model_path, 512, llama=options))
    asked = [
        msgspec.structs.replace(say(question), prompt=[*say(question).prompt, begun])
        for question, begun in product(QUESTIONS, BEGUN)
    ]
    found = [await likeliest(client, one) for one in asked]
    for one, there in zip(asked, found, strict=True):
        assert are_alike(await likeliest(other, one), there)
    assert not any(are_alike(one, another) for one, another in combinations(found, 2))
    await other.stop()


async def likeliest(client: Client, asked: Generation) -> Odds:
    first, *_ = await pieces(client, msgspec.structs.replace(asked, top_logprobs=MOST))
    return odds(first)


@pytest.mark.parametrize("content", ["missing", "empty", "truncated", "garbage"])
async def test_a_file_that_can_not_be_loaded_is_named_with_the_reason(
    content: str, tmp_path: Path, model_path: Path
) -> None:
    path = tmp_path / f"{content}.gguf"
    match content:
        case "empty":
            path.write_bytes(b"")
        case "truncated":
            with model_path.open("rb") as whole:
                path.write_bytes(whole.read(20_000_000))
        case "garbage":
            path.write_bytes(os.urandom(100_000))
    with pytest.raises(ModelUnusable) as caught:
        await Client.start(engine_options(path, 512))
    reason = {
        "missing": "there is no file",
        "empty": "failed to read magic",
        "truncated": "corrupted or incomplete",
        "garbage": "invalid magic",
    }[content]
    assert str(path) in caught.value.message
    assert reason in caught.value.message


async def test_a_start_that_is_given_up_leaves_no_process(model_path: Path) -> None:
    starting = asyncio.create_task(Client.start(engine_options(model_path, 512)))
    await asyncio.sleep(0.1)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting


async def test_the_worker_ends_when_its_input_does(client: Client) -> None:
    serving = asyncio.create_task(pieces(client, say("Tell me a long story", None)))
    await asyncio.sleep(0.2)
    assert client._process.stdin is not None
    client._process.stdin.close()
    with pytest.raises(EngineDied):
        await serving
    assert client._process.returncode == 0
    assert not client.is_alive


# -- answers


async def test_an_answer_is_accepted_then_comes_in_pieces(client: Client) -> None:
    got = [part async for part in client.generate(say("What is two plus two?", 5))]
    assert isinstance(got[0], Accepted)
    assert got[0].prompt_tokens == 15
    answer = [part for part in got[1:] if isinstance(part, Delta)]
    assert sum(piece.tokens for piece in answer) == 5
    assert [piece.finish for piece in answer] == [None] * (len(answer) - 1) + ["length"]


async def test_four_streams_go_on_side_by_side(client: Client) -> None:
    order: list[int] = []

    async def note(index: int) -> None:
        async for part in client.generate(say(f"Count to {index}", 20)):
            if isinstance(part, Delta):
                order.append(index)

    await asyncio.gather(*(note(index) for index in range(4)))
    last_start = max(order.index(index) for index in range(4))
    first_end = min(len(order) - order[::-1].index(index) for index in range(4))
    assert last_start < first_end


async def test_a_second_turn_reads_only_what_is_new(client: Client) -> None:
    await pieces(client, say("Tell me of the sea. " * 20))
    (piece, *_) = await pieces(client, say("Tell me of the sea. " * 20 + "And of the land."))
    assert piece.cached_tokens > 100


async def test_who_leaves_is_served_no_longer(client: Client) -> None:
    async with aclosing(client.generate(say("Tell me a long story", None))) as story:
        async for part in story:
            if isinstance(part, Delta):
                break
    unheard = client._jobs[1] = asyncio.Queue()
    async with aclosing(client.generate(say("What is two plus two?", 10))) as stream:
        assert isinstance(await anext(stream), Accepted)
        while not unheard.empty():
            unheard.get_nowait()  # what was under way when the listener left
        assert sum([part.tokens async for part in stream if isinstance(part, Delta)]) == 10
    assert unheard.empty()


# -- what goes wrong


async def test_a_prompt_that_is_too_long_says_how_long_it_is(client: Client) -> None:
    with pytest.raises(ContextExceeded, match=r"20\d\d tokens and the model's context is 1024"):
        await pieces(client, say("a b " * 1000))


async def test_a_grammar_that_means_nothing_is_a_bad_request(client: Client) -> None:
    with pytest.raises(BadRequest, match="unknown name") as caught:
        await pieces(client, say("hi", grammar="start: nothing"))
    assert caught.value.code == "unsupported_schema"


async def test_half_a_character_is_a_bad_request(client: Client) -> None:
    with pytest.raises(BadRequest, match="half a character"):
        await pieces(client, say("a\ud83d"))
    assert await text(client, say("hi"))


async def test_an_answer_that_breaks_off_is_an_error_and_others_go_on(client: Client) -> None:
    broken = say("hi", None, 'start: "q" /(a?){400}a{400}/')
    other = asyncio.create_task(text(client, say("Tell me a story", 30)))
    with pytest.raises(BadRequest, match="can't be followed") as caught:
        await pieces(client, broken)
    assert caught.value.code == "unsupported_schema"
    assert await other
    assert client.is_alive


async def test_a_worker_that_is_killed_is_told_to_all_it_served(client: Client) -> None:
    async def serve() -> None:
        async with aclosing(client.generate(say("Tell me a long story", None))) as stream:
            async for part in stream:
                if isinstance(part, Delta):
                    os.kill(client._process.pid, signal.SIGKILL)

    served = await asyncio.wait_for(
        asyncio.gather(serve(), serve(), return_exceptions=True), timeout=10
    )
    assert [type(error) for error in served] == [EngineDied, EngineDied]
    assert "exit status -9" in str(served[0])
    assert not client.is_alive


async def test_a_worker_that_stands_still_is_ended_and_told_to_all_it_served(
    client: Client,
) -> None:
    client._vigil = Vigil(1, client._give_up)

    async def serve() -> None:
        async for part in client.generate(say("Tell me a long story", None)):
            if isinstance(part, Delta) and client.is_alive:
                os.kill(client._process.pid, signal.SIGSTOP)

    served = await asyncio.gather(serve(), serve(), return_exceptions=True)
    assert [type(error) for error in served] == [EngineDied, EngineDied]
    assert "nothing was heard" in str(served[0])
    assert not client.is_alive


async def test_a_worker_that_stands_still_while_it_loads_is_ended(
    model_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = asyncio.create_subprocess_exec

    async def stopped(*words: str, **pipes: Any) -> asyncio.subprocess.Process:
        process = await run(*words, **pipes)
        process.send_signal(signal.SIGSTOP)
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", stopped)
    with pytest.raises(ModelUnusable, match=r"nothing was heard for 0.5 s while .* was loaded"):
        await Client.start(engine_options(model_path, 512, hang_s=0.5))
