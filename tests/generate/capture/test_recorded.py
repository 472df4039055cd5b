"""Each request to an engine is recorded, with what may be shown of the model's settings."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from gateway.config.load import Entry
from gateway.engine.generation import Delta, Generation, Output
from gateway.errors import BadRequest
from gateway.generate.capture.recorded import settings
from tests.fakes import TOOLS, Script, ScriptedAnswer, call, chat, gateway, scripted
from tests.generate.capture.test_read_again import again, ask

ON = {"playground": True}
CALL = call("get_time", {"city": "Rome"})


async def test_a_rejected_grammar_is_an_attempt_of_its_own() -> None:
    rejection = BadRequest("too complex", code="unsupported_schema")
    script = Script([ScriptedAnswer(rejects=rejection), scripted(CALL)])
    async with gateway(script, ON) as client:
        document = await ask(client, chat(tools=TOOLS))
    rejected, accepted = document["attempts"]
    assert rejected["error"]["code"] == "unsupported_schema"
    assert (rejected["raw"], accepted["raw"]) == ("", CALL)
    assert rejected["grammar"] != accepted["grammar"]
    recorded, read = again(document)
    assert read == recorded


class WithoutDetails(Script):
    """A script that knows no tokens, as a remote engine."""

    async def generate(self, request: Generation) -> AsyncGenerator[Output, None]:
        async with aclosing(super().generate(request)) as outputs:
            async for output in outputs:
                is_delta = isinstance(output, Delta)
                yield msgspec.structs.replace(output, details=()) if is_delta else output


async def test_the_chunks_of_an_engine_without_tokens_are_recorded() -> None:
    async with gateway(WithoutDetails([scripted(CALL, cut=9)]), ON) as client:
        document = await ask(client, chat(tools=TOOLS))
    [attempt] = document["attempts"]
    assert "".join(token["text"] for token in attempt["tokens"]) == CALL
    assert {token["id"] for token in attempt["tokens"]} == {None}
    recorded, read = again(document)
    assert read == recorded


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"source": "/home/me/models/a.gguf"}, {"source": "a.gguf"}),
        ({"source": "hf:owner/repo/a.gguf"}, {"source": "hf:owner/repo/a.gguf"}),
        (
            {"source": "https://me:secret@host:1/v1?key=secret"},
            {"source": "https://host:1/v1"},
        ),
        (
            {"source": "a.gguf", "lora": ["/home/me/b.gguf", 0.5]},
            {"source": "a.gguf", "lora": [["b.gguf", 0.5]]},
        ),
        ({"source": "a.gguf", "context": 512}, {"source": "a.gguf", "context": 512}),
    ],
)
def test_settings_have_no_folders_and_no_passwords(
    entry: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert shown(entry) == expected


def test_settings_do_not_tell_where_prefixes_are_stored() -> None:
    entry = {"source": "a.gguf", "prefix_cache": {"folder": "/home/me/cache"}}
    assert "/home/me" not in str(shown(entry))


def shown(entry: dict[str, Any]) -> dict[str, Any]:
    """What is recorded of a model with this entry."""
    model: Any = SimpleNamespace(entry=Entry.model_validate(entry))
    return settings(model)
