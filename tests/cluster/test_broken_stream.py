"""A stream whose replica is gone ends with an error in its own dialect."""

from __future__ import annotations

import json

import pytest

from gateway.cluster.broken_stream import StreamEnd
from gateway.errors import ReplicaLost

MESSAGE = ReplicaLost().message


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions"])
def test_openai(path: str) -> None:
    [line] = StreamEnd(path).broken(ReplicaLost()).decode().split("\n\n")[:-1]
    error = json.loads(line.removeprefix("data: "))["error"]
    assert error == {
        "message": MESSAGE,
        "type": "server_error",
        "param": None,
        "code": "replica_lost",
    }


def test_responses_number_the_error_after_the_last_event() -> None:
    end = StreamEnd("/v1/responses")
    end.follow(b'event: a\ndata: {"sequence_number":3,"delta":"\\"sequence_number\\":9"}\n\n')
    end.follow(b": ping\n\n")
    name, data = end.broken(ReplicaLost()).decode().strip().split("\n")
    assert name == "event: error"
    assert json.loads(data.removeprefix("data: ")) == {
        "type": "error",
        "code": "replica_lost",
        "message": MESSAGE,
        "param": None,
        "sequence_number": 4,
    }


def test_anthropic() -> None:
    name, data = StreamEnd("/v1/messages").broken(ReplicaLost()).decode().strip().split("\n")
    assert name == "event: error"
    found = json.loads(data.removeprefix("data: "))
    assert (found["type"], found["error"]) == (
        "error",
        {"type": "overloaded_error", "message": MESSAGE},
    )


@pytest.mark.parametrize("path", ["/api/chat", "/api/generate"])
def test_ollama(path: str) -> None:
    assert json.loads(StreamEnd(path).broken(ReplicaLost())) == {"error": MESSAGE}
