"""What a client of several gateways sees through the proxies of examples/: nginx and Envoy."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from gateway.admission.admission import SLOTS
from gateway.config.limits import Limits
from tests.api.server.test_serve import BlockedScript
from tests.deployment.conftest import NAMES, SESSION, Backend, Fleet, Start
from tests.deployment.proxies import EXAMPLES, envoy_program, write_nginx
from tests.fakes import Script, ScriptedAnswer, chat, events, scripted

pytestmark = pytest.mark.proxy

ENDLESS = ScriptedAnswer(["Once ", "upon "], finish=None)
CHAT = "/v1/chat/completions"
PATHS = ("/api/chat", CHAT, "/v1/messages")  # one of each kind of envelope
BODY_BYTES = Limits().body_mb * 2**20


def endless() -> list[Script]:
    return [Script([ENDLESS]) for _ in NAMES]


def pausable(answer: str) -> BlockedScript:
    script = BlockedScript([scripted(answer, cut=100)])
    script.let_go.set()
    return script


@contextmanager
def paused(script: BlockedScript) -> Iterator[None]:
    """Within the context, answers don't end."""
    script.let_go.clear()
    try:
        yield
    finally:
        script.let_go.set()


@contextmanager
def streaming(
    fleet: Fleet,
    first: str,
    headers: dict[str, str] | None = None,
    path: str = CHAT,
    **more: Any,
) -> Iterator[Iterator[str]]:
    """Yields the rest of a stream of which `first` has arrived."""
    body = chat(stream=True, **more)
    with fleet.client.stream("POST", path, json=body, headers=headers) as answer:
        text, seen = answer.iter_text(), ""
        while first not in seen:
            seen += next(text)
        yield text


def wait_until(is_so: Callable[[], object]) -> None:
    end_s = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < end_s
        time.sleep(0.01)


def drain(backend: Backend) -> None:
    """Shuts a gateway down, which rejects new requests from then on and finishes running ones."""
    backend.server.should_exit = True
    while httpx.get(f"{backend.url}/readyz").status_code == 200:
        pass


def shape(body: Any) -> Any:
    """The keys of an error, without its values; with the types that are not texts."""
    if isinstance(body, dict):
        return {key: shape(value) for key, value in body.items()}
    return "text" if isinstance(body, str) else None


@pytest.mark.parametrize("path", PATHS)
def test_the_pieces_of_a_stream_arrive_before_its_answer_is_complete(
    start: Start, path: str
) -> None:
    with (
        start(*endless()) as fleet,
        streaming(fleet, "upon ", path=path, max_tokens=10),
    ):
        pass


@pytest.mark.parametrize("stream", [False, True])
def test_a_hang_up_ends_the_generation(start: Start, stream: bool) -> None:
    scripts = endless()
    with start(*scripts) as fleet:
        body, patience = chat(stream=stream), httpx.Timeout(60, read=0.5)
        with (
            httpx.Client(base_url=fleet.client.base_url, timeout=patience) as client,
            pytest.raises(httpx.ReadTimeout),
        ):
            client.post(CHAT, json=body)
        assert sum(len(script.requests) for script in scripts) == 1
        wait_until(lambda: not any(script.running for script in scripts))


@pytest.mark.parametrize("header", ["authorization", "x-api-key", SESSION])
def test_requests_of_one_client_or_session_reach_one_gateway(start: Start, header: str) -> None:
    with start() as fleet:
        who = [{header: f"{number}"} for number in range(24)]
        reached = [fleet.say(headers) for headers in who]
        assert set(reached) == set(NAMES)
        assert [fleet.say(headers) for headers in who] == reached


def test_a_session_counts_more_than_the_key(start: Start) -> None:
    with start() as fleet:
        session = fleet.session_of("first")
        for number in range(12):
            assert fleet.say({**session, "authorization": f"{number}"}) == "first"


def test_the_sessions_of_a_gateway_that_is_gone_move_and_the_others_stay(start: Start) -> None:
    with start() as fleet:
        sessions = [{SESSION: f"{number}"} for number in range(36)]
        before = [fleet.say(session) for session in sessions]
        assert set(before) == set(NAMES)
        fleet.backends[0].stop()
        after = [fleet.say(session) for session in sessions]
    assert set(after) == {"second", "third"}
    stayed = [name for name in before if name != "first"]
    assert [new for old, new in zip(before, after, strict=True) if old != "first"] == stayed


def test_a_gateway_that_drains_finishes_its_streams_while_others_take_its_sessions(
    start: Start,
) -> None:
    draining, *others = map(pausable, NAMES)
    with start(draining, *others, grace_s=60) as fleet:
        session = fleet.session_of("first")
        with paused(draining), streaming(fleet, "first", session) as text:
            drain(fleet.backends[0])
            assert fleet.say(session) in ("second", "third")
            draining.let_go.set()
            assert "".join(text).endswith("data: [DONE]\n\n")


