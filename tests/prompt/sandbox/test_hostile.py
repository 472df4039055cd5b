"""A template from an untrusted source can neither block the gateway nor fill its memory."""

from __future__ import annotations

import msgspec
import pytest

from gateway.chat.messages import Speech
from gateway.chat.request import Request
from gateway.errors import BadRequest, ConfigError
from gateway.formats.families import HERMES
from gateway.prompt.template import Template, Vocabulary
from tests.fakes import INFO, Script, chat, gateway, scripted
from tests.prompt.sandbox.hostile import COMPILED, ENDLESS, GROW, LARGE, REACHING
from tests.prompt.sandbox.trial import tried

VOCABULARY = Vocabulary("", "", {})
HELLO = Request("m", (Speech("user", "Hello"),))


@pytest.mark.parametrize("name", ENDLESS)
def test_an_endless_template_is_stopped(name: str) -> None:
    kind, text = tried(ENDLESS[name])
    assert kind in ("ConfigError", "BadRequest"), text
    assert len(text) < 1200


@pytest.mark.parametrize("name", LARGE)
def test_a_template_that_would_fill_the_memory_is_stopped(name: str) -> None:
    kind, text = tried(LARGE[name])
    assert kind in ("ConfigError", "BadRequest"), text


@pytest.mark.parametrize("name", COMPILED)
def test_a_template_that_can_not_be_compiled_is_an_error(name: str) -> None:
    kind, text = tried(COMPILED[name])
    assert kind in ("ConfigError", "BadRequest"), text


@pytest.mark.parametrize("name", REACHING)
def test_a_template_can_not_reach_other_objects(name: str) -> None:
    kind, text = tried(REACHING[name])
    assert kind in ("ConfigError", "BadRequest") or text in ("", "[Undefined]"), text


def test_a_template_that_passes_its_trials_is_still_metered() -> None:
    bomb = "{{ 'a' * 99999999999 }}"
    hides = f"{{% if messages[0].content == 'now' %}}{bomb}{{% endif %}}{{{{ messages }}}}"
    template = Template(hides, HERMES, VOCABULARY)
    assert template.render(HELLO).text
    with pytest.raises(BadRequest, match="works for too long"):
        template.render(Request("m", (Speech("user", "now"),)))


def test_a_template_that_exceeds_the_trial_budget_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="works for too long"):
        Template("{{ 'a' * 99999999999 }}{{ messages }}", HERMES, VOCABULARY)


def test_a_long_error_is_truncated() -> None:
    with pytest.raises(BadRequest) as caught:
        Template("{{ raise_exception('a' * 9999) }}", HERMES, VOCABULARY).render(HELLO)
    assert len(caught.value.message) < 1100


def test_a_template_may_append_to_a_list() -> None:
    source = GROW + "{% set _ = n.l.append(2) %}{{ n.l }}{{ messages | length }}"
    assert Template(source, HERMES, VOCABULARY).render(HELLO).text == "[1, 2]1"


def test_a_method_of_an_object_takes_precedence_over_its_key() -> None:
    source = "{{ messages }}{% set o = {'items': 1, 'a': 2} %}{{ o.items() | length }}{{ o.a }}"
    assert Template(source, HERMES, VOCABULARY).render(HELLO).text.endswith("22")


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("o.items", ""),
        ("o['items']", ""),
        ("o.items is defined", "False"),
        ("[o] | map(attribute='items') | first", ""),
        ("[o] | selectattr('items') | list", "[]"),
        ("{'items': 3}.items", "3"),
        ("{'items': 3}['items']", "3"),
        ("o.items() | list", "[('a', 2)]"),
        ("o.get('a')", "2"),
    ],
)
def test_the_name_of_a_method_is_a_key_unless_it_is_called(expression: str, text: str) -> None:
    source = f"{{% set o = {{'a': 2}} %}}{{{{ messages and ({expression}) }}}}"
    assert Template(source, HERMES, VOCABULARY).render(HELLO).text == text


@pytest.mark.parametrize(
    ("source", "status"),
    [("{{ 'a' * 99999999999 }}", 424), ("{% if", 424), ("{{ raise_exception('no') }}", 400)],
)
async def test_a_bad_template_is_an_error_response_over_http(source: str, status: int) -> None:
    info = msgspec.structs.replace(INFO, chat_templates={"default": source})
    async with gateway(Script([scripted("Hi")], info), template="gguf") as client:
        answer = await client.post("/chat/completions", json=chat())
    assert answer.status_code == status, answer.text
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
