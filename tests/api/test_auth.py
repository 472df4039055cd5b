"""API keys, the allowed host names and the allowed CORS origins."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import httpx
import pytest
from openai import AuthenticationError, OpenAI
from starlette.datastructures import Headers

from gateway.admission.api_keys import new_key
from gateway.api.middleware.allowed_hosts import check_host
from gateway.api.middleware.cross_origin import check_origin
from gateway.errors import Forbidden
from tests.api.test_dialects import BODIES, message_of
from tests.fakes import Script, ScriptedAnswer, chat, gateway, scripted, until
from tests.served import served

SECRET, ALICE = new_key("alice")
HEALTH = "http://gateway/health"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/chat/completions"),
        ("GET", "/v1/models"),
        ("GET", "/v1/models/m"),
        ("GET", "/docsx"),
        ("GET", "/health/"),
        ("GET", "/readyz/"),
        ("GET", "/nowhere"),
        ("GET", "/metrics"),
        ("GET", "/captures"),
        ("GET", "/captures/x"),
        ("GET", "/captures/x/events"),
        ("POST", "/v1/chat/completions/render"),
        ("POST", "/tokenize"),
        ("POST", "/detokenize"),
        ("POST", "/v1/completions"),
        ("POST", "/v1/embeddings"),
    ],
)
@pytest.mark.parametrize(
    "sent",
    ["", "Bearer", "Bearer tg-wrong", f"Basic {SECRET}", SECRET],
    ids=["nothing", "no key", "another", "basic", "the key alone"],
)
async def test_every_path_except_the_probes_requires_a_key(
    method: str, path: str, sent: str
) -> None:
    async with gateway(scripted("Hi"), keys=[ALICE]) as client:
        answer = await client.request(
            method, f"http://gateway{path}", headers={"Authorization": sent}, json=chat()
        )
        assert (await client.get(HEALTH)).status_code == 200
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    error = answer.json()["error"]
    assert (error["type"], error["code"]) == ("invalid_request_error", "invalid_api_key")
    assert set(error) == {"message", "type", "param", "code"}


@pytest.mark.parametrize("path", ["/docs", "/docs/rapidoc-min.js", "/openapi.json"])
async def test_a_browser_which_sends_no_key_can_read_the_documentation(path: str) -> None:
    async with gateway(scripted("Hi"), keys=[ALICE]) as client:
        assert (await client.get(f"http://gateway{path}")).status_code == 200


async def test_health_hides_failure_reasons_without_a_key() -> None:
    headers = {"Authorization": f"Bearer {SECRET}"}
    async with gateway(scripted("Hi"), keys=[ALICE], source="no/such.gguf") as client:
        await client.post("/chat/completions", json=chat(), headers=headers)
        stranger = (await client.get(HEALTH)).json()
        known = (await client.get(HEALTH, headers=headers)).json()
    assert stranger["wrong"] == {"m": "send an API key to see the reason"}
    assert "no/such.gguf" in known["wrong"]["m"]
    assert {**known, "wrong": 0} == {**stranger, "wrong": 0}


@pytest.mark.parametrize("headers", [{"Authorization": f"Bearer {SECRET}"}, {"X-Api-Key": SECRET}])
async def test_key_is_accepted_in_either_header(headers: dict[str, str]) -> None:
    async with gateway(scripted("Hi"), keys=[new_key("bob")[1], ALICE]) as client:
        answer = await client.post("/chat/completions", json=chat(), headers=headers)
    assert answer.status_code == 200


async def test_key_is_never_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    script = Script([scripted("Hi"), ScriptedAnswer(["H"], fails=RuntimeError("oh"))])
    async with gateway(script, keys=[ALICE]) as client:
        for sent in (f"Bearer {SECRET}", f"Bearer {SECRET}", f"Bearer {SECRET}x", SECRET):
            headers = {"Authorization": sent}
            answer = await client.post("/chat/completions", json=chat(), headers=headers)
            assert SECRET not in answer.text
    assert "failed" in caplog.text
    assert SECRET not in caplog.text


async def test_request_without_a_key_is_rejected_despite_its_large_body() -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 2**20

    async with gateway(scripted("Hi"), keys=[ALICE]) as client:
        answer = await client.post("/chat/completions", content=endless())
    assert answer.status_code == 401


async def test_rate_of_a_key_limits_its_requests_per_minute() -> None:
    secret, bob = new_key("bob", rate=2)
    async with gateway(scripted("Hi"), keys=[ALICE, bob]) as client:
        headers = {"Authorization": f"Bearer {secret}"}
        post = partial(client.post, "/chat/completions", json=chat())
        answers = [await post(headers=headers) for _ in range(3)]
        other = await post(headers={"Authorization": f"Bearer {SECRET}"})
    assert [answer.status_code for answer in (*answers, other)] == [200, 200, 429, 200]
    assert 0 < int(answers[2].headers["retry-after"]) <= 60
    assert answers[2].json()["error"]["code"] == "rate_limit_exceeded"


async def test_requests_that_only_read_count_towards_no_limit() -> None:
    secret, bob = new_key("bob", rate=1, concurrency=1)
    script = Script([ScriptedAnswer(["Once "], finish=None)])
    headers = {"Authorization": f"Bearer {secret}"}
    async with gateway(script, keys=[bob]) as client:
        post = client.post("/chat/completions", json=chat(), headers=headers)
        running = asyncio.create_task(post)
        await until(lambda: script.running == 1)
        for path in ("/models", "http://gateway/metrics", "http://gateway/health") * 2:
            assert (await client.get(path, headers=headers)).status_code == 200
        running.cancel()
        await asyncio.wait({running})


async def test_concurrency_of_a_key_limits_its_parallel_requests() -> None:
    secret, bob = new_key("bob", concurrency=1)
    script = Script([ScriptedAnswer(["Once "], finish=None), scripted("Hi")])
    headers = {"Authorization": f"Bearer {secret}"}
    async with gateway(script, keys=[bob]) as client:
        post = partial(client.post, "/chat/completions", json=chat(), headers=headers)
        running = asyncio.create_task(post())
        await until(lambda: script.running == 1)
        refused = await post()
        running.cancel()
        await asyncio.wait({running})
        assert (await post()).status_code == 200
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "LOCALHOST:8000", "app.localhost", "localhost.", "127.0.0.1:8000"),
        *("[::1]:8000", "192.168.1.7:8000", "gateway:80"),
    ],
)
def test_local_and_configured_host_names_are_accepted(host: str) -> None:
    check_host(host, ("gateway",))


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.evil.example"),
        *("notlocalhost", "localhost@evil.example", "", ":8000", "[::1", "[evil]", "gateway.evil"),
    ],
)
def test_other_host_name_is_rejected(host: str) -> None:
    with pytest.raises(Forbidden, match="add it to `hosts`"):
        check_host(host, ("gateway",))


async def test_other_host_header_returns_403_without_keys() -> None:
    async with gateway(scripted("Hi")) as client:
        for path in ("/v1/models", "/health"):
            headers = {"Host": "evil.example:8000"}
            answer = await client.get(f"http://gateway{path}", headers=headers)
            assert answer.status_code == 403
            assert answer.json()["error"]["code"] == "host_not_allowed"


async def test_any_host_header_is_accepted_with_a_key() -> None:
    async with gateway(scripted("Hi"), keys=[ALICE]) as client:
        headers = {"Host": "models.example", "Authorization": f"Bearer {SECRET}"}
        assert (await client.get("/models", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"Origin": "http://localhost:8000"},
        {"Origin": "https://app.example"},
        {"Origin": "https://app.example", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://behind.a.proxy", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_request_of_no_page_or_of_an_allowed_page_is_accepted(sent: dict[str, str]) -> None:
    check_origin(Headers({"Host": "localhost:8000", **sent}), ("https://app.example",))


@pytest.mark.parametrize(
    "sent",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "http://localhost:3000"},
        {"Origin": "http://localhost"},
        {"Origin": "https://app.example.evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://[evil"},
        {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_request_of_another_page_is_rejected(sent: dict[str, str]) -> None:
    with pytest.raises(Forbidden, match="add it to `cors`"):
        check_origin(Headers({"Host": "localhost:8000", **sent}), ("https://app.example",))


def test_all_origins_can_be_allowed() -> None:
    check_origin(Headers({"Origin": "https://any.example"}), ("*",))


@pytest.mark.parametrize("path", BODIES)
async def test_post_of_another_page_returns_403_in_the_envelope(path: str) -> None:
    script = Script([scripted("Hi")])
    sent = {"Origin": "https://evil.example", "Content-Type": "text/plain"}
    async with gateway(script) as client:
        answer = await client.post(
            f"http://gateway{path}", content=json.dumps(BODIES[path]), headers=sent
        )
    assert answer.status_code == 403
    assert "https://evil.example" in message_of(answer.json())
    assert not script.requests


async def test_page_of_a_listed_origin_can_chat_without_keys() -> None:
    async with gateway(scripted("Hi"), {"cors": ("https://app.example",)}) as client:
        answer = await client.post("/chat/completions", json=chat(), headers=PAGE)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "https://app.example"


PAGE = {"Origin": "https://app.example"}
ASKS_FIRST = {
    **PAGE,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type",
}


@asynccontextmanager
async def known_to(*origins: str) -> AsyncIterator[httpx.AsyncClient]:
    async with gateway(scripted("Hi"), {"cors": origins}, keys=[ALICE]) as client:
        yield client


async def test_unlisted_origin_gets_no_cors_headers() -> None:
    for origins in ((), ("https://other.example",)):
        async with known_to(*origins) as client:
            asked = await client.options("/chat/completions", headers=ASKS_FIRST)
            answer = await client.get("/models", headers=PAGE)
        assert asked.status_code >= 400
        assert "access-control-allow-origin" not in {**asked.headers, **answer.headers}


async def test_listed_origin_gets_cors_headers_on_preflight_and_errors() -> None:
    async with known_to("https://app.example") as client:
        asked = await client.options("/chat/completions", headers=ASKS_FIRST)
        refused = await client.get("/models", headers=PAGE)
    assert asked.status_code == 200
    assert "authorization" in asked.headers["access-control-allow-headers"].lower()
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == "https://app.example"


def test_openai_sdk_authenticates_with_its_api_key() -> None:
    with served(Script([scripted("Hi")]), keys=[ALICE]) as url:
        for secret in (SECRET, f"{SECRET}x"):
            with OpenAI(base_url=f"{url}/v1", api_key=secret, max_retries=0) as client:
                if secret == SECRET:
                    assert client.models.list().data[0].id == "m"
                    continue
                with pytest.raises(AuthenticationError, match="missing or unknown API key"):
                    client.models.list()


def test_client_that_is_still_sending_receives_401() -> None:
    with served(Script([scripted("Hi")]), keys=[ALICE]) as url:
        answer = httpx.post(f"{url}/v1/chat/completions", content=b" " * 2**25, timeout=60)
    assert answer.status_code == 401
