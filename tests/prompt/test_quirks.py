"""The quirks of a chat template are found by trials, and met by rewrites."""

from __future__ import annotations

import pytest

from gateway.chat.json import Json
from gateway.chat.messages import Call, Message, Result, Speech, Tool, Turn
from gateway.chat.request import Request
from gateway.formats.families import HERMES
from gateway.prompt.template import Template, Vocabulary
from tests.conversations import CALL, HELLO, SYSTEM, WEATHER, asks
from tests.fakes import REPO

NO_TOKENS = Vocabulary("<s>", "</s>", {})
CALLS = tuple(Call(name, {"n": i}, f"id {name}") for i, name in enumerate("fgh"))
GAVE = Result("gave", CALL.id)

# The simplest template, in parts.
EACH = "{% for m in messages %}"
CONTENT = "{{ m.role }}: {{ m.content }};"
CALLED = (
    "{% for c in m.tool_calls or [] %}{{ c.function.name }}"
    "{{ c.function.arguments | tojson }}?{% endfor %}"
)
SHOWN = CONTENT + CALLED
ALL = EACH + SHOWN + "{% endfor %}"


def template(source: str) -> Template:
    return Template(source, HERMES, NO_TOKENS)


def refusing(condition: str, shown: str = SHOWN) -> str:
    return f"{EACH}{{{{ raise_exception('no!') if {condition} }}}}{shown}{{% endfor %}}"


