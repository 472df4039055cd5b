"""The log of `serve --log json`: each line is JSON, also what llama.cpp says."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests import reciters
from tests.cli.terminal import COMMAND
from tests.fakes import REPO
from tests.worker import tiny

WARNING = f"n_ctx_seq (2048) > n_ctx_train ({tiny.CONTEXT})"


@pytest.mark.model
def test_a_warning_of_llama_cpp_has_its_level_model_and_request(tmp_path: Path) -> None:
    config = tmp_path / "models.yaml"
    entry = reciters.entry(reciters.ending(tmp_path), context=2048)
    config.write_text(yaml.safe_dump({"models": {"m": entry}}))
    command = [*COMMAND, "serve", "--config", str(config), "--port", "0", "--log", "json"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=REPO) as gateway:
        assert gateway.stderr
        try:
            listening = json.loads(gateway.stderr.readline())["message"]
            url = listening.removeprefix("listening at ").partition(",")[0]
            body = {"model": "m", "prompt": "Hi", "max_tokens": 1}
            headers = {"x-request-id": "mine"}
            httpx.post(f"{url}/v1/completions", json=body, headers=headers, timeout=60)
        finally:
            gateway.terminate()
        lines: list[dict[str, Any]] = [json.loads(line) for line in gateway.stderr]
    [warning] = [line for line in lines if WARNING in line["message"]]
    assert {"level": "WARNING", "model": "m", "request_id": "mine"}.items() <= warning.items()
