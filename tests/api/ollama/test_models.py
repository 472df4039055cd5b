"""What Ollama's clients ask before they chat: versions, models, capabilities."""

from __future__ import annotations

import os
import re
from datetime import datetime
from pathlib import Path

import gguf
import pytest

from gateway.api.ollama.file_types import FILE_TYPES
from tests.api.ollama.bodies import chat, ollama
from tests.fakes import Script, scripted
from tests.worker import tiny


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.llama(tmp_path_factory.mktemp("tiny") / "llama.gguf")


async def test_version_is_made_of_numbers() -> None:
    async with ollama(Script([])) as client:
        version = (await client.get("/version")).json()["version"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)


async def test_models_are_listed_with_what_their_files_tell(file: Path) -> None:
    os.utime(file, (1, 1.5))
    async with ollama(Script([]), source=str(file)) as client:
        [model] = (await client.get("/tags")).json()["models"]
    assert (model["name"], model["model"]) == ("m", "m")
    assert model["size"] == os.stat(file).st_size
    assert model["modified_at"] == "1970-01-01T00:00:01.500000Z"
    assert model["details"]["family"] == "llama"
    assert re.fullmatch("[0-9a-f]{64}", model["digest"])


async def test_a_model_without_its_file_is_listed_too() -> None:
    async with ollama(Script([]), source="no/such.gguf") as client:
        [model] = (await client.get("/tags")).json()["models"]
        shown = await client.post("/show", json={"model": "m"})
    assert (model["name"], model["size"]) == ("m", 0)
    assert shown.status_code == 424
    assert "no/such.gguf" in shown.json()["error"]


@pytest.mark.parametrize(
    ("format", "capabilities"),
    [("hermes", ["completion", "tools"]), ("qwen3", ["completion", "tools", "thinking"])],
)
async def test_capabilities_are_known_before_and_after_loading(
    file: Path, format: str, capabilities: list[str]
) -> None:
    script = Script([scripted("Hi")])
    async with ollama(script, source=str(file), format=format) as client:
        before = (await client.post("/show", json={"model": "m:latest"})).json()
        assert (await client.get("/ps")).json() == {"models": []}
        await client.post("/chat", json=chat())
        after = (await client.post("/show", json={"model": "m"})).json()
        [running] = (await client.get("/ps")).json()["models"]
    assert before == after
    assert before["capabilities"] == capabilities
    assert running["context_length"] == 4096
    assert datetime.fromisoformat(running["expires_at"]).year == 9999


async def test_the_context_is_the_one_that_requests_have(file: Path) -> None:
    async with ollama(Script([]), source=str(file), context=512) as client:
        shown = (await client.post("/show", json={"model": "m"})).json()
    info = shown["model_info"]
    assert info["general.architecture"] == "llama"
    assert info["llama.context_length"] == 512
    assert not any(key.startswith("tokenizer.") for key in info)
    assert "num_ctx                        512" in shown["parameters"]
    assert "<|im_start|>" in shown["template"]


async def test_an_embedding_model_only_embeds(file: Path) -> None:
    async with ollama(Script([]), source=str(file), embeddings=True) as client:
        shown = (await client.post("/show", json={"model": "m"})).json()
    assert shown["capabilities"] == ["embedding"]


def test_file_types_have_the_names_of_the_gguf_package() -> None:
    theirs = {
        type.value: re.sub("^(ALL|MOSTLY)_", "", type.name)
        for type in gguf.LlamaFileType
        if type.name != "GUESSED"
    }
    assert {number: FILE_TYPES.get(number) for number in theirs} == theirs