# A template, its quirks, a request, and the prompt that is rendered.
CASES: list[tuple[str, str, Request, str]] = [
    (ALL, "", asks(SYSTEM, HELLO), "system: Be brief.;user: Hello;"),
    (
        refusing("m.role == 'system'"),
        "system in user",
        asks(Turn("Hi."), HELLO, SYSTEM),
        "assistant: Hi.;user: Be brief.\n\nHello;",
    ),
    (
        refusing("m.role == 'system'"),
        "system in user",
        asks(SYSTEM),
        "user: Be brief.;",
    ),
    (
        f"{EACH}{{% if m.role != 'system' %}}{SHOWN}{{% endif %}}{{% endfor %}}",
        "system in user",
        asks(SYSTEM, HELLO),
        "user: Be brief.\n\nHello;",
    ),
    (
        refusing("m.role == 'system' and not loop.first"),
        "one system message",
        asks(SYSTEM, HELLO, Speech("system", "Be kind.")),
        "system: Be brief.\n\nBe kind.;user: Hello;",
    ),
    (
        refusing("m.role == 'system' and not loop.first"),
        "one system message",
        asks(HELLO, Turn("Hi.")),
        "user: Hello;assistant: Hi.;",
    ),
    (
        refusing("loop.first and m.role not in ('system', 'user')"),
        "user first",
        asks(Turn("Hi."), HELLO),
        "user: Hello.;assistant: Hi.;user: Hello;",
    ),
    (
        refusing("loop.length == 1 and m.role != 'user'"),
        "user first",
        asks(SYSTEM),
        "user: Be brief.;",
    ),
    (
        refusing("m.tool_calls and loop.last"),
        "user last",
        asks(HELLO, Turn(calls=(CALL,))),
        'user: Hello;assistant: ;get_weather{"city": "Zürich", "days": 2}?user: Go on.;',
    ),
    (
        refusing("not loop.first and m.role == loop.previtem.role and m.role != 'tool'"),
        "alternating roles",
        asks(HELLO, HELLO, Turn("a", "x"), Turn("b", "y"), HELLO),
        "user: Hello\n\nHello;assistant: a\n\nb;user: Hello;",
    ),
    (
        "{% set said = messages | rejectattr('role', 'equalto', 'tool')"
        " | selectattr('tool_calls', 'undefined') | list %}"
        "{% for m in said %}{{ raise_exception('no!')"
        " if not loop.first and m.role == loop.previtem.role }}{% endfor %}" + ALL,
        "alternating roles",
        asks(HELLO, Turn(calls=CALLS[:1]), Result("1"), HELLO, Turn(calls=CALLS[:1]), HELLO),
        'user: Hello;assistant: ;f{"n": 0}?tool: 1;assistant: Ok.;user: Hello;'
        'assistant: ;f{"n": 0}?assistant: Ok.;user: Hello;',
    ),
    (
        refusing("m.tool_calls and m.tool_calls | length > 1"),
        "one call per turn",
        asks(
            *(HELLO, Turn("So ", calls=CALLS)),
            *(Result("3", "id h"), Result("1", "id f"), Result("4", "other"), HELLO),
        ),
        'user: Hello;assistant: So ;f{"n": 0}?tool: 1;assistant: ;g{"n": 1}?'
        'assistant: ;h{"n": 2}?tool: 3;tool: 4;user: Hello;',
    ),
    (
        f"{EACH}{{% if m.tool_calls %}}{CALLED}{{% else %}}{CONTENT}{{% endif %}}{{% endfor %}}",
        "text in own turn",
        asks(HELLO, Turn("Let me see.", "x", CALLS[:1])),
        'user: Hello;assistant: Let me see.;f{"n": 0}?',
    ),
    (
        refusing(
            "m.tool_calls and (m.content or"
            " (loop.previtem.role == 'assistant' and not loop.previtem.tool_calls))"
        ),
        "user between turns",
        asks(HELLO, Turn("Let me see.", "x", CALLS[:1])),
        'user: Hello;assistant: Let me see.;user: Go on.;assistant: ;f{"n": 0}?',
    ),
    (
        refusing("m.role == 'assistant' and not (m.content or m.tool_calls)"),
        "no empty turns",
        asks(HELLO, Turn("", "Hm."), HELLO),
        "user: Hello;user: Hello;",
    ),
    (
        refusing("m.role == 'tool' and (loop.first or loop.previtem.role == 'user')"),
        "unpaired results as text",
        asks(HELLO, GAVE, Turn(calls=CALLS[:1]), Result("1"), Result("2", "other")),
        "user: Hello;user: <tool_response>\ngave\n</tool_response>;"
        'assistant: ;f{"n": 0}?tool: 1;user: <tool_response>\n2\n</tool_response>;',
    ),
    (
        f"{EACH}{{% if m.role != 'tool' %}}{SHOWN}{{% endif %}}{{% endfor %}}",
        "results as text",
        asks(HELLO, Turn(calls=CALLS[:1]), Result("1")),
        'user: Hello;assistant: ;f{"n": 0}?user: <tool_response>\n1\n</tool_response>;',
    ),
    (
        f"{EACH}{CONTENT}{{% endfor %}}",
        "calls as text",
        asks(HELLO, Turn("So", calls=CALLS[:1]), Result("1")),
        'user: Hello;assistant: So\n<tool_call>\n{"name": "f", "arguments": {"n": 0}}\n'
        "</tool_call>;tool: 1;",
    ),
    (
        "{% set users = [] %}"
        "{% for m in messages if m.role == 'user' %}{% set _ = users.append(m) %}{% endfor %}"
        f"{EACH}{{% if m.role == 'user' %}}{{% set _ = users.pop() %}}{{% endif %}}"
        f"{{% if m.content and m.role != 'tool' or not users %}}{SHOWN}{{% endif %}}{{% endfor %}}",
        "unpaired results as text, past calls as text",
        asks(HELLO, Turn(calls=CALLS[:1]), Result("1"), HELLO, Turn(calls=CALLS[1:2])),
        'user: Hello;assistant: <tool_call>\n{"name": "f", "arguments": {"n": 0}}\n</tool_call>;'
        'user: <tool_response>\n1\n</tool_response>;user: Hello;assistant: ;g{"n": 1}?',
    ),
    (
        ALL.replace("c.function.arguments | tojson", "'' + c.function.arguments"),
        "arguments as text",
        asks(HELLO, Turn(calls=(CALL,))),
        'user: Hello;assistant: ;get_weather{"city": "Zürich", "days": 2}?',
    ),
    (
        ALL.replace(CONTENT, CONTENT + "{{ m.thinking }}"),
        "reasoning key thinking",
        asks(HELLO, Turn("So.", "Hm.")),
        "user: Hello;assistant: So.;Hm.",
    ),
    (
        ALL.replace(CONTENT, CONTENT + "{{ m.reasoning }}"),
        "reasoning key reasoning",
        asks(HELLO, Turn("So.", "Hm.")),
        "user: Hello;assistant: So.;Hm.",
    ),
    (
        EACH
        + "{% if m.content is string %}{{ m.content }}{% else %}{% for p in m.content %}"
        + "{{ '(' + p.thinking + ')' if p.type == 'thinking' else p.text }}{% endfor %}{% endif %};"
        + CALLED
        + "{% endfor %}",
        "reasoning as content part",
        asks(HELLO, Turn("So.", "Hm."), Turn("", "Oh.", CALLS[:1])),
        'Hello;(Hm.)So.;(Oh.);f{"n": 0}?',
    ),
    ("{{ tools | length }}" + ALL, "empty tools list", asks(HELLO), "0user: Hello;"),
    (
        "{{ '' + functions }}" + ALL,
        "functions as text",
        asks(HELLO, tools=(Tool("f", "Does it.", {}),)),
        '[\n    {\n        "name": "f",\n        "description": "Does it.",\n'
        '        "parameters": {}\n    }\n]user: Hello;',
    ),
]


