"""At a signal the server turns new requests away, and lets those that run finish if they can."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from gateway.api.server import Server, check_address
from gateway.engine.generation import Delta, Generation, Output
from gateway.errors import ConfigError
from tests.fakes import Script, ScriptedAnswer, chat, events
from tests.served import serving

LONG = ScriptedAnswer(["Once "], finish=None)


@dataclass
class Held(Script):
    """A script that waits, before each answer's end, until it is let go."""

    let_go: threading.Event = field(default_factory=threading.Event)

    async def generate(self, asked: Generation) -> AsyncGenerator[Output, None]:
        async for piece in super().generate(asked):
            if isinstance(piece, Delta) and piece.finish:
                await asyncio.to_thread(self.let_go.wait)
            yield piece


@contextmanager
def streaming(url: str) -> Iterator[Iterator[str]]:
    """The text of a stream that has begun, as it comes."""
    with (
        httpx.Client(base_url=url, timeout=60) as client,
        client.stream("POST", "/v1/chat/completions", json=chat(stream=True)) as answer,
    ):
        text, seen = answer.iter_text(), ""
        while "Once " not in seen:
            seen += next(text)
        yield text


def stop(server: Server, url: str) -> httpx.Response:
    """Stop it as a signal does; what a new request is then told."""
    server.should_exit = True
    while (answer := httpx.get(f"{url}/health")).status_code == 200:
        pass
    return answer


def test_a_stream_that_runs_may_finish_and_new_requests_are_turned_away() -> None:
    script = Held([ScriptedAnswer(["Once ", "more"])])
    with serving(script, grace_s=60) as (url, server), streaming(url) as text:
        refused = stop(server, url)
        assert refused.status_code == 503
        assert refused.headers["connection"] == "close"
        assert int(refused.headers["retry-after"]) > 0
        script.let_go.set()
        assert "".join(text).endswith("data: [DONE]\n\n")


def test_a_stream_that_does_not_finish_in_time_ends_with_an_error() -> None:
    script = Script([LONG])
    with serving(script, grace_s=0) as (url, server), streaming(url) as text:
        server.should_exit = True
        [last] = events("".join(text))
    assert last["error"]["code"] == "shutting_down"
    assert script.running == 0
    assert script.stopped


def test_a_client_that_does_not_read_holds_up_no_end() -> None:
    script = Script([ScriptedAnswer(["Once ", "x" * 2**24], finish=None)])
    with ExitStack() as client:
        with serving(script, grace_s=0) as (url, _):
            client.enter_context(streaming(url))
        gc.collect()  # what the server left open would be told of here
    assert script.stopped


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_this_machine_alone_needs_no_keys(host: str) -> None:
    check_address(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.168.1.7", "models.example"])
def test_where_others_can_come_keys_are_asked_for_and_the_cure_is_told(host: str) -> None:
    with pytest.raises(ConfigError, match=r"tool-gateway key .*--keys .*127.0.0.1.*--insecure"):
        check_address(host)
