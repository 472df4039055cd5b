"""The OpenAPI document has the bodies and the answers of all routes."""

from __future__ import annotations

import json
import re

import pytest

from gateway.api.openapi import BODIES
from tests.fakes import Script, app, gateway, scripted

WITHOUT_BODY = {
    "/v1/responses/{id}/cancel",
    "/v1/models/{name}/load",
    "/v1/models/{name}/unload",
}
DOCUMENT = app(Script([])).openapi()


@pytest.mark.parametrize("path", BODIES)
def test_document_lists_the_fields_of_each_body(path: str) -> None:
    shown = DOCUMENT["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    schema = DOCUMENT["components"]["schemas"][shown["$ref"].rpartition("/")[2]]
    assert set(schema["properties"]) == set(BODIES[path].model_fields)
    assert "model" in schema["required"]


def test_document_defines_every_referenced_schema() -> None:
    names = re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(DOCUMENT))
    assert names
    assert set(names) <= set(DOCUMENT["components"]["schemas"])
    assert "$defs" not in json.dumps(DOCUMENT)


def test_document_has_the_body_of_every_post_route_that_has_one() -> None:
    posts = {path for path, methods in DOCUMENT["paths"].items() if "post" in methods}
    assert posts - WITHOUT_BODY == set(BODIES)


def test_document_has_the_answer_and_errors_of_every_route() -> None:
    for operations in DOCUMENT["paths"].values():
        for operation in operations.values():
            answers = operation["responses"]
            assert answers["200"]["content"]
            assert "Envelope" in json.dumps(answers["default"])


async def test_document_is_served() -> None:
    async with gateway(scripted("Hi")) as client:
        assert (await client.get("http://gateway/openapi.json")).json() == DOCUMENT
