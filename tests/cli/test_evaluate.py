"""The `eval` command, against a gateway whose model follows a script."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from gateway.admission.api_keys import new_key
from gateway.cli.evaluate.servers import own_server
from gateway.cli.main import app
from tests.fakes import TOOLS, Script, call, scripted
from tests.served import served

PARIS = {"city": "Paris"}
CALL = scripted(call("get_weather", PARIS))
TEXT = scripted("Hello!")


def evaluate(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["eval", "--model", "m", *arguments])


def files(folder: Path, *lines: dict[str, Any]) -> list[str]:
    tools, cases = folder / "tools.json", folder / "cases.jsonl"
    tools.write_text(json.dumps(TOOLS))
    cases.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return ["--tools", str(tools), "--cases", str(cases)]


@pytest.fixture
def own(tmp_path: Path) -> list[str]:
    """The options for two cases: a call is due, and text."""
    due = {"name": "get_weather", "arguments": PARIS}
    return files(
        tmp_path,
        {"kind": "weather", "messages": "Weather in Paris?", "calls": [due]},
        {"kind": "talk", "messages": "Hello", "calls": []},
    )


def test_the_table_has_a_row_for_each_kind_and_their_total(own: list[str]) -> None:
    with served(Script([CALL, CALL, TEXT])) as url:
        result = evaluate("--base-url", f"{url}/v1", *own)
    _, weather, talk, total = result.stdout.splitlines()
    assert weather.split()[:7] == ["weather", "auto", "1", "of", "1", "100", "%"]
    assert talk.split()[:2] == ["talk", "auto"]
    assert total.split()[:6] == ["all", "2", "of", "2", "100", "%"]
    progress = result.stderr.splitlines()
    assert progress[0].startswith("1/2 cases:1 weather: right, ")


def test_the_json_names_what_is_wrong(own: list[str]) -> None:
    with served(Script([CALL])) as url:
        result = evaluate("--base-url", f"{url}/v1", "--json", *own)
    found = json.loads(result.stdout)
    assert (found["suite"], found["total"]["right"]) == ("cases", 1)
    assert [wrong["causes"] for wrong in found["wrong"]] == [["unexpected call"]]


def test_the_report_has_the_scorecard_and_a_picture(own: list[str], tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    with served(Script([CALL])) as url:
        evaluate("--base-url", f"{url}/v1", "--report", str(page), "--every", "2", *own)
    text = page.read_text()
    assert text.startswith("# m\n")
    assert f"the server at {url}/v1\n" in text
    assert "2 cases of the suite cases, one in 2 of each kind, asked greedily" in text
    assert "](page.svg)" in text
    assert "| weather | auto | 1 of 1 | 100 % | 1 of 1 |" in text
    assert (tmp_path / "page.svg").read_text().startswith("<svg ")


def test_the_api_key_is_sent_and_a_missing_one_is_an_error(
    own: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, key = new_key("ann", None, None)
    with served(Script([CALL]), keys=[key]) as url:
        refused = evaluate("--base-url", f"{url}/v1", *own)
        monkeypatch.setenv("TOOL_GATEWAY_KEY", secret)
        accepted = evaluate("--base-url", f"{url}/v1", *own)
    assert "status 401: " in str(refused.exception)
    assert accepted.exit_code == 0


def test_without_files_the_built_in_cases_are_asked(tmp_path: Path) -> None:
    script = Script([TEXT])
    with served(script) as url:
        result = evaluate("--base-url", f"{url}/v1", "--every", "1000", "--json")
    found = json.loads(result.stdout)
    assert found["suite"] == "built-in"
    assert {row["cases"] for row in found["rows"]} == {1}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--tools", "tools.json"], "give --tools and --cases together, and without --suite"),
        (["--suite", "b"], "no suite 'b'; there is bfcl"),
        (["--suite", "bfcl:a"], "bfcl has no category 'a'; there are simple_python, "),
        (["--report", "no/page.md"], "--report: there is no folder no"),
        (["--tools", "no.json", "--cases", "no.jsonl"], "cannot read no.json: No such file"),
        (["--base-url", "http://127.0.0.1:9/v1"], "no answer from http://127.0.0.1:9/v1/"),
        (["--base-url", "http://a:b/v1"], "--base-url http://a:b/v1 is not a URL: Invalid port"),
        (
            ["--base-url", "localhost"],
            "--base-url localhost is not a URL of a server, such as http",
        ),
        (["--base-url", "127.0.0.1:80/v1"], "is not a URL of a server, such as http"),
        (["--base-url", "http://"], "is not a URL of a server, such as http"),
        (["--config", "no.yaml"], "no.yaml: No such file"),
    ],
)
def test_an_error_is_one_line(arguments: list[str], message: str) -> None:
    error = evaluate(*arguments).exception
    assert message in str(error)
    assert "\n" not in str(error)


def test_the_model_of_an_alias_is_described_by_its_keys_but_not_by_its_folder(
    tmp_path: Path,
) -> None:
    entry = "{source: /home/ann/a.gguf, lora: /home/ann/b.gguf, aliases: [b], preload: true}"
    (tmp_path / "models.yaml").write_text(f"models: {{a: {entry}}}")
    server = own_server("b", tmp_path / "models.yaml")
    assert server.name == "b"
    assert server.about == 'this gateway, with `{"source": "a.gguf", "lora": [["b.gguf", 1.0]]}`'


def test_a_model_that_is_not_in_models_yaml_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "models.yaml").write_text("models: {a: {source: a.gguf}}")
    result = evaluate("--config", str(tmp_path / "models.yaml"))
    assert str(result.exception).endswith("; the models are a")
