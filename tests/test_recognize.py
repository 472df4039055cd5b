"""The format of a chat template is found by what the template writes."""

from __future__ import annotations

import pytest

from gateway.errors import ConfigError
from gateway.prompt import Template, Vocabulary
from gateway.recognize import format_of, shown
from gateway.turns import Call, Turn
from gateway.wire.detect import detect
from gateway.wire.encode import encode
from gateway.wire.families import FAMILIES, HERMES, QWEN3
from gateway.wire.format import Format

VOCABULARY = Vocabulary("<s>", "</s>", {})

CHATML = """\
{% if tools %}{{ tools | tojson }}{% endif %}
{%- for message in messages -%}
<|im_start|>{{ message.role }}
{% if message.role == 'assistant' %}SAYS{% else %}{{ message.content }}{% endif %}<|im_end|>
{% endfor %}
{%- if add_generation_prompt %}<|im_start|>assistant
{% endif -%}
"""
ANY = CHATML.replace("SAYS", "{{ message | turn }}")
CALLS = r"""{% for call in message.tool_calls %}{{ '\n' }}<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</tool_call>{% endfor %}"""
DEAF = CHATML.replace("SAYS", "{{ message.content }}")
TURNS = (Turn("Hm.", "So.", (Call("f", {"a": 1, "b": "x"}, "abcdefghi"),)), Turn("Yes.", "So."))


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_what_a_family_writes_tells_its_format(family: Format) -> None:
    found = detect(shown(Template(ANY, family, VOCABULARY)))
    assert [encode(found, turn) for turn in TURNS] == [encode(family, turn) for turn in TURNS]


def test_a_template_that_cuts_thoughts_out_of_the_past_is_a_thinking_models() -> None:
    said = "{{ message.content }}"
    cut = "{{ message.content if loop.last else message.content.split('</think>')[-1] }}"
    assert format_of(CHATML.replace("SAYS", said + CALLS), VOCABULARY) is HERMES
    assert format_of(CHATML.replace("SAYS", cut + CALLS), VOCABULARY) is QWEN3


def test_instructions_tell_the_format_where_calls_are_not_written() -> None:
    told = DEAF + "{% if tools %}Write <|action_start|><|plugin|>{...}<|action_end|>.{% endif %}"
    assert format_of(told, VOCABULARY).name == "internlm2"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (ANY, "whichever format it is given"),
        (DEAF, "it does not write calls, nor tell the model how"),
        (CHATML.replace("SAYS", "<do>{{ message.tool_calls }}</do>"), "as no known format does"),
    ],
)
def test_a_template_that_does_not_tell_is_refused_with_the_reason(source: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        format_of(source, VOCABULARY)
