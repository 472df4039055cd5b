"""Whatever a route is sent, its answer is as the OpenAPI document has it, and never a fault.

`FUZZ_CASES=50000 pytest tests/api/test_fuzzed.py` sends more.
"""

from __future__ import annotations

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
from tests.fakes import INFO, Script, app, call, events, scripted

CASES = int(os.environ.get("FUZZ_CASES", pick(fast="300", deep="2100")))
# What part of them an operation gets; without a parameter there is but one request.
PARTS = {
    "POST /v1/chat/completions": 0.2,
    "POST /v1/completions": 0.35,
    "POST /v1/embeddings": 0.25,
    "GET /v1/models/{name}": 0.2,
    "GET /v1/models": 0,
    "GET /health": 0,
    "GET /metrics": 0,
}
WRITES = {"source": "models.yaml", "template": "smollm2", "format": "hermes"}
EMBEDS = {"source": "models.yaml", "embeddings": True}
MODELS = {"models": {"m": WRITES, "v": EMBEDS}, "hosts": ["testserver"]}
SAID = replace(scripted(f"Well. {call('f', {'a': 'b'})}"), logprobs=True)
FUZZED = settings(derandomize=True, database=None, suppress_health_check=list(HealthCheck))
Operation: TypeAlias = APIOperation[Any, Any, Any, Any]
Sent: TypeAlias = Case[Operation]


@cache
def operations() -> dict[str, Operation]:
    """Those of the document, with the names of models that are there, half of them streamed."""
    script = Script([SAID], msgspec.structs.replace(INFO, dimensions=2))
    served = app(script, MODELS)
    document = deepcopy(served.openapi())
    for path, kind in BODIES.items():
        body = document["components"]["schemas"][kind.__name__]
        body["properties"]["model"] = {"enum": ["v" if "embeddings" in path else "m"]}
        body["properties"]["stream"] = {"type": "boolean"}
        body["required"].append("stream")
    config = schemathesis.Config.from_dict({"max-stream-events": 10_000})
    schema = schemathesis.openapi.from_dict(document, config=config)
    schema.app = served
    schema.hook("map_body")(lambda _, body: as_clients_write(body))
    found = [one.ok() for one in schema.get_all_operations() if isinstance(one, Ok)]
    return {operation.label: operation for operation in found}


def as_clients_write(body: Any) -> Any:
    """`body` with 3 for 3.0, which JSON Schema takes for the same and no client writes."""
    match body:
        case dict():
            return {key: as_clients_write(value) for key, value in body.items()}
        case list():
            return [as_clients_write(value) for value in body]
        case float() if body.is_integer():
            return int(body)
    return body


def is_told_well(_: CheckContext, response: Response, __: Sent) -> None:
    """An error stands in the envelope, with a status that no client tries again by itself."""
    assert response.status_code in (200, 400, 404, 413)
    if response.status_code != 200:
        error = response.json()["error"]
        assert set(error) == {"message", "type", "param", "code"}
        assert error["message"]
    elif "text/event-stream" in response.headers["content-type"][0]:
        last = events(response.text)[-1]
        assert last.get("error", {}).get("type") != "server_error"


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    is_told_well,
]


def test_every_operation_is_sent_something() -> None:
    assert set(operations()) == set(PARTS)


@pytest.mark.parametrize("label", PARTS)
def test_whatever_is_sent_is_answered_as_the_document_says(label: str) -> None:
    operation = operations()[label]
    modes = GenerationMode if operation.body else [GenerationMode.POSITIVE]

    @settings(FUZZED, max_examples=max(1, round(CASES * PARTS[label])))
    @given(st.one_of([operation.as_strategy(generation_mode=mode) for mode in modes]))
    def holds(case: Sent) -> None:
        case.call_and_validate(checks=CHECKS)

    holds()
