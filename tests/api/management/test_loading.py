"""Models are loaded and unloaded on request."""

from __future__ import annotations

import pytest

from gateway.admission.api_keys import new_key
from tests.api.encoder import ENTRY, Encoder
from tests.fakes import Script, gateway, scripted

LOAD, UNLOAD = "/models/m/load", "/models/m/unload"


@pytest.mark.parametrize("script", [Script([scripted("Hi")]), Encoder()])
async def test_model_of_either_kind_is_loaded_and_unloaded(script: Script) -> None:
    entry = ENTRY if isinstance(script, Encoder) else {}
    async with gateway(script, **entry) as client:
        loaded = await client.post(LOAD)
        again = await client.post(LOAD)
        unloaded = await client.post(UNLOAD)
        assert script.stopped
        unloaded_again = await client.post(UNLOAD)
    assert loaded.json() == again.json() == {"id": "m", "object": "model", "state": "ready"}
    assert unloaded.json() == unloaded_again.json()
    assert unloaded.json()["state"] == "unloaded"


@pytest.mark.parametrize("path", [LOAD, UNLOAD])
async def test_model_is_named_by_an_alias_with_a_slash_too(path: str) -> None:
    async with gateway(scripted("Hi"), aliases=("an/alias",)) as client:
        answer = await client.post(path.replace("/m/", "/an/alias/"))
        missing = await client.post(path.replace("/m/", "/x/"))
    assert (answer.status_code, answer.json()["id"]) == (200, "m")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "model_not_found")


async def test_loading_says_why_it_failed() -> None:
    async with gateway(scripted("Hi"), source="no/such.gguf") as client:
        error = (await client.post(LOAD)).json()["error"]
    assert error["code"] == "model_unusable"
    assert "there is no file" in error["message"]


async def test_loading_and_unloading_require_a_key_like_any_request() -> None:
    async with gateway(scripted("Hi"), keys=[new_key("alice")[1]]) as client:
        answers = [await client.post(path) for path in (LOAD, UNLOAD)]
    assert [answer.status_code for answer in answers] == [401, 401]
