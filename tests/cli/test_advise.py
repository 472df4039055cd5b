"""`eval --advise`, with a model that writes every call in one format."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest
import yaml
from msgspec.structs import replace
from typer.testing import CliRunner, Result

from gateway.app import create_app
from gateway.chat.messages import Call
from gateway.cli.evaluate import advise, servers
from gateway.cli.evaluate.variants import Variant, with_other_keys, with_other_templates
from gateway.cli.main import app
from gateway.config.load import Entry
from gateway.formats.encode import encode_calls
from gateway.formats.families import FAMILIES
from gateway.prompt.template import Vocabulary
from tests.cli.test_evaluate import PARIS, files
from tests.fakes import INFO, REPO, Script, no_memory, scripted
from tests.prompt.chatml import CALLS, CHATML

QWEN = (REPO / "templates" / "qwen.jinja").read_text()
PYTHON_CALL = encode_calls(FAMILIES["llama4"], [Call("get_weather", {**PARIS})])
VOCABULARY = Vocabulary("", "", {})
ENTRY = Entry(source="models.yaml", format="hermes")


def test_templates_with_the_same_turns_are_tried_in_the_formats_that_they_explain(
    tmp_path: Path,
) -> None:
    configured, *others = with_other_templates(ENTRY, QWEN, VOCABULARY, tmp_path)
    assert (str(configured), configured.entry) == ("as configured", ENTRY)
    tried = [(found.entry.template, found.entry.format) for found in others]
    assert ("chatml", "llama3") in tried
    assert [format for template, format in tried if template == "hermes"] == ["hermes"]
    assert "gemma2" not in dict(tried)
    assert ("gguf", "hermes") not in tried


def test_what_is_configured_is_tried_once(tmp_path: Path) -> None:
    entry = ENTRY.model_copy(update={"template": "hermes"})
    found = with_other_templates(entry, QWEN, VOCABULARY, tmp_path)
    tried = [(variant.entry.template, variant.entry.format) for variant in found]
    assert len(set(tried)) == len(tried)
    assert ("gguf", "hermes") in tried[1:]


def test_a_format_that_is_not_configured_is_detected(tmp_path: Path) -> None:
    own = CHATML.replace("SAYS", "{{ message.content }}" + CALLS)
    configured, *_ = with_other_templates(Entry(source="a"), own, VOCABULARY, tmp_path)
    assert configured.format == "hermes"


def test_each_other_key_is_changed_alone() -> None:
    assert [str(found) for found in with_other_keys(Variant(ENTRY, "hermes"))] == [
        "json_calls: false",
        "tool_call_threshold: 0.2",
        "tool_call_threshold: 0.5",
        "tool_call_threshold: 0.8",
    ]


def test_thinking_is_switched_off_only_in_a_format_with_thoughts() -> None:
    entry = ENTRY.model_copy(update={"tool_call_threshold": 0.1})
    found = with_other_keys(Variant(entry, "qwen3"))
    assert [str(variant) for variant in found] == ["json_calls: false", "thinking_budget: 0"]


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The options for a model that calls as in Python, in a case in which a call is due."""

    async def launch(*_: object) -> Script:
        info = replace(INFO, chat_templates={"default": QWEN})
        return Script([scripted(PYTHON_CALL)], info=info)

    async def template_of(_: Path) -> tuple[str, Vocabulary]:
        return QWEN, VOCABULARY

    make = partial(create_app, launch=launch, estimate=no_memory)
    monkeypatch.setattr(servers, "create_app", make)
    monkeypatch.setattr(advise, "template_of", template_of)
    (tmp_path / "m.gguf").touch()
    entries = {
        "m": {"source": "m.gguf", "format": "hermes", "aliases": ["alias"]},
        "vectors": {"source": "m.gguf", "embeddings": True},
    }
    (tmp_path / "models.yaml").write_text(yaml.safe_dump({"models": entries}))
    due = {"name": "get_weather", "arguments": PARIS}
    own = files(tmp_path, {"kind": "weather", "messages": "Weather in Paris?", "calls": [due]})
    return ["--config", str(tmp_path / "models.yaml"), *own]


def run(model: str, *options: str) -> Result:
    return CliRunner().invoke(app, ["eval", "--model", model, "--advise", *options])


def test_the_advice_is_the_best_variant_as_lines_of_models_yaml(options: list[str]) -> None:
    result = run("alias", *options)
    table, _, advice = result.stdout.partition("\nThe best settings. In models.yaml:\n\n")
    rows = [line.split("  ")[0] for line in table.splitlines()]
    assert rows[:2] == ["VARIANT", "as configured"]
    assert rows[-1] == "template: chatml, format: llama4, tool_call_threshold: 0.8"
    found = yaml.safe_load(advice)
    assert found == {"models": {"m": {"template": "chatml", "format": "llama4"}}}
    assert "--- template: chatml, format: llama4\n" in result.stderr


def test_the_advice_as_json_has_every_trial(options: list[str]) -> None:
    found = json.loads(run("m", "--json", *options).stdout)
    assert found["advice"] == {"template": "chatml", "format": "llama4"}
    right = [trial["changes"] for trial in found["trials"] if trial["total"]["right"] == 1]
    assert {changes["format"] for changes in right} == {"llama4"}


def test_the_answers_of_each_variant_are_kept(options: list[str], tmp_path: Path) -> None:
    kept = tmp_path / "answers.jsonl"
    first = run("m", "--answers", str(kept), *options).stdout
    count = len(kept.read_text().splitlines())
    again = run("m", "--answers", str(kept), *options).stdout
    assert again == first
    assert len(kept.read_text().splitlines()) == count


def test_without_a_better_variant_nothing_is_advised(
    options: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def template_of(_: Path) -> tuple[str, Vocabulary]:
        return "no template of ours has these turns", VOCABULARY

    monkeypatch.setattr(advise, "template_of", template_of)
    last = run("m", *options).stdout.splitlines()[-1]
    assert last == "Nothing is better than the settings in models.yaml."


@pytest.mark.parametrize(
    ("model", "more", "message"),
    [
        ("vectors", [], "--advise needs a GGUF that generates text; vectors is none"),
        ("m", ["--base-url", "http://127.0.0.1:9/v1"], "--advise compares settings of models.yaml"),
        ("m", ["--report", "page.md"], "--advise compares settings of models.yaml"),
    ],
)
def test_what_advice_is_not_for_is_an_error(
    options: list[str], model: str, more: list[str], message: str
) -> None:
    assert message in str(run(model, *options, *more).exception)
