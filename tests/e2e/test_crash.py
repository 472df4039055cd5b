"""A worker that dies costs the request it was serving, and no other."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import openai
import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletionMessageParam

pytestmark = pytest.mark.model

STORY: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Write a very long story."}]


def test_a_killed_worker_ends_its_stream_with_an_error_and_the_next_request_works(
    client: OpenAI, gateway: subprocess.Popen[bytes]
) -> None:
    stream = client.chat.completions.create(model="smollm2", messages=STORY, stream=True)
    next(stream)
    os.kill(_only_child(gateway.pid), signal.SIGKILL)
    with pytest.raises(openai.APIError, match="worker died"):
        list(stream)
    answer = client.chat.completions.create(model="smollm2", messages=STORY, max_tokens=5)
    assert answer.choices[0].message.content


def _only_child(pid: int) -> int:
    [child] = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(child)
