"""Agent loops prefill only new tokens: the result of a call and the template's text around it.

The engine is real and has the embedded model's vocabulary. Its weights are random, so that turns
are short and differ from what a template would render by itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from gateway.formats.families import FAMILIES
from gateway.models.model import ChatModel
from tests.e2e.conftest import REPO
from tests.e2e.talk import Count, Talk, embedded, engine, formed, reread, shipped, tool
from tests.formats.officials import CLOSED, FAMILY_OF, FORGETS, HEADED, HIDDEN, OFFICIAL, OTHERS
from tests.numerics import seed
from tests.reciters import calling
from tests.worker import tiny

TURNS = 10
FORCED: dict[str, Any] = {
    "tools": [tool(n={"type": "integer", "minimum": 0, "maximum": 9})],
    "tool_choice": "required",
    "parallel_tool_calls": False,
    "max_tokens": 200,
    "thinking_budget": 4,
}
ANY: dict[str, Any] = {
    "x": {"type": "number", "minimum": -99999, "maximum": 99999},
    "s": {"type": "string", "maxLength": 12},
    "o": {
        "type": "object",
        "properties": {
            "a": {
                "type": "array",
                "items": {"type": ["string", "boolean"], "maxLength": 9},
                "maxItems": 3,
            },
            "e": {"type": "object", "properties": {}},
        },
    },
    "any": {"type": ["string", "boolean", "null"], "maxLength": 6},
}

pytestmark = [pytest.mark.model, pytest.mark.asyncio(loop_scope="module")]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.llama(tmp_path_factory.mktemp("loops") / "tiny.gguf", embedded())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def model(path: Path) -> AsyncIterator[ChatModel]:
    client, model = await engine(path)
    yield model
    await client.stop()


@pytest.fixture(scope="module")
def count(path: Path, model: ChatModel) -> Count:
    return Count(path, model.engine.info)


@pytest.mark.parametrize("family", FAMILIES)
async def test_ten_turns_prefill_only_new_tokens(
    model: ChatModel, count: Count, family: str
) -> None:
    talk = Talk(formed(model, FAMILIES[family], shipped("chatml")), **FORCED)
    await talk.loop(TURNS)
    assert len(talk.exchanges) == TURNS + 1
    assert not [*reread(talk.exchanges, count)]


# One of each notation: JSON, tags, literals, elements.
@pytest.mark.parametrize("family", ["mistral", "qwen35", "lfm2", "minimax_m3"])
async def test_varied_arguments_prefill_only_new_tokens(
    model: ChatModel, count: Count, family: str
) -> None:
    asked = {
        **FORCED,
        "tools": [tool(**ANY)],
        "temperature": 1.2,
        "seed": seed(1),
        "max_tokens": 400,
    }
    talk = Talk(formed(model, FAMILIES[family], shipped("chatml")), **asked)
    await talk.loop(5)
    assert not [*reread(talk.exchanges, count)]


async def test_calls_without_arguments_prefill_only_new_tokens(
    model: ChatModel, count: Count
) -> None:
    talk = Talk(model, **FORCED | {"tools": [tool()]})
    await talk.loop(3)
    assert not [*reread(talk.exchanges, count)]


async def test_several_calls_in_a_turn_prefill_only_new_tokens(
    count: Count, tmp_path: Path
) -> None:
    # At this temperature, the model ends after one call as often as after several.
    many = {"parallel_tool_calls": True, "temperature": 0.8, "min_p": 0, "max_tokens": 2000}
    client, reciter = await engine(calling(tmp_path))
    talks = [Talk(reciter, **{**FORCED, **many, "seed": seed(number)}) for number in range(5)]
    for talk in talks:
        await talk.loop(2)
        assert not [*reread(talk.exchanges, count)]
    await client.stop()
    messages = [message for talk in talks for message in talk.messages]
    assert any(len(message.get("tool_calls", ())) > 1 for message in messages)


# -- templates

# The formats of the shipped templates, where that is not hermes.
FORMATS = {
    "deepseek-r1-distill": "qwen3",
    "deepseek-v3.1": "deepseek_v31",
    "groq-llama3": "groq",
    "llama3": "llama3",
    "mistral": "mistral_spm",
    "smollm2-tools": "smollm2_tools",
    "smollm3": "qwen3",
}
FORGETFUL = dict.fromkeys(["deepseek-r1-distill", "deepseek-v3.1", "smollm3"], FORGETS)


@pytest.mark.parametrize("name", sorted(p.stem for p in (REPO / "templates").glob("*.jinja")))
async def test_shipped_templates_prefill_only_new_tokens(
    model: ChatModel, count: Count, name: str
) -> None:
    talk = Talk(formed(model, FAMILIES[FORMATS.get(name, "hermes")], shipped(name)), **FORCED)
    await talk.loop(3)
    assert bool([*reread(talk.exchanges, count)]) == (name in FORGETFUL)


COUNTS = "it counts calls through the conversation, and the model here counts as it likes"
INSERTS = "it ends each prompt with words that it leaves out later"
JOINS = "it joins a result with the call, and both with the answer"
REWRITTEN = {
    "Apertus-8B-Instruct": JOINS,
    "Apriel-1.6-15b-Thinker-fixed": FORGETS,
    "Cohere2MoE": COUNTS,
    "CohereForAI-c4ai-command-r-plus-tool_use": INSERTS,
    "CohereForAI-c4ai-command-r7b-12-2024-tool_use": COUNTS,
    "Kimi-K2-Instruct": FORGETS,
    "Kimi-K2-Thinking": COUNTS,
    "LFM2-8B-A1B": FORGETS,
    "LFM2.5-Instruct": FORGETS,
    "NVIDIA-Nemotron-Nano-v2": FORGETS,
    "Qwen-QwQ-32B": FORGETS,
    "google-gemma-4-31B-it-interleaved": CLOSED,
    "llama-cpp-deepseek-r1": FORGETS,
    "mistral/v13": FORGETS,
    "mistral/v15": FORGETS,
    "moonshotai-Kimi-K2": FORGETS,
    "openai-gpt-oss-120b": HEADED,
    "unsloth-Apriel-1.5": FORGETS,
    "unsloth-mistral-Devstral-Small-2507": FORGETS,
}


class StoppedClock(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> StoppedClock:
        return cls(2026, 11, 30, tzinfo=tz)


@pytest.mark.vendors
@pytest.mark.parametrize("name", sorted({*FAMILY_OF, *OTHERS}))
async def test_official_templates_prefill_only_new_tokens_unless_they_rewrite_turns(
    model: ChatModel, count: Count, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.prompt.jinja.datetime", StoppedClock)  # some write the seconds
    family = FAMILY_OF.get(name) or OTHERS[name][0]
    formed_so = formed(model, FAMILIES[family], (OFFICIAL / f"{name}.jinja").read_text())
    assert formed_so.template
    if not formed_so.template.shows_tools:
        assert name in HIDDEN or name in OTHERS
        return
    switch = {"reasoning_effort": "high"} if formed_so.template.thinking else {}
    talk = Talk(formed_so, **FORCED | switch)
    await talk.loop(3)
    found = [*reread(talk.exchanges, count)]
    assert bool(found) == (name in REWRITTEN), found
