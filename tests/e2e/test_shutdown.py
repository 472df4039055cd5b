"""SIGTERM under streams: they get their time, then an error; who comes meanwhile is told."""

from __future__ import annotations

import signal
from pathlib import Path

import httpx
import openai
import pytest
import yaml
from openai import OpenAI
from openai.types.chat import ChatCompletionMessageParam

from tests.e2e.conftest import REPO, serving, unused_port

pytestmark = pytest.mark.model

STORY: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Write a very long story."}]


def test_streams_get_their_time_and_then_an_error(tmp_path: Path) -> None:
    entry = yaml.safe_load((REPO / "models.yaml").read_text())["models"]["smollm2"]
    settings = {"models": {"smollm2": {**entry, "threads": 1}}, "grace_s": 2}
    (tmp_path / "models.yaml").write_text(yaml.safe_dump(settings))
    (tmp_path / "templates").symlink_to(REPO / "templates")
    url = f"http://127.0.0.1:{(port := unused_port())}"
    with (
        serving(tmp_path, port) as process,
        OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0, timeout=120) as client,
    ):
        streams = [
            client.chat.completions.create(model="smollm2", messages=STORY, stream=True)
            for _ in range(4)
        ]
        for stream in streams:
            next(stream)
        process.send_signal(signal.SIGTERM)
        while (told := httpx.get(f"{url}/health")).status_code == 200:
            pass
        assert told.status_code == 503
        for stream in streams:
            with pytest.raises(openai.APIError, match="shutting down"):
                list(stream)
        assert process.wait(timeout=20) == -signal.SIGTERM
    assert "Traceback" not in (tmp_path / "log").read_text()