def test_503_of_all_gateways_arrives_as_they_send_it(start: Start) -> None:
    scripts = [pausable(name) for name in NAMES]
    with start(*scripts, grace_s=60) as fleet, ExitStack() as stack:
        sessions = [fleet.session_of(name) for name in NAMES]
        for script, session in zip(scripts, sessions, strict=True):
            stack.enter_context(paused(script))
            stack.enter_context(streaming(fleet, "data: ", session))
        for backend in fleet.backends:
            drain(backend)
        answer = fleet.client.post(CHAT, json=chat())
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "shutting_down"
    assert int(answer.headers["retry-after"]) > 0


def test_429_arrives_as_the_gateway_sends_it(start: Start) -> None:
    session = {SESSION: "a"}
    with (
        start(*endless(), queue=0) as fleet,
        streaming(fleet, "Once ", session, n=SLOTS),
    ):
        answer = fleet.client.post(CHAT, json=chat(), headers=session)
    assert answer.status_code == 429
    assert answer.json()["error"]["code"] == "rate_limit_exceeded"
    assert int(answer.headers["retry-after"]) > 0


def test_the_error_event_of_a_stream_arrives(start: Start) -> None:
    with start(*endless()) as fleet, streaming(fleet, "upon ") as text:
        for backend in fleet.backends:
            backend.server.should_exit = True
        [last] = events("".join(text))
    assert last["error"]["code"] == "shutting_down"


def test_a_stream_whose_gateway_is_killed_breaks_off(start: Start) -> None:
    with start(*endless()) as fleet, streaming(fleet, "upon ") as text:
        for backend in fleet.backends:
            for connection in list(backend.server.server_state.connections):
                connection.loop.call_soon_threadsafe(connection.transport.abort)
        with pytest.raises(httpx.RemoteProtocolError):
            list(text)


@pytest.mark.parametrize("path", PATHS)
def test_a_body_that_is_too_large_is_told_in_the_envelope(start: Start, path: str) -> None:
    with start() as fleet:
        body = json.dumps(chat(metadata={"a": "a" * BODY_BYTES})).encode()
        answer = fleet.client.post(path, content=body)
        own = httpx.post(f"{fleet.backends[0].url}{path}", content=body)
    assert (answer.status_code, own.status_code) == (413, 413)
    assert shape(answer.json()) == shape(own.json())


def test_a_body_of_the_largest_size_is_served(start: Start) -> None:
    with start() as fleet:
        body = json.dumps(chat()).encode()
        answer = fleet.client.post(CHAT, content=body.ljust(BODY_BYTES))
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("path", PATHS)
def test_that_no_gateway_can_be_reached_is_told_in_the_envelope(start: Start, path: str) -> None:
    with start() as fleet:
        own = httpx.post(f"{fleet.backends[0].url}{path}", content=b"{")
        for backend in fleet.backends:
            backend.stop()
        answer = fleet.client.post(path, json=chat())
    assert answer.status_code in (502, 503)
    assert shape(answer.json()) == shape(own.json())


def test_the_request_id_is_the_client_s_or_a_new_one(start: Start) -> None:
    with start() as fleet:
        answer = fleet.client.get("/v1/models", headers={"x-request-id": "mine"})
        assert answer.headers["x-request-id"] == "mine"
        ids = {fleet.client.get("/v1/models").headers["x-request-id"] for _ in range(3)}
    assert len(ids) == 3


def test_the_gateway_sees_the_host_that_the_client_named(start: Start) -> None:
    with start() as fleet:
        for name, status in {"gateway": 200, "evil.example": 403}.items():
            answer = fleet.client.get("/v1/models", headers={"host": name})
            assert answer.status_code == status


def test_nginx_accepts_the_example(tmp_path: Path) -> None:
    command = write_nginx((EXAMPLES / "nginx.conf").read_text(), tmp_path)
    check = subprocess.run([*command, "-t"], capture_output=True, text=True)
    assert check.returncode == 0, check.stderr
    assert "[warn]" not in check.stderr


def test_envoy_accepts_the_example_and_deprecates_nothing_in_it() -> None:
    assert "[warning]" not in validated(EXAMPLES / "envoy.yaml")


def test_envoy_accepts_a_service_of_kubernetes_as_its_gateways(tmp_path: Path) -> None:
    config = yaml.safe_load((EXAMPLES / "envoy.yaml").read_text())
    [cluster] = config["static_resources"]["clusters"]
    service = {"address": "tool-gateway-pods", "port_value": 8000}
    endpoint = {"endpoint": {"address": {"socket_address": service}}}
    cluster["type"] = "STRICT_DNS"
    cluster["load_assignment"]["endpoints"] = [{"lb_endpoints": [endpoint]}]
    (tmp_path / "envoy.yaml").write_text(yaml.safe_dump(config))
    assert "OK" in validated(tmp_path / "envoy.yaml")


def validated(config: Path) -> str:
    """What Envoy says about a valid configuration."""
    command = [envoy_program(), "--mode", "validate", "-c", str(config)]
    check = subprocess.run(command, capture_output=True, text=True)
    assert check.returncode == 0, check.stderr
    return check.stdout + check.stderr
