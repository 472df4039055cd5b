"""Large bodies are read by threads, and large answers are written by them."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from gateway.api import body, serving
from gateway.chat.json import json_text
from gateway.concurrency import LARGE
from tests.fakes import Script, app, chat, gateway, scripted

WITHOUT_BODY = ("/load", "/unload", "/cancel")
ROUTES = sorted(
    path
    for path, methods in app(Script([])).openapi()["paths"].items()
    if "post" in methods and not path.endswith(WITHOUT_BODY)
)


@pytest.mark.parametrize("path", ROUTES)
async def test_a_large_body_is_read_by_a_thread(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    readers, decoded = list[int](), body.decoded

    def noted(text: str | bytes) -> Any:
        readers.append(threading.get_ident())
        return decoded(text)

    monkeypatch.setattr(body, "decoded", noted)
    async with gateway(scripted("Hi")) as client:
        await client.post(str(client.base_url.join(path)), json={"x": "y" * LARGE})
    assert readers
    assert threading.get_ident() not in readers


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/v1/chat/completions", chat()),
        ("/v1/chat/completions/render", chat()),
        ("/v1/responses", {"model": "m", "input": "Hi"}),
        ("/tokenize", {"model": "m", "prompt": "Hi"}),
        ("/detokenize", {"model": "m", "tokens": [0]}),
    ],
)
async def test_an_answer_is_written_by_a_thread(
    path: str, asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    writers = list[int]()

    def noted(value: object) -> str:
        writers.append(threading.get_ident())
        return json_text(value)

    monkeypatch.setattr(serving, "json_text", noted)
    async with gateway(scripted("Hi")) as client:
        answer = await client.post(str(client.base_url.join(path)), json=asked)
    assert answer.status_code == 200
    assert writers
    assert threading.get_ident() not in writers
