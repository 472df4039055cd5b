"""The format of a chat template is detected from what the template writes."""

from __future__ import annotations

import pytest

from gateway.chat.messages import Call, Turn
from gateway.errors import ConfigError
from gateway.formats.encode import encode
from gateway.formats.families import FAMILIES, HERMES, QWEN3
from gateway.formats.format import Format
from gateway.prompt.detect_format import (
    detect_format,
    format_of_calls,
    format_written_instead,
    formats_of,
)
from gateway.prompt.format_probe import probe
from gateway.prompt.template import Template, Vocabulary
from tests.formats.officials import FAMILY_OF, OFFICIAL, OFFICIALS, OTHERS, TOOLLESS
from tests.prompt.chatml import ANY, CALLS, CHATML

VOCABULARY = Vocabulary("<s>", "</s>", {})

DEAF = CHATML.replace("SAYS", "{{ message.content }}")
TURNS = (Turn("Hm.", "So.", (Call("f", {"a": 1, "b": "x"}, "abcdefghi"),)), Turn("Yes.", "So."))


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_format_is_detected_from_written_calls(family: Format) -> None:
    found = format_of_calls(probe(Template(ANY, family, VOCABULARY)))
    assert [encode(found, turn) for turn in TURNS] == [encode(family, turn) for turn in TURNS]


def test_format_with_reasoning_is_detected_if_earlier_reasoning_is_removed() -> None:
    said = "{{ message.content }}"
    cut = "{{ message.content if loop.last else message.content.split('</think>')[-1] }}"
    assert detect_format(CHATML.replace("SAYS", said + CALLS), VOCABULARY) is HERMES
    assert detect_format(CHATML.replace("SAYS", cut + CALLS), VOCABULARY) is QWEN3


def test_format_is_detected_from_instructions() -> None:
    told = DEAF + "{% if tools %}Write <|action_start|><|plugin|>{...}<|action_end|>.{% endif %}"
    assert detect_format(told, VOCABULARY).name == "internlm2"


def test_format_is_detected_from_tags_around_results() -> None:
    told = DEAF.replace(
        "{{ message.content }}", "<|tool_response_start|>{{ message.content }}<|tool_response_end|>"
    )
    assert detect_format(told, VOCABULARY).name == "lfm2"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (ANY, "whichever format it is given"),
        (DEAF, "it neither writes calls nor describes them to the model"),
        (CHATML.replace("SAYS", "<do>{{ message.tool_calls }}</do>"), "as no known format does"),
    ],
)
def test_an_unknown_format_is_reported_with_the_reason(source: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        detect_format(source, VOCABULARY)


REASONS = {
    "LFM2.5-Instruct": "neither writes calls",
}
TOLD = {"ibm-granite-granite-3.3-2B-Instruct": "granite3", "LFM2-8B-A1B": "lfm2"}
TOOLLESS_BUT_THINKING = {
    "HuggingFaceTB-SmolLM3-3B",
    "deepseek-ai-DeepSeek-R1-Distill-Llama-8B",
    "llama-cpp-rwkv-world",
}


@pytest.mark.vendors
@pytest.mark.parametrize("path", [*OFFICIALS, *OTHERS])
def test_format_of_an_official_template_is_detected_or_the_reason_reported(path: str) -> None:
    source = (OFFICIAL / f"{path}.jinja").read_text(encoding="utf-8")
    if path in REASONS:
        with pytest.raises(ConfigError, match=REASONS[path]):
            detect_format(source, VOCABULARY)
    elif path in OTHERS and OTHERS[path][1].startswith(TOOLLESS):
        thinks = path in TOOLLESS_BUT_THINKING
        assert detect_format(source, VOCABULARY) is (QWEN3 if thinks else HERMES)
    else:
        assert detect_format(source, VOCABULARY).name == (FAMILY_OF | TOLD)[path]


def test_a_template_is_used_with_the_formats_that_it_explains() -> None:
    known = [HERMES, FAMILIES["llama3"]]
    told = ANY + "{% if tools %}Write <tool_call>...</tool_call>.{% endif %}"
    call = "{'id': 'abcdefghi', 'function': {'name': 'f', 'arguments': {'a': 1}}}"
    taught = ANY + f"{{% if tools %}}{{{{ {{'tool_calls': [{call}]}} | turn }}}}{{% endif %}}"
    written = CHATML.replace("SAYS", "{{ message.content }}" + CALLS)
    assert formats_of(told, VOCABULARY, known) == [HERMES]
    assert formats_of(taught, VOCABULARY, known) == known
    assert formats_of(written, VOCABULARY, known) == [HERMES]
    assert formats_of(ANY, VOCABULARY, known) == []


@pytest.mark.parametrize(
    ("source", "format", "instead"),
    [
        (CHATML.replace("SAYS", "{{ message.content }}" + CALLS), "llama3", "hermes"),
        (CHATML.replace("SAYS", "{{ message.content }}" + CALLS), "hermes", None),
        (CHATML.replace("SAYS", "{{ message.content }}" + CALLS), "qwen3", None),
        (ANY, "llama3", None),
        (DEAF, "llama3", None),
        (CHATML.replace("SAYS", "<do>{{ message.tool_calls }}</do>"), "llama3", None),
    ],
)
def test_a_template_contradicts_a_format_that_does_not_read_its_calls(
    source: str, format: str, instead: str | None
) -> None:
    found = format_written_instead(source, VOCABULARY, FAMILIES[format])
    assert (found and found.name) == instead


@pytest.mark.vendors
@pytest.mark.parametrize("path", OFFICIALS)
def test_no_official_template_contradicts_its_own_format(path: str) -> None:
    source = (OFFICIAL / f"{path}.jinja").read_text(encoding="utf-8")
    assert format_written_instead(source, VOCABULARY, FAMILIES[FAMILY_OF[path]]) is None
