"""Paths, templates and addresses in a request are never opened, rendered or fetched."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import Script, chat, gateway, scripted

CANARY = "canary-4f1c"
ADDRESS = f"http://{CANARY}.invalid/x"
NAMED = [
    f"/tmp/{CANARY}",
    f"../../{CANARY}",
    f"file:///tmp/{CANARY}",
    ADDRESS,
    f"hf:{CANARY}/a/b.gguf",
]

_seen: list[str] = []
sys.addaudithook(
    lambda event, args: _seen.append(event + repr(args)) if _is_recorded(event) else None
)


def _is_recorded(event: str) -> bool:
    return event in {"open", "os.listdir", "subprocess.Popen"} or event.startswith("socket.")


@contextmanager
def nothing_is_looked_up() -> Iterator[None]:
    """Checks that no audit event (open, subprocess, socket) has the canary in its arguments."""
    _seen.clear()
    yield
    assert not [seen for seen in _seen if CANARY in seen]


def tool(parameters: dict[str, Any]) -> dict[str, Any]:
    return {"tools": [{"type": "function", "function": {"name": "f", "parameters": parameters}}]}


def answer(schema: dict[str, Any]) -> dict[str, Any]:
    return {"response_format": {"type": "json_schema", "json_schema": {"schema": schema}}}


# Fields of other servers that name a file, a template, a grammar or an address.
IGNORED = [
    *("chat_template", "chat_template_file", "template", "tokenizer", "system_prompt_file"),
    *("grammar_file", "lora", "adapter", "lora_path"),
    *("model_path", "model_file", "source", "draft_model", "prompt_cache", "slot_save_path"),
    *("documents", "image", "url", "callback", "base_url", "webhook", "folder", "user", "metadata"),
]


@pytest.mark.parametrize("name", NAMED)
async def test_ignored_fields_do_not_change_the_generation(name: str) -> None:
    script = Script([scripted("Hi")])
    async with gateway(script) as client:
        await client.post("/chat/completions", json=chat())
        with nothing_is_looked_up():
            for field in IGNORED:
                told = await client.post("/chat/completions", json=chat(**{field: name}))
                assert told.status_code == 200, field
    assert all(asked == script.requests[0] for asked in script.requests)


@pytest.mark.parametrize("name", NAMED)
async def test_path_in_a_known_field_is_rejected(name: str) -> None:
    wrong: list[dict[str, Any]] = [
        {"model": name},
        {"tools": [{"type": "function", "function": {"name": name}}]},
        {"tools": [{"type": name}]},
        {"tool_choice": name},
        {"response_format": name},
        {"response_format": {"type": name}},
        {"response_format": {"type": "grammar", "grammar": name}},
        {"grammar": name},
        {"guided_grammar": name},
        {"json_schema": name},
        {"chat_template_kwargs": {"chat_template": name}},
        {"chat_template_kwargs": {"documents": name}},
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": name}]}]},
        {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": name}}]}]},
    ]
    async with gateway(scripted("Hi")) as client:
        with nothing_is_looked_up():
            for fields in wrong:
                told = await client.post("/chat/completions", json=chat(**fields))
                assert told.status_code in (400, 404), fields
            assert (await client.get(f"/models/{name}")).status_code == 404


@pytest.mark.parametrize("name", NAMED)
async def test_schema_reference_is_never_fetched(name: str) -> None:
    schemas: list[dict[str, Any]] = [
        {"type": "object", "properties": {"a": {"$ref": name}}},
        {"type": "object", "properties": {"a": {"$dynamicRef": name}}},
        {"type": "object", "$schema": name},
        {"type": "object", "$id": name, "properties": {"a": {"$ref": "other.json"}}},
    ]
    async with gateway(scripted('{"a": 1}')) as client:
        with nothing_is_looked_up():
            for schema in schemas:
                for asked in (
                    tool(schema),
                    {**tool(schema), "tool_choice": "required"},
                    answer(schema),
                ):
                    told = await client.post("/chat/completions", json=chat(**asked))
                    assert told.status_code in (200, 400), told.text


async def test_template_syntax_in_a_message_is_text() -> None:
    script = Script([scripted("Hi")])
    spelled = "{% include '/etc/passwd' %}{{ 7 * 7 }}"
    async with gateway(script) as client:
        messages = [{"role": "user", "content": spelled}]
        await client.post("/chat/completions", json=chat(messages=messages))
    assert spelled in "".join(str(part) for part in script.requests[0].prompt)


def test_canary_detects_a_file_access(tmp_path: Path) -> None:
    with pytest.raises(AssertionError), nothing_is_looked_up():
        (tmp_path / CANARY).write_text("")
