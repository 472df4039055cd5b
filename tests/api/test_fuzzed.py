"""Every response to fuzzed requests conforms to the OpenAPI document and is no server error.

`FUZZ_CASES=50000 pytest tests/api/test_fuzzed.py` sends more.
"""

from __future__ import annotations

import json
import os
from copy import deepcopy
from dataclasses import replace
from functools import cache
from typing import Any, TypeAlias

import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import APIOperation, Case, CheckContext, GenerationMode, Response
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from gateway.api.openapi import BODIES
from tests.depth import pick
from tests.fakes import INFO, Script, app, call, scripted

CASES = int(os.environ.get("FUZZ_CASES", pick(fast="300", deep="2100")))
# The weight of each operation among the cases; without a parameter, there is only one request.
WEIGHTS = {
    "POST /v1/chat/completions": 8,
    "POST /v1/chat/completions/render": 4,
    "POST /tokenize": 3,
    "POST /detokenize": 2,
    "POST /v1/responses": 8,
    "POST /v1/responses/input_tokens": 1,
    "GET /v1/responses/{id}": 1,
    "DELETE /v1/responses/{id}": 1,
    "POST /v1/responses/{id}/cancel": 1,
    "GET /v1/responses/{id}/input_items": 2,
    "POST /v1/completions": 6,
    "POST /v1/embeddings": 4,
    "POST /v1/messages": 6,
    "POST /v1/messages/count_tokens": 3,
    "POST /api/chat": 6,
    "POST /api/generate": 4,
    "POST /api/embed": 3,
    "POST /api/show": 2,
    "GET /v1/models/{name}": 4,
    "POST /v1/models/{name}/load": 4,
    "POST /v1/models/{name}/unload": 4,
    "GET /captures/{id}": 2,
    "GET /captures/{id}/events": 1,
    "GET /captures": 0,
    "GET /v1/models": 0,
    "GET /": 0,
    "GET /health": 0,
    "GET /livez": 0,
    "GET /readyz": 0,
    "GET /metrics": 0,
    "GET /api/version": 0,
    "GET /api/tags": 0,
    "GET /api/ps": 0,
}
WRITES = {"source": "models.yaml", "template": "smollm2", "format": "hermes"}
EMBEDS = {"source": "models.yaml", "embeddings": True}
MODELS = {"models": {"m": WRITES, "v": EMBEDS}, "hosts": ["testserver"], "playground": True}
SAID = replace(scripted(f"Well. {call('f', {'a': 'b'})}"), logprobs=True)
FUZZED = settings(derandomize=True, database=None, suppress_health_check=list(HealthCheck))
Operation: TypeAlias = APIOperation[Any, Any, Any, Any]
Sent: TypeAlias = Case[Operation]


@cache
def operations() -> dict[str, Operation]:
    """Returns the document's operations, limited to existing models; bodies set `stream`."""
    script = Script([SAID], msgspec.structs.replace(INFO, dimensions=2))
    served = app(script, MODELS)
    document = deepcopy(served.openapi())
    for path, kind in BODIES.items():
        body = document["components"]["schemas"][kind.__name__]
        body["properties"]["model"] = {"enum": ["v" if "embed" in path else "m"]}
        body["properties"]["stream"] = {"type": "boolean"}
        body["required"].append("stream")
    config = schemathesis.Config.from_dict({"max-stream-events": 10_000})
    schema = schemathesis.openapi.from_dict(document, config=config)
    schema.app = served
    schema.hook("map_body")(lambda _, body: as_clients_write(body))
    found = [one.ok() for one in schema.get_all_operations() if isinstance(one, Ok)]
    return {operation.label: operation for operation in found}


def as_clients_write(body: Any) -> Any:
    """Replaces 3.0 by 3: JSON Schema regards both as integers, but clients write only 3."""
    match body:
        case dict():
            return {key: as_clients_write(value) for key, value in body.items()}
        case list():
            return [as_clients_write(value) for value in body]
        case float() if body.is_integer():
            return int(body)
    return body


def last_event(stream: str) -> dict[str, Any]:
    """The last event that has data, apart from `[DONE]`."""
    data = [line.removeprefix("data: ") for line in stream.split("\n") if line.startswith("data: ")]
    event: dict[str, Any] = json.loads(data[-2] if data[-1] == "[DONE]" else data[-1])
    return event


def check_error_envelope(_: CheckContext, response: Response, sent: Sent) -> None:
    """Checks that an error has the envelope and a status that clients do not retry."""
    assert response.status_code in (200, 400, 404, 413, 424)
    path, kind = sent.operation.path, response.headers["content-type"][0]
    if response.status_code != 200:
        error = response.json()["error"]
        if path.startswith("/api/"):
            assert isinstance(error, str)
        else:
            own = {"param", "code"} if not path.startswith("/v1/messages") else set()
            assert set(error) == {"message", "type", *own}
            assert error["message"]
    elif "application/x-ndjson" in kind:
        assert json.loads(response.text.splitlines()[-1])["done"]
    elif "text/event-stream" in kind:
        last = last_event(response.text)
        error = last.get("response", last).get("error") or {}
        assert not {"server_error", "api_error"} & {error.get("type"), error.get("code")}


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    check_error_envelope,
]


def test_every_operation_has_a_weight() -> None:
    assert set(operations()) == set(WEIGHTS)


@pytest.mark.parametrize("label", WEIGHTS)
def test_every_response_conforms_to_the_document(
    label: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.api.captures.routes.BEGINS_S", 0)
    operation = operations()[label]
    modes = GenerationMode if operation.body else [GenerationMode.POSITIVE]
    cases = round(CASES * WEIGHTS[label] / sum(WEIGHTS.values()))

    @settings(FUZZED, max_examples=max(1, cases))
    @given(st.one_of([operation.as_strategy(generation_mode=mode) for mode in modes]))
    def holds(case: Sent) -> None:
        case.call_and_validate(checks=CHECKS)

    holds()
