"""Conversations come back to the replica that holds their prefix."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cluster.local.cluster import Cluster
from tests.cluster.local.test_answers import chat

pytestmark = pytest.mark.cluster


def asked(running: Cluster, messages: list[dict[str, Any]], **headers: str) -> tuple[str, Any]:
    answer = running.post("/v1/chat/completions", chat(messages=messages), **headers)
    assert answer.status_code == 200, answer.text
    return answer.headers["x-replica"], answer.json()


def test_a_session_stays_on_its_replica(running: Cluster) -> None:
    for number in range(6):
        session = {"x-session-id": f"session {number}"}
        replicas = {
            asked(running, [{"role": "user", "content": f"{number} and {turn}"}], **session)[0]
            for turn in range(3)
        }
        assert len(replicas) == 1


def test_a_conversation_finds_its_prefix_again(running: Cluster) -> None:
    for number in range(6):
        messages = [{"role": "user", "content": f"Conversation {number}. " + "A long text. " * 60}]
        replica, first = asked(running, messages)
        messages += [first["choices"][0]["message"], {"role": "user", "content": "Go on."}]
        again, second = asked(running, messages)
        assert again == replica
        cached = second["usage"]["prompt_tokens_details"]["cached_tokens"]
        assert cached >= first["usage"]["prompt_tokens"]


def test_a_response_is_found_at_the_replica_that_stored_it(running: Cluster) -> None:
    for number in range(4):
        body = {"model": "smollm2", "input": f"Number {number}.", "max_output_tokens": 8}
        replicas = set()
        for _ in range(3):
            answer = running.post("/v1/responses", body)
            assert answer.status_code == 200, answer.text
            replicas.add(answer.headers["x-replica"])
            body["previous_response_id"] = answer.json()["id"]
            assert running.get(f"/v1/responses/{answer.json()['id']}").status_code == 200
        assert len(replicas) == 1
