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
from gateway.engine.watchdog import Watchdog
from gateway.errors import BadRequest, ContextExceeded, EngineDied, ModelUnusable
from tests.engine.conftest import CONTEXT
from tests.likeliest import MOST, Odds, are_alike, odds
from tests.numerics import engine_options

pytestmark = pytest.mark.model

GREEDY = Sampling(temperature=0)
QUESTIONS = ("Name the capital of France.", "What is two plus two?")
PREFIXES = ("The capital of", "I can't say how", "1, 2,")
ENDLESS = "start: /[a-z ]{100000}/"  # an answer under this grammar does not end by itself


def request(text: str, max_tokens: int | None = 8, grammar: str = ENDLESS) -> Generation:
    prompt: list[str | int] = [1, f"user\n{text}", 2, "\n", 1, "assistant\n"]
    return Generation(prompt, GREEDY, grammar, max_tokens)


async def deltas(client: Client, request: Generation) -> list[Delta]:
    async with aclosing(client.generate(request)) as stream:
        return [value async for value in stream if isinstance(value, Delta)]


async def text(client: Client, request: Generation) -> str:
    return "".join(delta.text for delta in await deltas(client, request))


# -- start and stop


async def test_a_worker_describes_its_model_and_stops(model_path: Path) -> None:
    client = await Client.start(engine_options(model_path, 512))
    assert (client.info.context, client.info.trained_context) == (512, 8192)
    assert client.is_alive
    await client.stop()
    assert not client.is_alive
    with pytest.raises(EngineDied, match="worker died"):
        await deltas(client, request("hi"))


async def test_a_worker_reports_how_much_of_its_model_is_loaded(model_path: Path) -> None:
    shares: list[float] = []
    client = await Client.start(engine_options(model_path, 512), shares.append)
    await client.stop()
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


async def test_a_worker_loads_a_vocabulary_without_weights(model_path: Path) -> None:
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
async def test_llama_options_do_not_change_the_likeliest_tokens(
    options: Options, client: Client, model_path: Path
) -> None:
    other = await Client.start(engine_options(model_path, 512, llama=options))
    requests = [
        msgspec.structs.replace(request(question), prompt=[*request(question).prompt, prefix])
        for question, prefix in product(QUESTIONS, PREFIXES)
    ]
    found = [await likeliest(client, one) for one in requests]
    for one, there in zip(requests, found, strict=True):
        assert are_alike(await likeliest(other, one), there)
    assert not any(are_alike(one, another) for one, another in combinations(found, 2))
    await other.stop()


async def likeliest(client: Client, request: Generation) -> Odds:
    first, *_ = await deltas(client, msgspec.structs.replace(request, top_logprobs=MOST))
    return odds(first)


