"""`tool-gateway serve` while a model is being downloaded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest

from tests.cli.terminal import CTRL_C, Process, ended, terminal, text
from tests.hub.fake_hub import FakeHub, hub, weights

QUARTER = "25 % of 100 kB"
MODELS = """
models:
  tiny: {source: "hf:owner/repo:Q8_0", template: chatml, format: hermes, preload: true}
"""


@pytest.fixture
def fake() -> Iterator[FakeHub]:
    """A hub that stalls after a quarter of a file."""
    with hub({"tiny-Q8_0.gguf": weights()}) as one:
        one.stalls_at = 25_000
        yield one


@dataclass(frozen=True)
class Serving:
    """A gateway in a terminal that has downloaded a quarter of its model."""

    process: Process
    url: str


@pytest.fixture
def serving(fake: FakeHub, tmp_path: Path) -> Iterator[Serving]:
    (tmp_path / "models.yaml").write_text(MODELS)
    own = fake.environment(tmp_path)
    with terminal("serve", "--port", "0", folder=tmp_path, environment=own) as process:
        process.expect(r"listening at http://[\d.:]+")
        url = str(process.after).removeprefix("listening at ")
        process.expect(f"downloading tiny: {QUARTER}")
        yield Serving(process, url)


@pytest.mark.parametrize("by", ["Ctrl-C", "SIGTERM"])
def test_it_ends_at_once_with_the_download(serving: Serving, by: str) -> None:
    gateway = psutil.Process(serving.process.pid)
    [download] = [child for child in gateway.children() if "gateway.hub" in child.cmdline()]
    if by == "Ctrl-C":
        serving.process.send(CTRL_C)
    else:
        gateway.terminate()
    _, shown = ended(serving.process)
    assert "Traceback" not in shown
    assert not download.is_running()


def test_ps_shows_the_download_on_a_narrow_terminal(serving: Serving) -> None:
    with terminal("ps", "--url", serving.url, columns=60) as process:
        process.expect(QUARTER)
        shown = text(f"{process.before}")
        process.send(CTRL_C)
        status, _ = ended(process)
    assert status == 0
    assert "downloading 25%" in shown
    assert max(map(len, shown.splitlines())) <= 60


def test_health_has_the_bytes(serving: Serving) -> None:
    progress = httpx.get(f"{serving.url}/health").json()["progress"]["tiny"]
    assert (progress["stage"], progress["share"]) == ("downloading", 0.25)
    assert (progress["done_bytes"], progress["total_bytes"]) == (25_000, 100_000)
