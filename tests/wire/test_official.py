"""L0: a turn is written byte for byte as the family's own chat template writes it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from jinja2.sandbox import ImmutableSandboxedEnvironment

from gateway.turns import Call, Json, Object, Turn
from gateway.wire.encode import encode
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


@dataclass(frozen=True)
class Official:
    """A template, the family it belongs to, how it ends a turn, and which turns it can write."""

    path: str
    family: str
    end: str
    turns: tuple[str, ...] = CALLED


OFFICIALS = [
    Official("NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use", "hermes", "<|im_end|>\n"),
    Official("NousResearch-Hermes-3-Llama-3.1-8B-tool_use", "hermes", "<|im_end|>\n"),
    Official("Qwen-Qwen2.5-7B-Instruct", "hermes", "<|im_end|>\n", SPOKEN),
    Official("Qwen-Qwen3-0.6B", "qwen3", "<|im_end|>\n", THOUGHT),
    Official("Qwen3-Coder", "qwen_coder", "<|im_end|>\n", SPOKEN),
    Official("meta-llama-Llama-3.1-8B-Instruct", "llama3", "<|eot_id|>", ("one call",)),
    Official("meta-llama-Llama-3.2-3B-Instruct", "llama3", "<|eot_id|>", ("one call",)),
    Official("meta-llama-Llama-3.3-70B-Instruct", "llama3", "<|eot_id|>", ("one call",)),
    Official("mistralai-Mistral-Nemo-Instruct-2407", "mistral", "<end>"),
    Official("mistral/v3", "mistral", "<end>"),
    Official("mistral/v7", "mistral", "<end>"),
    Official("mistral/v3_spm", "mistral_spm", "<end>"),
    Official("mistral/v7_spm", "mistral_spm", "<end>"),
    Official("Mistral-Small-3.2-24B-Instruct-2506", "mistral_v11", "<end>"),
    Official("mistral/v11", "mistral_v11", "<end>"),
    Official("mistral/v13_think", "mistral_v13", "<end>", (*SPOKEN, *THOUGHT)),
    Official("mistral/v13", "mistral_v13", "<end>", SPOKEN),
    Official(
        "unsloth-mistral-Devstral-Small-2507",
        "mistral_v13",
        "<end>",
        SPOKEN,
    ),
    Official(
        "mistralai-Ministral-3-14B-Reasoning-2512",
        "mistral_v13",
        "<end>",
        SPOKEN,
    ),
    Official(
        "meetkai-functionary-medium-v3.1",
        "functionary",
        "<|eom_id|>",
        SPOKEN,
    ),
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


def test_every_family_has_a_turn_on_record() -> None:
    assert {family for family, _, _ in cases()} == set(FAMILIES)