@pytest.mark.parametrize("content", ["missing", "empty", "truncated", "garbage"])
async def test_a_load_error_names_the_file_and_the_reason(
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


async def test_a_cancelled_start_leaves_no_process(
    model_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = asyncio.create_subprocess_exec
    started = asyncio.Queue[asyncio.subprocess.Process]()

    async def recorded(*words: str, **pipes: Any) -> asyncio.subprocess.Process:
        started.put_nowait(process := await run(*words, **pipes))
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", recorded)
    starting = asyncio.create_task(Client.start(engine_options(model_path, 512)))
    process = await started.get()
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert process.returncode is not None


async def test_a_worker_exits_when_its_input_is_closed(client: Client) -> None:
    async with aclosing(client.generate(request("Tell me a long story", None))) as stream:
        assert isinstance(await anext(stream), Accepted)
        assert client._process.stdin is not None
        client._process.stdin.close()
        with pytest.raises(EngineDied):
            async for _ in stream:
                pass
    assert client._process.returncode == 0
    assert not client.is_alive


# -- answers


async def test_an_answer_is_accepted_and_then_streamed(client: Client) -> None:
    got = [part async for part in client.generate(request("What is two plus two?", 5))]
    assert isinstance(got[0], Accepted)
    assert got[0].prompt_tokens == 15
    answer = [part for part in got[1:] if isinstance(part, Delta)]
    assert sum(delta.tokens for delta in answer) == 5
    assert [delta.finish for delta in answer] == [None] * (len(answer) - 1) + ["length"]


async def test_four_answers_are_generated_concurrently(client: Client) -> None:
    order: list[int] = []

    async def note(index: int) -> None:
        async for part in client.generate(request(f"Count to {index}", 20)):
            if isinstance(part, Delta):
                order.append(index)

    await asyncio.gather(*(note(index) for index in range(4)))
    last_start = max(order.index(index) for index in range(4))
    first_end = min(len(order) - order[::-1].index(index) for index in range(4))
    assert last_start < first_end


async def test_a_second_turn_uses_the_cached_prefix(client: Client) -> None:
    await deltas(client, request("Tell me of the sea. " * 20))
    (delta, *_) = await deltas(client, request("Tell me of the sea. " * 20 + "And of the land."))
    assert delta.cached_tokens > 100


async def test_a_closed_stream_cancels_its_job(client: Client) -> None:
    async with aclosing(client.generate(request("Tell me a long story", None))) as story:
        async for part in story:
            if isinstance(part, Delta):
                break
    cancelled = client._jobs[1] = asyncio.Queue()
    async with aclosing(client.generate(request("What is two plus two?", 10))) as stream:
        assert isinstance(await anext(stream), Accepted)
        while not cancelled.empty():
            cancelled.get_nowait()  # sent before the worker got the cancellation
        assert sum([part.tokens async for part in stream if isinstance(part, Delta)]) == 10
    assert cancelled.empty()


# -- what goes wrong


async def test_the_error_for_a_long_prompt_has_its_length(client: Client) -> None:
    with pytest.raises(ContextExceeded, match=r"20\d\d tokens and the model's context is 1024"):
        await deltas(client, request("a b " * 1000))


async def test_a_prompt_that_can_never_fit_is_not_sent_to_the_worker(client: Client) -> None:
    os.kill(client._process.pid, signal.SIGSTOP)
    text = "x" * client.info.max_token_bytes * CONTEXT
    with pytest.raises(ContextExceeded, match=r"at least 10.. tokens and the model's context is"):
        await deltas(client, request(text))
    with pytest.raises(ContextExceeded, match="at least 1024 tokens"):
        await client.tokenize([text])
    os.kill(client._process.pid, signal.SIGCONT)


async def test_an_input_that_can_never_fit_is_not_sent_to_the_worker(model_path: Path) -> None:
    options = engine_options(model_path, 512, llama=Options(pooling="last"), embeddings=True)
    client = await Client.start(options)
    os.kill(client._process.pid, signal.SIGSTOP)
    text = "x" * client.info.max_token_bytes * (client.info.context + 1)
    with pytest.raises(BadRequest, match="input 1 has at least 513 tokens") as caught:
        await client.embed([["Hello"], [text]])
    os.kill(client._process.pid, signal.SIGCONT)
    await client.stop()
    assert caught.value.code == "context_length_exceeded"


async def test_a_long_prompt_of_the_longest_tokens_fits(client: Client) -> None:
    tokens = client.info.max_token_bytes * "=" * (CONTEXT // 2)
    assert len((await client.tokenize([tokens])).ids) >= CONTEXT // 2


async def test_an_invalid_grammar_is_a_bad_request(client: Client) -> None:
    with pytest.raises(BadRequest, match="unknown name") as caught:
        await deltas(client, request("hi", grammar="start: nothing"))
    assert caught.value.code == "unsupported_schema"


async def test_an_unpaired_surrogate_is_a_bad_request(client: Client) -> None:
    with pytest.raises(BadRequest, match="unpaired UTF-16 surrogate"):
        await deltas(client, request("a\ud83d"))
    assert await text(client, request("hi"))


async def test_an_answer_goes_on_without_a_grammar_that_is_too_complex(client: Client) -> None:
    complex = request("hi", 20, 'start: "q" /(a?){900}a{900}/')
    other = asyncio.create_task(text(client, request("Tell me a story", 30)))
    last = (await deltas(client, complex))[-1]
    assert last.finish in ("stop", "length")
    assert last.grammar_failure.startswith("lexer error")
    assert await other
    assert client.is_alive


async def test_a_killed_worker_fails_all_its_requests(client: Client) -> None:
    async def serve() -> None:
        async with aclosing(client.generate(request("Tell me a long story", None))) as stream:
            async for part in stream:
                if isinstance(part, Delta):
                    os.kill(client._process.pid, signal.SIGKILL)

    served = await asyncio.wait_for(
        asyncio.gather(serve(), serve(), return_exceptions=True), timeout=10
    )
    assert [type(error) for error in served] == [EngineDied, EngineDied]
    assert "exit status -9" in str(served[0])
    assert not client.is_alive


async def test_a_hung_worker_is_killed_and_fails_all_its_requests(
    client: Client,
) -> None:
    client._watchdog = Watchdog(1, client._kill_hung)

    async def serve() -> None:
        async for part in client.generate(request("Tell me a long story", None)):
            if isinstance(part, Delta) and client.is_alive:
                os.kill(client._process.pid, signal.SIGSTOP)

    served = await asyncio.gather(serve(), serve(), return_exceptions=True)
    assert [type(error) for error in served] == [EngineDied, EngineDied]
    assert "without a message" in str(served[0])
    assert not client.is_alive


async def test_a_worker_that_hangs_while_loading_is_killed(
    model_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = asyncio.create_subprocess_exec

    async def stopped(*words: str, **pipes: Any) -> asyncio.subprocess.Process:
        process = await run(*words, **pipes)
        process.send_signal(signal.SIGSTOP)
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", stopped)
    with pytest.raises(ModelUnusable, match=r"loading .* timed out after 0.5 s"):
        await Client.start(engine_options(model_path, 512, hang_s=0.5))
