"""The OpenAPI document shows what the routes take and answer."""

from __future__ import annotations

import json
import re

import pytest

from gateway.api.openapi import BODIES
from tests.fakes import Script, app, gateway, scripted

DOCUMENT = app(Script([])).openapi()


@pytest.mark.parametrize("path", BODIES)
def test_a_body_is_shown_with_its_fields(path: str) -> None:
    shown = DOCUMENT["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    schema = DOCUMENT["components"]["schemas"][shown["$ref"].rpartition("/")[2]]
    assert set(schema["properties"]) == set(BODIES[path].model_fields)
    assert "model" in schema["required"]


def test_whatever_is_referred_to_is_there() -> None:
    names = re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(DOCUMENT))
    assert names
    assert set(names) <= set(DOCUMENT["components"]["schemas"])
    assert "$defs" not in json.dumps(DOCUMENT)


def test_every_route_that_takes_a_body_shows_it() -> None:
    posts = {path for path, methods in DOCUMENT["paths"].items() if "post" in methods}
    assert posts == set(BODIES)


def test_every_route_shows_its_answer_and_its_errors() -> None:
    for operations in DOCUMENT["paths"].values():
        for operation in operations.values():
            answers = operation["responses"]
            assert answers["200"]["content"]
            assert "Envelope" in json.dumps(answers["default"])


async def test_the_document_and_its_page_are_served() -> None:
    async with gateway(scripted("Hi")) as client:
        assert (await client.get("http://gateway/openapi.json")).json() == DOCUMENT
        assert (await client.get("http://gateway/docs")).status_code == 200
