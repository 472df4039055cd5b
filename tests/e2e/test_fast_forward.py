"""Fast-forward decodes forced tokens in one pass and does not change the generated text."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from msgspec.structs import replace

from gateway.chat.json import Object
from gateway.chat.messages import Speech, Tool
from gateway.chat.request import Request, Sampling, ToolChoice
from gateway.engine.generation import Delta, Generation
from gateway.engine.protocol import Generate
from gateway.formats.families import FAMILIES
from gateway.generate.constraint import Constraint
from gateway.hub.source import locate
from gateway.models.build import vocabulary_of
from gateway.prompt.template import Template
from gateway.worker.generation_loop import GenerationLoop
from gateway.worker.interfaces import Logits
from gateway.worker.llama.model import Llama
from gateway.worker.sampling.grammar_matcher import GrammarCompiler
from gateway.worker.scheduler.batch_plan import BatchItem
from tests.e2e.conftest import REPO
from tests.e2e.talk import SOURCE
from tests.numerics import NUMERICS, engine_options, llama_options
from tests.worker.fake_llama import deltas_of

pytestmark = pytest.mark.model

MOST = 60
ROUNDING = 0.3  # of a logit
ENDED = b"\0"  # in place of the token that ends an answer
TEMPLATE = """<|im_start|>system
{% for tool in tools or [] %}{{ tool.function.name }} {% endfor %}<|im_end|>
{% for message in messages %}
<|im_start|>{{ message.role }}
{{ message | turn if message.role == 'assistant' else message.content }}<|im_end|>
{% endfor %}
<|im_start|>assistant
"""
DAY: Object = {"type": "string", "format": "date"}
PLACE: Object = {
    "type": "object",
    "properties": {"lat": {"type": "number"}, "lon": {"type": "number"}},
    "required": ["lat", "lon"],
}
PARAMETERS: dict[str, Object] = {
    "get_weather": {"city": {"type": "string"}, "unit": {"enum": ["celsius", "fahrenheit"]}},
    "book_hotel": {"nights": {"type": "integer", "minimum": 1, "maximum": 9}, "from_day": DAY},
    "set_alarm": {"time": {"type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9]$"}},
    "find_route": {"start": PLACE, "goal": PLACE},
    "tag_photo": {"tags": {"type": "array", "items": {"enum": ["sea", "sun"]}, "minItems": 1}},
    "send_mail": {
        "to": {"type": "array", "items": {"type": "string", "format": "email"}, "maxItems": 2},
        "is_urgent": {"type": "boolean"},
    },
    "list_files": {},
    "play_song": {"artist": {"enum": ["Abba", "Blur"]}, "is_loud": {"type": "boolean"}},
    "pay-invoice": {"amount": {"type": "number"}, "currency": {"const": "EUR"}},
    "plan_trip": {"stops": {"type": "array", "items": {"$ref": "#/$defs/stop"}, "maxItems": 2}},
    "search": {"query": {"type": "string", "maxLength": 30}, "limit": {"enum": [10, 20, 50]}},
    "set_value": {"value": {"anyOf": [{"type": "integer"}, {"type": "null"}]}, "key": DAY},
    "translate": {"text": {"type": "string", "minLength": 5}, "into": {"enum": ["fr", "de"]}},
}
STOP: Object = {"type": "object", "properties": {"city": {"type": "string", "maxLength": 12}}}
ASKED = "I am in Paris until 2026-03-01 and need your help with that, please. Write to a@b.org."


@dataclass(frozen=True, slots=True)
class Case:
    """A request in one format: the offered tools, or the schema of an answer."""

    family: str
    offered: tuple[str, ...] = ()
    must_call: bool = True
    answer: str = ""


FORCED = Case("hermes", ("play_song",))
CASES = [
    FORCED,
    Case("hermes", ("get_weather",)),
    Case("llama3", ("find_route",)),
    Case("llama3", ("list_files", "search")),
    Case("mistral", ("tag_photo",)),
    Case("mistral_v13", ("send_mail", "list_files")),
    Case("qwen_coder", ("plan_trip",)),
    Case("qwen_coder", ("set_value", "translate"), must_call=False),
    Case("glm45", ("pay-invoice",)),
    Case("deepseek_v31", ("search",)),
    Case("deepseek_r1", ("set_alarm", "translate")),
    Case("harmony", ("set_value",)),
    Case("kimi_k2", ("translate",)),
    Case("command_r", ("book_hotel",)),
    Case("llama4", ("pay-invoice", "get_weather")),
    Case("gemma4", ("find_route",)),
    Case("apertus", ("tag_photo",)),
    Case("hermes", answer="plan_trip"),
    Case("llama3", answer="book_hotel"),
    Case("qwen3", ("search",), must_call=False, answer="find_route"),
]


class Counted(Llama):
    """A model that counts its forward passes and keeps their logits."""

    passes = 0
    logits: list[Logits]

    def decode(self, items: Sequence[BatchItem]) -> list[list[Logits]]:
        found = super().decode(items)
        self.passes += 1
        self.logits += [logits.copy() for rows in found for logits in rows]
        return found


@pytest.fixture(scope="module")
def llama() -> Counted:
    # For batches of 64 tokens and more, flash attention uses another kernel and rounds differently.
    most = min(48, NUMERICS.ubatch_size)
    return Counted(
        engine_options(str(locate(SOURCE, REPO)), 1024, llama=llama_options(ubatch_size=most))
    )


@pytest.fixture(scope="module")
def grammars(llama: Counted) -> GrammarCompiler:
    return GrammarCompiler(llama)


def asked(case: Case, llama: Llama) -> Generation:
    vocabulary = vocabulary_of(llama.describe())
    format = dataclasses.replace(FAMILIES[case.family], think=None)  # reasoning is not constrained
    request = Request(
        "m",
        (Speech("user", ASKED),),
        tuple(Tool(name, "", schema(name)) for name in case.offered),
        ToolChoice(case.offered, required=case.must_call, parallel=False),
        response_schema=schema(case.answer) if case.answer else None,
    )
    prompt = Template(TEMPLATE, format, vocabulary).render(request)
    held = Constraint(request, format, prompt.answer_prefix, vocabulary.special)
    greedy = Sampling(temperature=0)
    return Generation(list(prompt.parts), greedy, held.grammar, MOST)


def schema(name: str) -> Object:
    properties = PARAMETERS[name]
    defined: Object = {"$defs": {"stop": STOP}}
    return {"type": "object", "properties": properties, "required": [*properties], **defined}


def write(asked: Generation, llama: Counted, grammars: GrammarCompiler) -> list[Delta]:
    """Generates with an empty KV cache; `llama.passes` counts the forward passes."""
    for slot in range(llama.slots):
        llama.truncate(slot, 0)
    llama.passes, llama.logits = 0, []
    worker = GenerationLoop(llama, grammars.matcher)
    _, *posts = worker.take(Generate(0, asked))
    while not worker.is_idle:
        posts += worker.step()
    pieces = [piece for _, piece in deltas_of(posts)]
    assert len(pieces) == len(posts), posts
    return pieces


def text(pieces: list[Delta]) -> str:
    return "".join(piece.text for piece in pieces)


def departs_at_a_tie(text: bytes, pieces: list[Delta], llama: Counted) -> bool:
    """Returns whether `text` first differs from `pieces` where two tokens have nearly equal logits.

    A batch of another size may round differently.
    """
    tokens = [bytes(token.bytes) for piece in pieces for token in piece.logprobs]
    text += ENDED
    for said, logits in zip([*tokens, ENDED], llama.logits, strict=False):
        if not text.startswith(said):
            spelled = {token: llama.piece(token) for token in range(llama.vocab_size)}
            spelled |= dict.fromkeys(llama.end_tokens(), ENDED)
            ours = [token for token, piece in spelled.items() if piece == said]
            theirs = [token for token, piece in spelled.items() if piece and text.startswith(piece)]
            return bool(abs(logits[theirs] - logits[ours].max()).min() < ROUNDING)
        text = text.removeprefix(said)
    return False


def test_fast_forward_does_not_change_the_text(llama: Counted, grammars: GrammarCompiler) -> None:
    for case in CASES:
        fast = asked(case, llama)
        slow = replace(fast, fast_forward=False, top_logprobs=0)
        written, alone = (write(one, llama, grammars) for one in (fast, slow))
        if text(written) != text(alone):
            assert departs_at_a_tie(text(written).encode(), alone, llama), case


def test_fast_forward_halves_the_forward_passes_of_a_call(
    llama: Counted, grammars: GrammarCompiler
) -> None:
    passes = []
    for is_fast in (True, False):
        write(replace(asked(FORCED, llama), fast_forward=is_fast), llama, grammars)
        passes.append(llama.passes)
    assert passes[0] < passes[1] / 2
