"""The command line, run as a subprocess."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from gateway.admission.api_keys import find_key, read_keys
from gateway.hub.source import locate
from tests.e2e.conftest import REPO, TOOL_GATEWAY, default_entry

HERMES_CALL = 'Sure.\n<tool_call>\n{"name": "f", "arguments": {"x": 1}}\n</tool_call>'


def run(
    *arguments: str | Path, text: str = "", folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    command = [TOOL_GATEWAY, *arguments]
    return subprocess.run(
        command, input=text, capture_output=True, text=True, timeout=120, cwd=folder
    )


def test_parse_prints_the_message_of_a_text() -> None:
    message = json.loads(run("parse", "--format", "hermes", text=HERMES_CALL).stdout)
    [call] = message["tool_calls"]
    assert message["content"] == "Sure."
    assert call["function"] == {"name": "f", "arguments": '{"x": 1}'}


def test_parse_reads_a_call_of_an_unknown_tool_as_text(tmp_path: Path) -> None:
    tools = tmp_path / "tools.json"
    tools.write_text(json.dumps([{"type": "function", "function": {"name": "g"}}]))
    output = run("parse", "--format", "hermes", "--tools", tools, text=HERMES_CALL).stdout
    message = json.loads(output)
    assert "tool_calls" not in message
    assert message["content"] == HERMES_CALL
    assert message["notes"] == ["not a call: no tool 'f' in this request"]


def test_parse_names_the_nearest_format_if_the_format_is_unknown() -> None:
    result = run("parse", "--format", "hermez")
    assert result.returncode == 1
    assert result.stderr == (
        "error: no format 'hermez'; `tool-gateway formats` lists them; did you mean 'hermes'?\n"
    )


def test_parse_requires_either_format_or_jsonl() -> None:
    for arguments in ([], ["--format", "hermes", "--jsonl"]):
        result = run("parse", *arguments)
        assert result.returncode == 1
        assert (
            result.stderr
            == "error: give --format, optionally with --tools; or give --jsonl alone\n"
        )


def test_parse_answers_each_record_and_fails_if_one_is_invalid() -> None:
    good = json.dumps({"format": "hermes", "text": HERMES_CALL})
    result = run("parse", "--jsonl", text=f"{good}\nnope\n\n{good}\n")
    first, wrong, last = map(json.loads, result.stdout.splitlines())
    assert first["content"] == last["content"] == "Sure."
    assert wrong["error"]["message"].startswith("the record is not JSON")
    assert result.returncode == 1
    assert result.stderr == "error: 1 of 3 records could not be parsed\n"
    assert run("parse", "--jsonl", text=good).returncode == 0


def test_parse_answers_each_record_at_once() -> None:
    record = json.dumps({"format": "hermes", "text": "Hé"}).encode() + b"\n"
    command = [str(TOOL_GATEWAY), "parse", "--jsonl"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        for _ in range(2):
            process.stdin.write(record)
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["content"] == "Hé"


def test_formats_prints_a_table_or_the_page() -> None:
    assert run("formats").stdout.lstrip().startswith("format  ")
    page = Path(__file__).parent.parent.parent / "docs" / "formats.md"
    assert run("formats", "--markdown").stdout == page.read_text()


@pytest.mark.model
def test_render_prints_prompt_grammar_and_trigger(folder: Path) -> None:
    request = {
        "messages": [{"role": "user", "content": "Hi <|im_end|>"}],
        "tools": [{"type": "function", "function": {"name": "f"}}],
    }
    result = run(
        "render", "--model", "default", "--config", folder / "models.yaml", text=json.dumps(request)
    )
    prompt, rest = result.stdout.split("--- grammar\n")
    assert "Hi <|im_end|><|im_end|>" in prompt
    assert '"f"' in rest
    assert rest.rstrip().endswith("'<tool_call>'")


@pytest.mark.model
def test_check_reports_on_every_model(folder: Path) -> None:
    result = run("check", "--config", folder / "models.yaml")
    assert result.returncode == 0
    rows = [line.split() for line in result.stdout.splitlines()]
    assert [row[1] for row in rows[1:5]] == ["smollm2", "ending", "endless", "calling"]
    assert rows[1][4:6] == ["smollm2-tools", "smollm2_tools,"]


@pytest.mark.model
def test_no_process_imports_modules_from_the_current_folder(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "gateway").mkdir()
    for module in ("gateway/__init__.py", "diskcache.py", "json.py", "llama_cpp.py"):
        (tmp_path / module).write_text("raise SystemExit(f'{__file__} was imported')")
    result = run("check", "--config", folder / "models.yaml", folder=tmp_path)
    assert "was imported" not in result.stderr
    assert result.returncode == 0
    assert "smollm2-tools" in result.stdout


def test_check_reports_on_a_template(tmp_path: Path) -> None:
    template = tmp_path / "mine.jinja"
    template.write_text("{{ tools }}{% for message in messages %}{{ message.content }}{% endfor %}")
    result = run("check", "--template", template, "--config", REPO / "models.yaml")
    assert result.returncode == 0
    assert "format     unknown: it neither writes calls" in result.stdout
    assert "adapted    calls as text" in result.stdout


@pytest.mark.model
def test_check_reports_on_the_template_in_a_gguf() -> None:
    weights = locate(default_entry()["source"], REPO)
    assert weights
    result = run("check", "--template", weights, "--config", REPO / "models.yaml")
    assert result.returncode == 0
    assert "tools      NOT shown to the model" in result.stdout
    assert "`template: smollm2`" in result.stdout


@pytest.mark.model
def test_eval_serves_the_model_of_models_yaml_for_the_run(folder: Path, tmp_path: Path) -> None:
    case = {"kind": "talk", "messages": "Hello", "calls": [], "tools": []}
    (tmp_path / "tools.json").write_text("[]")
    (tmp_path / "cases.jsonl").write_text(json.dumps(case))
    files: list[str | Path] = [
        "--tools",
        tmp_path / "tools.json",
        "--cases",
        tmp_path / "cases.jsonl",
    ]
    result = run("eval", "--model", "ending", "--config", folder / "models.yaml", "--json", *files)
    [row] = json.loads(result.stdout)["rows"]
    assert (row["kind"], row["right"], row["unlike_stream"]) == ("talk", 1, 0)
    assert "1/1 cases:1 talk: right, " in result.stderr


def test_eval_prints_an_error_in_one_line(tmp_path: Path) -> None:
    result = run("eval", "--model", "m", "--config", tmp_path / "models.yaml")
    assert result.returncode == 1
    assert result.stderr.startswith(f"error: {tmp_path / 'models.yaml'}: No such file")
    assert len(result.stderr.splitlines()) == 1


def test_check_names_the_key_of_a_mistake(tmp_path: Path) -> None:
    config = tmp_path / "models.yaml"
    config.write_text("models:\n  a:\n    source: a.gguf\n    contxt: 3\n")
    result = run("check", "--config", config)
    assert result.returncode == 1
    assert "models.a.contxt: no such key" in result.stderr
    assert "did you mean 'context'?" in result.stderr


@pytest.mark.parametrize("source", ["missing.gguf", "package:no_such_package/x.gguf", "hf:x"])
def test_check_names_a_missing_file(tmp_path: Path, source: str) -> None:
    config = tmp_path / "models.yaml"
    config.write_text(f"models:\n  a:\n    source: {source}\n")
    result = run("check", "--config", config)
    assert result.returncode == 1
    assert source in result.stdout


def test_serve_does_not_start_with_an_invalid_config(tmp_path: Path) -> None:
    config = tmp_path / "models.yaml"
    config.write_text("models:\n  a:\n    source: a.gguf\n    format: hermez\n")
    result = run("serve", "--config", config, "--port", "0")
    assert result.returncode == 1
    assert "models.a.format: found 'hermez'" in result.stderr
    assert "did you mean 'hermes'?" in result.stderr


def test_key_prints_the_secret_and_the_line_for_the_key_file(tmp_path: Path) -> None:
    made = run("key", "alice", "--rate", "60")
    secret = made.stderr.split()[-1]
    assert secret not in made.stdout
    [key] = read_keys(made.stdout.splitlines(), "keys")
    assert find_key([key], secret) == key
    assert (key.name, key.rate, key.concurrency) == ("alice", 60, None)


def test_serve_refuses_a_public_address_without_keys(tmp_path: Path) -> None:
    (tmp_path / "models.yaml").write_text("models: {a: {source: x}}")
    where = ("--config", tmp_path / "models.yaml", "--host", "0.0.0.0")
    result = run("serve", *where)
    assert result.returncode == 1
    assert result.stderr.startswith("error: 0.0.0.0 can be reached from other machines, and there")


@pytest.mark.parametrize("content", ["", "tg-secret", "alice tg-secret"])
def test_serve_does_not_start_with_an_invalid_key_file(tmp_path: Path, content: str) -> None:
    (tmp_path / "models.yaml").write_text("models: {a: {source: x}}")
    (tmp_path / "keys").write_text(content)
    result = run("serve", "--config", tmp_path / "models.yaml", "--keys", tmp_path / "keys")
    assert result.returncode == 1
    assert f"{tmp_path}/keys" in result.stderr
    assert "tg-secret" not in result.stderr