@pytest.mark.parametrize(("source", "quirks", "asked", "text"), CASES)
def test_a_quirk_is_found_and_met(source: str, quirks: str, asked: Request, text: str) -> None:
    made = template(source)
    assert str(made.quirks) == quirks
    assert made.render(asked).text == text


PROPERTIES = (
    "{% for t in tools or [] %}{{ t.function.name }}"
    "{% for name, p in t.function.parameters.properties | items %}{{ SHOWN }},{% endfor %}"
    "{% endfor %}" + ALL
)


def test_a_template_that_ignores_messages_has_no_quirks() -> None:
    assert str(template("Who knows?").quirks) == ""


@pytest.mark.parametrize(
    ("shown", "quirks", "schema", "text"),
    [
        (
            "'list' if p is not mapping or (p.type is defined and p.type is not string and 1 / 0)"
            " else p.type",
            "one type per property",
            {"type": ["null", "string"]},
            "string",
        ),
        ("p.description + ''", "properties described", {"type": "string"}, ""),
        ("p.description + ''", "properties described", {"description": "Where."}, "Where."),
        (
            "p.description + (p.additionalProperties.x or '' if p.type == 'object' else '')",
            "properties described",
            {"type": "object"},
            "",
        ),
        (
            "(p['items'].type or '') if p is mapping and p.type == 'array'",
            "arrays with items",
            {"type": "array", "items": True},
            "",
        ),
        (
            "p['items'].get('properties', {'o': {'items': ''}}).o['items'] | string"
            " if p is mapping and p.type == 'array'",
            "arrays with items",
            {"items": {"type": "object", "properties": {"o": {"type": "array"}}}, "type": "array"},
            "{}",
        ),
    ],
)
def test_tool_schemas_are_adapted_to_the_template(
    shown: str, quirks: str, schema: Json, text: str
) -> None:
    made = template(PROPERTIES.replace("SHOWN", shown))
    assert str(made.quirks) == quirks
    tool = Tool("f", "", {"type": "object", "properties": {"a": schema}})
    assert made.render(asks(HELLO, tools=(tool,))).text == f"f{text},user: Hello;"
    assert made.render(asks(HELLO, tools=(Tool("f", "", {}),))).text == "fuser: Hello;"


def test_quirks_may_differ_with_and_without_tools() -> None:
    source = "{{ tools[0].function.name }}" + ALL
    made = Template(source, HERMES, NO_TOKENS, f"{EACH}{CONTENT}{{% endfor %}}")
    messages: list[Message] = [HELLO, Turn(calls=CALLS[:1])]
    assert made.render(asks(*messages, tools=(WEATHER,))).text.endswith('assistant: ;f{"n": 0}?')
    assert made.render(asks(*messages)).text.endswith("</tool_call>;")


def test_two_quirks_are_met_together() -> None:
    made = template(refusing("m.role in ('system', 'tool')", CONTENT))
    assert str(made.quirks) == "results as text, calls as text, system in user"


SHIPPED = {path.stem: path for path in (REPO / "templates").glob("*.jinja")}
FROM_A_USER = ("gemma2", "llama2", "llama3", "mistral", "mistral-v1")


@pytest.mark.parametrize("name", SHIPPED)
def test_most_shipped_templates_have_no_quirks(name: str) -> None:
    made = Template(SHIPPED[name].read_text(encoding="utf-8"), HERMES, NO_TOKENS)
    assert made.shows_tools
    assert str(made.quirks) == ("user first" if name in FROM_A_USER else "")
