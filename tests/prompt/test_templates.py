"""The templates in `templates/` write what the models were trained on."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.chat.messages import Call, Result, Speech, Tool, Turn
from gateway.chat.request import Request
from tests.conversations import CALL, CONVERSATIONS, HELLO, SYSTEM, TWO, WEATHER, asks
from tests.fakes import REPO
from tests.prompt.shipped import FORMATS, shipped, template

EXPECTED = Path(__file__).parent / "expected_prompts"
STORED = EXPECTED / "vendors.json"
OFFICIAL = REPO.parent / "shared" / "reference" / "chat-templates"


LONG_TALK = asks(
    *(Speech("user", " Hello\n"), Turn("Hi.\n\nAnd? "), Speech("user", "So:\n\n1. a")),
    *(Turn("\nYes."), Speech("user", "Ok ")),
)
TALKS = CONVERSATIONS | {
    "long_talk": LONG_TALK,
    "long_talk_and_system": replace(LONG_TALK, messages=(SYSTEM, *LONG_TALK.messages)),
}
TOOLLESS = tuple(title for title, request in TALKS.items() if not request.tools)
WITH_TOOLS = tuple(CONVERSATIONS)

# What a vendor's own template is called, and the conversations that ours writes as it does.
VENDORS = {
    "deepseek-r1-distill": ("deepseek-ai-DeepSeek-R1-Distill-Llama-8B", TOOLLESS),
    "gemma2": ("google-gemma-2-2b-it", ("hello", "system", "follow_up", "long_talk")),
    "hermes": (
        "NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use",
        tuple(title for title in WITH_TOOLS if title not in TOOLLESS),
    ),
    "llama3": (
        "meta-llama-Llama-3.1-8B-Instruct",
        tuple(title for title in WITH_TOOLS if title != "two_results"),
    ),
    "mistral": ("mistral/v3_spm", WITH_TOOLS),
    "mistral-v1": ("mistral/v1_spm", TOOLLESS),
    "phi3.5": ("microsoft-Phi-3.5-mini-instruct", TOOLLESS),
    "qwen": ("Qwen-Qwen2.5-7B-Instruct", WITH_TOOLS),
    "rwkv-world": ("llama-cpp-rwkv-world", TOOLLESS),
    # What it says where there is no system text is the vendor's own.
    "smollm3": ("HuggingFaceTB-SmolLM3-3B", ("system", "long_talk_and_system")),
}


@pytest.mark.parametrize("name", FORMATS)
def test_shipped_template_writes_the_expected_prompts(name: str) -> None:
    """`UPDATE=1 pytest` writes the expected prompts."""
    ours = shipped(name)
    text = "".join(
        f"=== {title}\n{ours.render(request).text}\n" for title, request in CONVERSATIONS.items()
    )
    path = EXPECTED / f"{name}.txt"
    if os.environ.get("UPDATE"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_every_shipped_template_is_tested() -> None:
    assert sorted(FORMATS) == sorted(path.stem for path in (REPO / "templates").iterdir())


@pytest.mark.parametrize("name", VENDORS)
def test_shipped_template_writes_what_the_official_one_does(name: str) -> None:
    """The output of the official templates is stored; they are not part of this repository."""
    stored: dict[str, dict[str, str]] = json.loads(STORED.read_text(encoding="utf-8"))
    ours = shipped(name)
    assert {title: ours.render(TALKS[title]).text for title in VENDORS[name][1]} == stored[name]


@pytest.mark.vendors
def test_stored_prompts_are_those_of_the_official_templates() -> None:
    """`UPDATE=1 pytest` stores it."""
    written = {}
    for name, (file, titles) in VENDORS.items():
        theirs = template(OFFICIAL / f"{file}.jinja", name)
        written[name] = {title: theirs.render(TALKS[title]).text for title in titles}
    if os.environ.get("UPDATE"):
        text = json.dumps(written, ensure_ascii=False, indent=1)
        STORED.write_text(text + "\n", encoding="utf-8")
    assert json.loads(STORED.read_text(encoding="utf-8")) == written


@pytest.mark.parametrize("name", ["deepseek-r1-distill", "rwkv-world", "smollm3"])
def test_thinking_can_be_switched(name: str) -> None:
    ours = shipped(name)
    file, titles = VENDORS[name]
    path = OFFICIAL / f"{file}.jinja"
    on, off = (
        replace(TALKS[titles[-1]], template_variables={"enable_thinking": thinks})
        for thinks in (True, False)
    )
    assert ours.thinking == "enable_thinking"
    assert ours.render(on).text != ours.render(off).text
    for request in (on, off):
        if path.is_file() and name != "deepseek-r1-distill":  # DeepSeek's own has no switch
            assert ours.render(request).text == template(path, name).render(request).text


ODD: list[Request] = [
    asks(Turn("Hi.")),
    asks(Turn(calls=(CALL,))),
    asks(Result("5")),
    asks(HELLO, HELLO),
    asks(HELLO, SYSTEM, HELLO),
    asks(HELLO, Turn("a"), Turn("b")),
    asks(HELLO, Turn(), HELLO),
    asks(HELLO, Result("5"), Result("6")),
    replace(TWO, messages=(*TWO.messages[:2], HELLO)),
]


@pytest.mark.parametrize("name", FORMATS)
def test_unusual_conversations_can_be_rendered(name: str) -> None:
    for request in ODD:
        assert shipped(name).render(request).text


@pytest.mark.parametrize(("count", "times"), [(1, 2), (16, 2), (17, 1)])
def test_smollm2_repeats_the_names_of_a_few_tools_after_the_user_message(
    count: int, times: int
) -> None:
    tools = tuple(replace(WEATHER, name=f"weather_{i}_") for i in range(count))
    text = shipped("smollm2-tools").render(asks(SYSTEM, HELLO, tools=tools)).text
    assert [text.count(tool.name) for tool in tools] == [times] * count


@pytest.mark.parametrize("name", FORMATS)
def test_system_text_alone_can_be_rendered(name: str) -> None:
    assert "Be brief." in shipped(name).render(asks(SYSTEM)).text


@pytest.mark.parametrize(
    ("name", "request_"),
    [
        ("mistral", asks(SYSTEM)),
        ("mistral", asks(Turn("Hi."), tools=(WEATHER,))),
        ("llama3", asks(SYSTEM, tools=(WEATHER,))),
    ],
)
def test_tools_and_system_text_are_shown_without_a_user_message(
    name: str, request_: Request
) -> None:
    text = shipped(name).render(request_).text
    assert all(message.text in text for message in request_.messages)
    assert all(tool.name in text for tool in request_.tools)


@pytest.mark.parametrize("name", FORMATS)
def test_tools_and_system_text_are_both_shown(name: str) -> None:
    text = shipped(name).render(asks(SYSTEM, HELLO, tools=(WEATHER,))).text
    for words in ("Be brief.", "get_weather", "The weather in a city.", "Hello"):
        assert text.count(words) >= 1


@pytest.mark.parametrize(
    ("schema", "type"),
    [
        ({"type": "string"}, "str"),
        ({"type": "array", "items": {"type": "integer"}}, "list[int]"),
        ({"type": "array"}, "list"),
        ({"type": "object", "additionalProperties": {"type": "number"}}, "dict[str, float]"),
        ({"type": "object", "additionalProperties": False}, "dict"),
        ({"type": ["string", "null"]}, "Union[str,None]"),
        ({"type": "array", "items": {"type": "array", "items": {}}}, "list[list[Any]]"),
        ({"anyOf": [{"type": "string"}]}, "Any"),
        ({}, "Any"),
        (True, "Any"),
    ],
)
def test_hermes_shows_types_as_in_python(schema: bool, type: str) -> None:
    tool = Tool("f", "Does it.", {"type": "object", "properties": {"a": schema}})
    text = shipped("hermes").render(asks(HELLO, tools=(tool,))).text
    assert f'"description": "f(a: {type}) - Does it.\n\n    Args:\n        a({type}): ",' in text


def test_groq_gives_a_result_the_index_of_its_call() -> None:
    calls = (Call("a", {}, "x"), Call("b", {}, "y"), Call("c", {}, "z"))
    results = (Result("late", "z"), Result('{"n": 1}', "y"), Result("who?", "w"))
    text = shipped("groq-llama3").render(asks(HELLO, Turn(calls=calls), *results)).text
    told = [line for line in text.splitlines() if line.startswith('{"id": ') and "result" in line]
    assert told == [
        '{"id": 1, "result": {"n": 1}}',
        '{"id": 2, "result": "late"}',
        '{"id": 0, "result": "who?"}',
    ]


@pytest.mark.parametrize(
    ("said", "told"),
    [("12", "12"), ("-3", "-3"), ("1.5", "1.5"), ("012", '"012"'), ("12 C", '"12 C"'), ("", '""')],
)
def test_mistral_writes_a_result_that_is_a_number_as_a_number(said: str, told: str) -> None:
    text = shipped("mistral").render(asks(HELLO, Turn(calls=(CALL,)), Result(said))).text
    assert f'[TOOL_RESULTS] {{"content": {told}, "call_id": "abcDEF123"}}[/TOOL_RESULTS]' in text


def test_llama_takes_the_date_as_a_variable() -> None:
    request = replace(asks(Speech("user", "Hi")), template_variables={"date_string": "1 Jan 2026"})
    assert "Today Date: 1 Jan 2026" in shipped("llama3").render(request).text


def test_deepseek_v31_thinks_if_enabled() -> None:
    ours = shipped("deepseek-v3.1")
    assert ours.thinking == "enable_thinking"
    assert ours.render(asks(HELLO)).text.endswith("<｜Assistant｜></think>")
    loud = replace(asks(HELLO), template_variables={"enable_thinking": True})
    assert ours.render(loud).answer_prefix == "<think>"


@pytest.mark.parametrize("name", ["deepseek-r1-distill", "deepseek-v3.1", "smollm3"])
def test_earlier_reasoning_is_left_out(name: str) -> None:
    said = asks(HELLO, Turn("Hi.", "Hm."), HELLO)
    assert shipped(name).render(said).text.count("Hm.") == 0


def test_prompts_for_distilled_models_open_reasoning() -> None:
    ours = shipped("deepseek-r1-distill")
    assert ours.render(asks(HELLO, tools=(WEATHER,))).answer_prefix == "<think>\n"
    silent = replace(asks(HELLO), template_variables={"enable_thinking": False})
    assert ours.render(silent).answer_prefix == ""


@pytest.mark.parametrize("name", ["gemma2", "llama2", "mistral-v1"])
def test_adjacent_messages_share_a_turn(name: str) -> None:
    said = asks(HELLO, SYSTEM, HELLO, Turn("a"), Turn("b"), *map(Result, "xyz"), HELLO)
    text = shipped(name).render(said).text
    opened = {"gemma2": "<start_of_turn>user", "llama2": "[INST]", "mistral-v1": "[INST]"}[name]
    assert text.count(opened) == 2
    assert "a\n\nb" in text
