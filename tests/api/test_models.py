"""The model list."""

from __future__ import annotations

from tests.fakes import chat, gateway, scripted


async def test_model_list_has_every_field() -> None:
    async with gateway(scripted("Hi"), aliases=("default",)) as client:
        models = (await client.get("/models")).json()
    assert models["object"] == "list"
    assert models["data"] == [
        {
            "id": "m",
            "object": "model",
            "created": 0,
            "owned_by": "tool-gateway",
            "context": 4096,
            "format": "hermes",
            "aliases": ["default"],
            "loaded": False,
            "state": "unloaded",
            "reason": None,
            "progress": None,
            "memory_mb": 0,
            "capabilities": {
                "tools": True,
                "parallel_tool_calls": True,
                "reasoning": False,
                "embeddings": False,
            },
            "max_model_len": 4096,
            "type": "model",
            "display_name": "m",
            "created_at": "1970-01-01T00:00:00Z",
            "lifecycle": "active",
            "max_input_tokens": 4096,
            "max_tokens": 4096,
        }
    ]
    assert (models["has_more"], models["first_id"], models["last_id"]) == (False, "m", "m")


async def test_model_is_found_by_name_and_alias() -> None:
    async with gateway(scripted("Hi"), aliases=("an/alias",)) as client:
        for name in ("m", "an/alias"):
            assert (await client.get(f"/models/{name}")).json()["id"] == "m"
        missing = await client.get("/models/x")
    assert missing.status_code == 404
    assert missing.json()["error"]["code"] == "model_not_found"


async def test_health_and_model_list_have_the_failure_reason() -> None:
    async with gateway(scripted("Hi"), source="no/such.gguf") as client:
        await client.post("/chat/completions", json=chat())
        health = (await client.get("http://gateway/health")).json()
        [model] = (await client.get("/models")).json()["data"]
    assert (health["status"], health["states"]) == ("degraded", {"m": "failed"})
    assert "there is no file" in health["wrong"]["m"]
    assert (model["state"], model["reason"]) == ("failed", health["wrong"]["m"])


async def test_embedding_model_has_only_the_embeddings_capability() -> None:
    async with gateway(scripted("Hi"), embeddings=True) as client:
        told = (await client.get("/models/m")).json()["capabilities"]
    assert [name for name, can in told.items() if can] == ["embeddings"]


async def test_answer_has_the_requested_model_name() -> None:
    async with gateway(scripted("Hi"), aliases=("default",)) as client:
        answer = await client.post("/chat/completions", json=chat(model="default"))
    assert answer.json()["model"] == "default"
