"""Calls in another form than the family's, between its markers."""

from __future__ import annotations

import pytest

from gateway.chat.events import NoteKind
from gateway.chat.messages import Call, Turn
from gateway.formats.families import (
    FAMILIES,
    FUNCTION_GEMMA,
    GEMMA4,
    GLM47,
    HERMES,
    KIMI_K2,
    LFM2,
    LLAMA3,
    LLAMA4,
    MINIMAX_M2,
    MISTRAL,
    MISTRAL_V11,
    MISTRAL_V13,
    QWEN3,
    QWEN_CODER,
    SEED_OSS,
)
from gateway.formats.format import Format
from gateway.formats.related import related_formats
from tests.parsing.drift.reading import F, G, read, read_with_notes

JSON = '{"name": "f", "arguments": {"a": "x"}}'
PARAMETERS = '{"name": "f", "parameters": {"a": "x"}}'
NO_PARAMETERS = '{"name": "g", "parameters": {}}'
XML = "<function=f>\n<parameter=a>\nx\n</parameter>\n</function>"
GLM = "f\n<arg_key>a</arg_key>\n<arg_value>x</arg_value>\n"


@pytest.mark.parametrize("space", ["", "\n"])
@pytest.mark.parametrize("body", [JSON, PARAMETERS, XML, GLM, 'f\n{"a": "x"}'])
@pytest.mark.parametrize(
    "format",
    [one for one in FAMILIES.values() if one.trigger == "<tool_call>"],
    ids=lambda one: one.name,
)
def test_another_family_s_body_is_a_call(format: Format, body: str, space: str) -> None:
    text = f"<tool_call>{space}{body}{space}</tool_call>"
    assert read(format, text) == Turn(calls=(F,))
    assert read(format, f"{text}\n{text}") == Turn(calls=(F, F))


@pytest.mark.parametrize(
    ("format", "text"),
    [
        (MISTRAL_V13, f"[TOOL_CALLS][{JSON}]"),
        (MISTRAL_V13, f"[TOOL_CALLS]{JSON}"),
        (MISTRAL_V13, '[TOOL_CALLS]f{"a": "x"}'),
        (MISTRAL_V13, '[TOOL_CALLS]f {"a": "x"}'),
        (MISTRAL_V13, '[TOOL_CALLS]f[CALL_ID]123456789[ARGS]{"a": "x"}'),
        (MISTRAL_V11, '[TOOL_CALLS]f{"a": "x"}'),
        (MISTRAL, '[TOOL_CALLS]f[ARGS]{"a": "x"}'),
        (MISTRAL, f"[TOOL_CALLS]{JSON}"),
        (MISTRAL, f"[TOOL_CALLS] {JSON}"),
        (SEED_OSS, f"<seed:tool_call>\n{JSON}\n</seed:tool_call>"),
        (MINIMAX_M2, f"<minimax:tool_call>\n{JSON}\n</minimax:tool_call>"),
        (GEMMA4, f"<|tool_call>{JSON}<tool_call|>"),
        (LFM2, f"<|tool_call_start|>[{JSON}]<|tool_call_end|>"),
        (KIMI_K2, f"<|tool_calls_section_begin|>{JSON}<|tool_calls_section_end|>"),
        (LLAMA4, JSON),
        (LLAMA4, f"[{PARAMETERS}]"),
        (LLAMA4, f"<|python_start|>[{PARAMETERS}]<|python_end|>"),
        (LLAMA4, f"<|python_tag|>{PARAMETERS}"),
        (LLAMA4, '{"type": "function", "name": "f", "parameters": {"a": "x"}}'),
        (LLAMA3, '{"type": "function", "function": {"name": "f", "parameters": {"a": "x"}}}'),
    ],
)  # fmt: skip
def test_a_call_in_another_form_is_a_call(format: Format, text: str) -> None:
    assert read(format, text) == Turn(calls=(F,))


def test_a_call_in_another_form_is_noted() -> None:
    _, [note] = read_with_notes(QWEN_CODER, f"<tool_call>\n{JSON}\n</tool_call>")
    assert note.kind is NoteKind.REPAIRED


