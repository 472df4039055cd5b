"""A gateway in a process of its own, and a client that costs next to nothing."""

from __future__ import annotations

import http.client
import json
import re
import socket
import subprocess
import sys
import tempfile
import time
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml

from bench.bare import SOURCE

REPO = Path(__file__).parent.parent
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the current weather in a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
TEXT = re.compile(rb'"content":"[^"]')
LONG = "Here is a report. " + "The harbour was quiet and the boats lay still. " * 40


class Served:
    """Use as a context manager; `context` is in tokens."""

    def __init__(self, threads: int, context: int):
        self._folder = tempfile.TemporaryDirectory()
        folder = Path(self._folder.name)
        entry = {
            "source": SOURCE,
            "template": "smollm2",
            "format": "hermes",
            "context": context,
            "threads": threads,
            "preload": True,
            "sampling": {"temperature": 0},
        }
        (folder / "models.yaml").write_text(yaml.safe_dump({"models": {"m": entry}}))
        (folder / "templates").symlink_to(REPO / "templates")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port: int = free.getsockname()[1]
        command = [str(Path(sys.executable).parent / "tool-gateway"), "serve"]
        command += ["--port", str(self._port), "--config", str(folder / "models.yaml")]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        self._fresh = count()
        self.prompt_tokens = 0

    def __enter__(self) -> Served:
        for _ in range(300):
            try:
                http.client.HTTPConnection("127.0.0.1", self._port).request("GET", "/health")
                break
            except ConnectionRefusedError:
                time.sleep(0.1)
        self.prompt_tokens = self._ask(messages=_said(LONG), max_tokens=1)["usage"]["prompt_tokens"]
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait()
        self._folder.cleanup()

    def stream(self, tokens: int) -> float:
        """Tokens a second, from the first chunk of text to the last."""
        response = self._open(
            messages=_said("Write a long story about a fox."),
            max_tokens=tokens,
            stream=True,
            stream_options={"include_usage": True},
        )
        start = end = 0.0
        text = b""
        while piece := response.read1(65536):
            text += piece
            if TEXT.search(piece):
                end = time.perf_counter()
                start = start or end
        [count] = re.findall(rb'"completion_tokens":(\d+)', text)
        return (int(count) - 1) / (end - start)

    def first_token_s(self, *, fresh: bool) -> float:
        """Seconds to the first text of a long prompt; `fresh` makes its beginning a new one."""
        text = f"{next(self._fresh)} {LONG}" if fresh else LONG
        start = time.perf_counter()
        response = self._open(messages=[_system(text)], max_tokens=2, stream=True)
        while not TEXT.search(response.read1(65536)):
            pass
        seconds = time.perf_counter() - start
        response.read()
        return seconds

    def forced_call(self) -> tuple[float, int]:
        """Seconds that a whole call takes, prompt cached, and how many tokens it has."""
        start = time.perf_counter()
        answer = self._ask(
            messages=_said("What is the weather in Paris?"),
            tools=[WEATHER],
            tool_choice={"type": "function", "function": {"name": "get_weather"}},
        )
        assert answer["choices"][0]["finish_reason"] == "tool_calls"
        return time.perf_counter() - start, answer["usage"]["completion_tokens"]

    def _ask(self, **body: Any) -> Any:
        return json.loads(self._open(**body).read())

    def _open(self, **body: Any) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self._port)
        headers = {"Content-Type": "application/json"}
        payload = json.dumps({"model": "m", **body})
        connection.request("POST", "/v1/chat/completions", payload, headers)
        response = connection.getresponse()
        assert response.status == 200, response.read()
        return response


def _said(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def _system(text: str) -> dict[str, str]:
    return {"role": "system", "content": text}
