"""A chat that starts a gateway of its own."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests import numerics, reciters
from tests.cli.chat.test_chat import CTRL_D, READY, asked
from tests.cli.chat.test_one_shot import run
from tests.cli.terminal import CTRL_C, Process, ended, terminal
from tests.e2e.conftest import default_entry
from tests.fakes import REPO
from tests.hub.fake_hub import hub, weights

pytestmark = pytest.mark.model


@pytest.fixture
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of temporary files."""
    monkeypatch.setenv("TMPDIR", str(tmp_path / "logs"))
    (tmp_path / "logs").mkdir()
    return tmp_path / "logs"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A models.yaml whose model recites words, and then ends."""
    return write(tmp_path, reciters.entry(reciters.ending(tmp_path), aliases=["reciter"]))


def write(folder: Path, entry: dict[str, Any]) -> Path:
    """Writes a models.yaml with the model `m`."""
    (folder / "templates").symlink_to(REPO / "templates")
    path = folder / "models.yaml"
    path.write_text(json.dumps({"models": {"m": entry}}))  # YAML includes JSON
    return path


def children(process: Process) -> list[psutil.Process]:
    """The gateway, its worker, and what these start."""
    found = psutil.Process(process.pid).children(recursive=True)
    assert len(found) >= 2, [one.cmdline() for one in found]
    return found


def test_a_prompt_is_answered_and_nothing_is_left_behind(config: Path, logs: Path) -> None:
    done = run("reciter", "Hi", "--config", config)
    assert (done.returncode, done.stdout, done.stderr) == (0, reciters.recited() + "\n", "")
    assert [*logs.iterdir()] == []


def test_keys_that_are_set_for_another_gateway_are_not_asked_for(
    config: Path, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOOL_GATEWAY_KEYS", "alice " + "0" * 64)
    assert run("m", "Hi", "--config", config).returncode == 0


def test_the_gateway_ends_with_the_chat(config: Path, logs: Path) -> None:
    with terminal("run", "--config", config) as process:
        process.expect_exact(READY)
        found = children(process)
        process.send(CTRL_D)
        assert ended(process)[0] == 0
    assert psutil.wait_procs(found, timeout=20)[1] == []


@pytest.mark.parametrize(
    ("number", "kept"), [(signal.SIGHUP, 0), (signal.SIGTERM, 0), (signal.SIGKILL, 1)]
)
def test_the_gateway_ends_with_a_chat_that_is_killed(
    number: signal.Signals, kept: int, config: Path, logs: Path
) -> None:
    with terminal("run", "--config", config) as process:
        process.expect_exact(READY)
        found = children(process)
        process.kill(number)
        ended(process)
        assert psutil.wait_procs(found, timeout=20)[1] == []
    assert len([*logs.iterdir()]) == kept


def test_a_mistake_leaves_no_log(config: Path, logs: Path) -> None:
    done = run("nothing", "Hi", "--config", config)
    assert done.stderr == "error: no model 'nothing' to chat with; there are m\n"
    assert [*logs.iterdir()] == []


def test_a_gateway_that_ends_during_the_chat_is_reported_with_its_log(
    config: Path, logs: Path
) -> None:
    with terminal("run", "--config", config) as process:
        process.expect_exact(READY)
        children(process)[0].kill()
        assert "error: " in asked(process, "Hi")
        process.send(CTRL_D)
        status, shown = ended(process)
    [log] = logs.iterdir()
    assert status == 1
    assert "the gateway ended: " in shown
    assert log.name in shown


def test_ctrl_c_while_the_gateway_starts_ends_the_chat(config: Path, logs: Path) -> None:
    with terminal("run", "--config", config) as process:
        process.expect_exact("starting a gateway")
        process.send(CTRL_C)
        status, shown = ended(process)
    assert (status, "Traceback" in shown) == (130, False)
    assert [*logs.iterdir()] == []


def test_a_file_is_served_for_the_chat(model_path: Path, logs: Path) -> None:
    with terminal("run", model_path) as process:
        process.expect_exact(f"{model_path.stem}: /help")
        process.expect_exact(READY)


def test_a_model_on_the_hub_is_downloaded_and_served(
    model_path: Path, tmp_path: Path, logs: Path
) -> None:
    with hub({"tiny-Q4_1.gguf": model_path.read_bytes()}) as fake:
        variables = fake.environment(tmp_path)
        with terminal("run", "hf:owner/repo", environment=variables) as process:
            process.expect_exact("tiny-Q4_1: /help")
            process.expect_exact(READY)


def test_the_error_of_a_gateway_that_does_not_start_is_that_of_serve(
    tmp_path: Path, logs: Path
) -> None:
    (tmp_path / "a.gguf").write_text("a letter")
    done = run(tmp_path / "a.gguf", "Hi")
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {tmp_path / 'a.gguf'} is not a valid GGUF file: ")
    assert done.stderr.count("\n") == 1
    assert [*logs.iterdir()] == []


def test_the_default_model_calls_a_function(tmp_path: Path, logs: Path) -> None:
    functions = tmp_path / "functions.py"
    functions.write_text(
        "def get_weather(city: str) -> str:\n"
        '    """Get the current weather in a city.\n\n'
        '    Args:\n        city: The city\n    """\n'
        '    return f"18 degrees celsius and sunny in {city}"\n'
    )
    entry = numerics.entry(**{**default_entry(), "sampling": {"temperature": 0}})
    write(tmp_path, entry)
    with terminal(
        *("run", "m", "--config", tmp_path / "models.yaml", "--tools", functions, "--yes")
    ) as process:
        process.expect_exact(READY)
        shown = asked(process, "What is the weather in Paris?")
    assert 'get_weather({"city": "Paris"})\n→ 18 degrees celsius and sunny in Paris\n' in shown
    assert "18" in shown.partition("→")[2].partition("\n")[2]


def test_a_download_is_shown_and_ctrl_c_ends_it_at_once(tmp_path: Path, logs: Path) -> None:
    with hub({"tiny-Q8_0.gguf": weights()}) as fake:
        fake.stalls_at = 25_000
        path = write(tmp_path, {"source": "hf:owner/repo:Q8_0", "format": "hermes"})
        variables = fake.environment(tmp_path)
        with terminal("run", "--config", path, environment=variables) as process:
            process.expect_exact("loading m: downloading 25 % of 100 kB")
            found = psutil.Process(process.pid).children(recursive=True)
            process.send(CTRL_C)
            status, shown = ended(process)
    assert (status, "Traceback" in shown) == (130, False)
    assert psutil.wait_procs(found, timeout=20)[1] == []