@pytest.mark.parametrize("format", FAMILIES.values(), ids=FAMILIES.keys())
def test_related_formats_begin_with_the_family_s_marker(format: Format) -> None:
    related = related_formats(format)
    triggers = tuple(one.trigger for one in (format, *format.variants))
    assert format not in related
    assert all(one.first_call.lstrip().startswith(triggers) for one in related)


@pytest.mark.parametrize("separator", ["; ", ";", ", ", ",", "\n", "\n\n", ";\n", " "])
@pytest.mark.parametrize(
    "format", [LLAMA3, LLAMA4, MISTRAL, QWEN3, GLM47], ids=lambda one: one.name
)
def test_calls_may_be_separated_otherwise(format: Format, separator: str) -> None:
    two = f"{PARAMETERS}{separator}{NO_PARAMETERS}"
    around = {MISTRAL: ("[TOOL_CALLS][", "]"), LLAMA3: ("", ""), LLAMA4: ("", "")}
    before, after = around.get(format, ("", ""))
    if format in (QWEN3, GLM47):
        two = f"<tool_call>{PARAMETERS}</tool_call>\n<tool_call>{NO_PARAMETERS}</tool_call>"
    assert read(format, before + two + after) == Turn(calls=(F, G))


@pytest.mark.parametrize("format", [LLAMA3, LLAMA4], ids=lambda one: one.name)
@pytest.mark.parametrize(
    "text",
    [
        f"<|python_tag|>{PARAMETERS}; {NO_PARAMETERS}",
        f"<|python_tag|>{PARAMETERS}; <|python_tag|>{NO_PARAMETERS}",
        f"<|python_tag|>[{PARAMETERS}, {NO_PARAMETERS}]",
        f"[{PARAMETERS}, {NO_PARAMETERS}]",
        f"[{PARAMETERS}\n{NO_PARAMETERS},]",
    ],
)
def test_llama_s_calls_may_have_one_tag_or_be_a_list(format: Format, text: str) -> None:
    assert read(format, text) == Turn(calls=(F, G))


@pytest.mark.parametrize("text", [f"{PARAMETERS}, then", f"{PARAMETERS}; {{}}"])
def test_what_is_no_call_after_a_separator_is_text(text: str) -> None:
    assert read(LLAMA3, text) == Turn(text.removeprefix(PARAMETERS), calls=(F,))


@pytest.mark.parametrize(
    "arguments",
    [
        '{a:<|"|>x<|"|>,n:2}',
        '{{a:<|"|>x<|"|>,n:2}}',
        '(a=<|"|>x<|"|>, n=2)',
        "(a='x', n=2)",
        '{a:<|"|>x<|"|>n:2}',
        '{n:2 a:<|"|>x<|"|>}',
        '{"a": "x", "n": 2}',
    ],
)
@pytest.mark.parametrize("name", ["f", "ns:f", "default_api:f", "functions.f"])
@pytest.mark.parametrize("format", [GEMMA4, FUNCTION_GEMMA], ids=lambda one: one.name)
def test_gemma_s_arguments_may_be_written_otherwise(
    format: Format, name: str, arguments: str
) -> None:
    before, after = format.trigger, format.call.rpartition("}")[2]
    quote = "<escape>" if format is FUNCTION_GEMMA else '<|"|>'
    arguments = arguments.replace('<|"|>', quote)
    text = f"{before}call:{name}{arguments}{after}"
    turn = read(format, text)
    assert turn == Turn(calls=(Call("f", turn.calls[0].arguments),))
    assert turn.calls[0].arguments == {"a": "x", "n": 2}


def in_tags(body: str, name: str) -> str:
    return f"<tool_call>{body}</tool_call>".replace('"f"', f'"{name}"').replace("=f", f"={name}")


@pytest.mark.parametrize("name", ["functions.f", "ns:f", "tools/f", "default_api.ns.f"])
@pytest.mark.parametrize(("format", "body"), [(HERMES, JSON), (QWEN_CODER, XML)])
def test_a_name_may_have_a_namespace(format: Format, body: str, name: str) -> None:
    assert read(format, in_tags(body, name)) == Turn(calls=(F,))


def test_a_name_that_is_a_namespace_is_no_tool() -> None:
    text = in_tags(JSON, "f.other")
    assert read(HERMES, text) == Turn(text)
