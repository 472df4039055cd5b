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


# Templates that write more around a turn than what the model has written: it is found in there.
WITHIN = {
    "Apertus-8B-Instruct": "apertus",
    "Apriel-1.6-15b-Thinker-fixed": "apriel",
    "Bielik-11B-v3.0-Instruct": "bielik",
    "ByteDance-Seed-OSS": "seed_oss",
    "Cohere2MoE": "command_a",
    "CohereForAI-c4ai-command-r7b-12-2024-tool_use": "command_r7b",
    "GLM-4.6": "glm45",
    "GLM-4.7-Flash": "glm47",
    "GigaChat3-10B-A1.8B": "gigachat3",
    "GigaChat3.1-10B-A1.8B": "gigachat31",
    "Kimi-K3": "kimi_k3",
    "LFM2.5-8B-A1B": "lfm2",
    "MiniMax-M1": "minimax_m1",
    "MiniMax-M2": "minimax_m2",
    "MiniMax-M3": "minimax_m3",
    "NVIDIA-Nemotron-3-Nano-30B-A3B-BF16": "nemotron3",
    "NVIDIA-Nemotron-Nano-v2": "nemotron_nano",
    "Qwen3.5-4B": "qwen35",
    "Reka-Edge": "reka",
    "Spark2.5": "glm47",
    "StepFun3.5-Flash": "step35",
    "deepseek-ai-DeepSeek-R1-Distill-Qwen-32B": "deepseek_r1",
    "deepseek-ai-DeepSeek-V3.1": "deepseek_v31",
    "deepseek-ai-DeepSeek-V3.2": "deepseek_v32",
    "deepseek-ai-DeepSeek-V4": "deepseek_v4",
    "google-gemma-4-31B-it": "gemma4",
    "inclusionai-ling-3.0-flash": "ling3",
    "meetkai-functionary-medium-v3.2": "functionary_v32",
    "openbmb-MiniCPM5-1B": "minicpm5",
    "poolside-Laguna-XS-2.1": "laguna_xs",
    "tencent-Hy3": "hy3",
    "upstage-Solar-Open-100B": "solar_open",
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
