"""The report on a chat template says what it does and requires."""

from __future__ import annotations

from gateway.prompt.inspect import report
from gateway.prompt.template import Vocabulary
from tests.fakes import REPO
from tests.prompt.chatml import ANY, CALLS, CHATML

SHIPPED = {file.stem: file.read_text() for file in sorted((REPO / "templates").glob("*.jinja"))}

PLAIN = CHATML.replace("SAYS", "{{ message.content }}").replace("{{ tools | tojson }}", "")
HERMES = CHATML.replace("SAYS", "{{ message.content }}" + CALLS)
PICKY = """\
{%- if tools %}{{ tools | tojson }}{% endif %}
{%- for message in messages %}
{%- if message.role == 'system' %}{{ raise_exception('no system') }}{% endif %}
{%- if (message.role == 'user') != (loop.index0 % 2 == 0) and message.role in ('user', 'assistant')
  and not message.tool_calls %}{{ raise_exception('alternate') }}{% endif %}
<{{ message.role }}>
{%- if message.reasoning_content and enable_thinking is not false %}
<think>
{{ message.reasoning_content }}
</think>

{% endif %}{{ message.content }}
{%- for call in message.tool_calls %}
{%- if call.id | length != 9 %}{{ raise_exception('ids have nine letters') }}{% endif %}
<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ '' + call.function.arguments }}}
</tool_call>{{ call.id }}{% endfor %}{{ message.tool_call_id }}
{%- endfor %}
{%- if add_generation_prompt %}<assistant>{% if enable_thinking is false %}(quick){% endif %}
{%- endif %}"""


def found(source: str) -> dict[str, str]:
    return dict(report(source, Vocabulary("<s>", "</s>", {}), SHIPPED))


def test_report_on_a_template_without_quirks() -> None:
    assert found(HERMES) == {
        "format": "hermes",
        "tools": "in `tools`",
        "arguments": "objects",
        "ids": "not written",
        "results": "in the order of their calls",
        "system": "a role of its own",
        "turns": "in any order",
        "reasoning": "no known markers; reasoning is not written into the history",
        "variables": "none of its own",
        "adapted": "nothing",
    }


def test_report_on_a_template_without_tools_names_replacements() -> None:
    findings = found(PLAIN)
    assert findings["format"] == "none: it does not write calls"
    assert findings["tools"].startswith("NOT shown")
    assert "`template: chatml`" in findings["instead"]
    assert "gemma2" not in findings["instead"]


def test_report_on_a_template_for_any_format_says_so() -> None:
    assert found(ANY)["format"] == "unknown: it writes calls in whichever format it is given"


def test_report_lists_requirements() -> None:
    findings = found(PICKY)
    assert findings["format"] == "qwen3"
    assert findings["arguments"] == "JSON strings"
    assert findings["ids"] == "written; 9 letters and digits"
    assert findings["results"] == "in the order of their calls, each with the id of its call"
    assert findings["system"] == "no role of its own; at the start of the first user message"
    assert "alternate" in findings["turns"]
    assert findings["variables"] == "enable_thinking"
    assert "switched by enable_thinking: False or True" in findings["reasoning"]
    assert "reasoning stays in the history" in findings["reasoning"]
    for quirk in ("arguments as text", "system in user", "alternating roles"):
        assert quirk in findings["adapted"]
