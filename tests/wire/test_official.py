"""L0: a turn is written byte for byte as the family's own chat template writes it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from jinja2.sandbox import ImmutableSandboxedEnvironment

from gateway.jinja import compiled
from gateway.turns import Call, Json, Object, Turn
from gateway.wire.encode import encode
from gateway.wire.evidence import EVIDENCE
from gateway.wire.families import FAMILIES

HERE = Path(__file__).parent
OFFICIAL = HERE.parents[2] / "shared" / "reference" / "chat-templates"

WEATHER = Call("get_weather", {"city": "Paris", "days": 2}, "call00001")
TIME = Call("get_time", {"tz": "CET"}, "call00002")
CALLS = (WEATHER, TIME)
TURNS = {
    "calls": Turn(calls=CALLS),
    "one call": Turn(calls=(WEATHER,)),
    "text and calls": Turn("CCC", calls=CALLS),
    "thought, text and calls": Turn("CCC", "RRR", CALLS),
    "thought and text": Turn("CCC", "RRR"),
}


CALLED = ("calls", "one call")
SPOKEN = (*CALLED, "text and calls")
THOUGHT = ("thought, text and calls", "thought and text")


FAMILY_OF = {path: name for name, found in EVIDENCE.items() for path in found.templates}


@dataclass(frozen=True)
class Official:
    """A template that writes a turn as the model did: how it ends it, and which it can write."""

    path: str
    end: str
    turns: tuple[str, ...] = CALLED

    @property
    def family(self) -> str:
        return FAMILY_OF[self.path]


OFFICIALS = [
    Official("NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use", "<|im_end|>\n"),
    Official("NousResearch-Hermes-3-Llama-3.1-8B-tool_use", "<|im_end|>\n"),
    Official("Qwen-Qwen2.5-7B-Instruct", "<|im_end|>\n", SPOKEN),
    Official("Qwen-Qwen3-0.6B", "<|im_end|>\n", THOUGHT),
    Official("Qwen3-Coder", "<|im_end|>\n", SPOKEN),
    Official("meta-llama-Llama-3.1-8B-Instruct", "<|eot_id|>", ("one call",)),
    Official("meta-llama-Llama-3.2-3B-Instruct", "<|eot_id|>", ("one call",)),
    Official("meta-llama-Llama-3.3-70B-Instruct", "<|eot_id|>", ("one call",)),
    Official("mistralai-Mistral-Nemo-Instruct-2407", "<end>"),
    Official("mistral/v3", "<end>"),
    Official("mistral/v7", "<end>"),
    Official("mistral/v3_spm", "<end>"),
    Official("mistral/v7_spm", "<end>"),
    Official("Mistral-Small-3.2-24B-Instruct-2506", "<end>"),
    Official("mistral/v11", "<end>"),
    Official("mistral/v13_think", "<end>", (*SPOKEN, *THOUGHT)),
    Official("mistral/v13", "<end>", SPOKEN),
    Official("unsloth-mistral-Devstral-Small-2507", "<end>", SPOKEN),
    Official("mistralai-Ministral-3-14B-Reasoning-2512", "<end>", SPOKEN),
    Official("meetkai-functionary-medium-v3.1", "<|eom_id|>", SPOKEN),
]


def cases() -> Iterator[tuple[str, str, str]]:
    """Each family, what is said, and the text that says it."""
    stored = json.loads((HERE / "expected" / "turns.json").read_text())
    for family, texts in stored.items():
        for what, text in texts.items():
            yield family, what, text
    if not OFFICIAL.is_dir():
        return
    for official in OFFICIALS:
        source = (OFFICIAL / f"{official.path}.jinja").read_text()
        for what in official.turns:
            yield official.family, what, rendered(source, official.end, TURNS[what])


def rendered(source: str, end: str, turn: Turn) -> str:
    """What an official template writes between the start and the end of a turn."""
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.filters["tojson"] = lambda value, **_: json.dumps(value, ensure_ascii=False)
    environment.filters["safe"] = str
    environment.globals["strftime_now"] = lambda format: "today"
    template = environment.from_string(source)

    def render(messages: list[Json], prompt: bool) -> str:
        return template.render(
            messages=messages,
            tools=[tool(call) for call in CALLS],
            add_generation_prompt=prompt,
            bos_token="<start>",
            eos_token="<end>",
        )

    question: Json = {"role": "user", "content": "Hello"}
    start = render([question], True)
    text = render([question, message(turn)], False)
    assert text.startswith(start)
    assert text.endswith(end)
    return text[len(start) : -len(end)]


def tool(call: Call) -> Json:
    properties: Object = {key: {"type": "string"} for key in call.arguments}
    parameters: Json = {"type": "object", "properties": properties}
    function: Json = {"name": call.name, "description": "Does it.", "parameters": parameters}
    return {"type": "function", "function": function}


def message(turn: Turn) -> Json:
    said: Object = {"role": "assistant", "content": turn.text}
    if turn.reasoning:
        said["reasoning_content"] = turn.reasoning
    if turn.calls:
        said["tool_calls"] = [
            {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.arguments}}
            for c in turn.calls
        ]
    return said


@pytest.mark.parametrize(("family", "what", "text"), list(cases()), ids=lambda value: value[:20])
def test_a_turn_is_written_as_its_family_writes_it(family: str, what: str, text: str) -> None:
    assert encode(FAMILIES[family], TURNS[what]) == text


# Templates that write more around a turn than what the model has written: it is found in there.
WITHIN = {
    path: family
    for path, family in FAMILY_OF.items()
    if path not in {official.path for official in OFFICIALS}
}


@pytest.mark.parametrize(("path", "family"), WITHIN.items())
def test_an_official_template_writes_a_call_as_declared(path: str, family: str) -> None:
    stored = json.loads((HERE / "expected" / "calls.json").read_text())
    assert encode(FAMILIES[family], TURNS["one call"]) in stored[path]
    if OFFICIAL.is_dir():
        assert stored[path] in whole((OFFICIAL / f"{path}.jinja").read_text())


def whole(source: str) -> str:
    """All that an official template writes of a conversation with one call in it."""
    template = compiled(source, FAMILIES["hermes"])[0]
    result: Json = {
        "role": "tool",
        "content": "TTT",
        "name": WEATHER.name,
        "tool_call_id": WEATHER.id,
    }
    said: Any = message(TURNS["one call"])
    for arguments in (WEATHER.arguments, json.dumps(WEATHER.arguments)):
        said["tool_calls"][0]["function"]["arguments"] = arguments
        try:
            return template.render(
                messages=[{"role": "user", "content": "Hello"}, said, result],
                tools=[tool(call) for call in CALLS],
                documents=None,
                add_generation_prompt=False,
                bos_token="<start>",
                eos_token="<end>",
            )
        except Exception as error:  # the other kind of arguments may be what it takes
            failure = error
    raise failure
