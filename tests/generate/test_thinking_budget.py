"""The thinking budget closes a thought at any point with the markers of each format."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.chat.events import Event, collect
from gateway.chat.messages import Call, Tool, Turn
from gateway.chat.request import Request, ToolChoice
from gateway.engine.generation import Interruption
from gateway.engine.options import EngineOptions
from gateway.formats.encode import encode
from gateway.formats.families import FAMILIES, HARMONY, HERMES, QWEN3
from gateway.formats.format import Format
from gateway.generate.constraint import Constraint
from gateway.generate.thinking_budget import interruption
from gateway.parsing.decoder import Decoder
from gateway.parsing.expected_markers import trimmed
from gateway.worker.llama.model import Llama
from gateway.worker.sampling.grammar_matcher import GrammarCompiler, LlguidanceMatcher
from gateway.worker.sampling.thinking_watch import ThinkingWatch
from tests.formats.strategies import without_ids
from tests.formats.vocabulary import THINKING, vocabulary
from tests.formats.vocabulary_file import written

EVERY_THINKER = pytest.mark.parametrize("format", THINKING, ids=lambda format: format.name)
TOOL = Tool("f", "", {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]})
# If a vocabulary has these, llama.cpp does not treat `<|end|>` as an end-of-generation token.
ENDS = ["<|return|>", "<|flush|>"]
THOUGHT = "So, 1 < 2 [é] and <b"
TURN = Turn(reasoning=THOUGHT, calls=(Call("f", {"a": "x"}, "abcdefg12"),))


def asks(budget: int | None, *, calls: bool = True) -> Request:
    tools = (TOOL,) if calls else ()
    names = tuple(tool.name for tool in tools)
    choice = ToolChoice(names, required=calls)
    return Request("m", (), tools, choice, thinking_budget=budget)


def interrupts(format: Format, request: Request, special: dict[str, int]) -> Interruption:
    opened = format.think[0] if format.think else ""
    found = interruption(request, format, opened, special, has_grammar=bool(request.tools))
    assert found
    return found


def loaded(format: Format, path: Path, *, is_special: bool) -> tuple[Llama, dict[str, int]]:
    """Loads a byte vocabulary, with or without the format's markers as control tokens."""
    marks = [*vocabulary(format, special=is_special).special, *ENDS]
    llama = Llama(EngineOptions(str(written(path / "marks.gguf", marks)), 64, vocabulary_only=True))
    return llama, {token.text: token.id for token in llama.describe().special_tokens}


def take(matcher: LlguidanceMatcher, tokens: list[int]) -> None:
    for token in tokens:
        assert matcher.try_accept(token)


def spelled(llama: Llama, special: dict[str, int], text: str) -> list[int]:
    """Tokenizes `text` into bytes; markers become control tokens if the vocabulary has them."""
    names = dict(zip(special.values(), special, strict=True))
    by_byte = {llama.piece(token): token for token in range(3, 3 + 256)}
    at, tokens = 0, []
    while at < len(text):
        mark = max((n for n in names.values() if text.startswith(n, at)), key=len, default="")
        tokens += [special[mark]] if mark else [by_byte[bytes([b])] for b in text[at].encode()]
        at += len(mark) or 1
    return tokens


def read(format: Format, answer_prefix: str, text: str) -> Turn:
    decoder, events = Decoder(format, [TOOL]), list[Event]()
    for piece in (answer_prefix, text):
        events += decoder.feed(piece)
    return collect([*events, *decoder.close()])


@EVERY_THINKER
@pytest.mark.parametrize("is_special", [True, False])
def test_thought_can_be_closed_after_each_character(
    format: Format, is_special: bool, tmp_path: Path
) -> None:
    llama, special = loaded(format, tmp_path, is_special=is_special)
    request = asks(0)
    asked = interrupts(format, request, special)
    assert format.think
    answer_prefix, close = format.think
    grammar = Constraint(request, format, answer_prefix, special).grammar
    assert grammar
    grammars = GrammarCompiler(llama)
    called = encode(format, TURN).partition(close)[2]
    insert = llama.tokenize_continuation(asked.insert)
    for end in range(len(THOUGHT)):
        thought = THOUGHT[:end]
        matcher = grammars.matcher(grammar)
        take(matcher, spelled(llama, special, thought))
        assert matcher.can_accept(insert)
        take(matcher, insert)
        take(matcher, spelled(llama, special, called))
        text = thought + b"".join(map(llama.piece, insert)).decode() + called
        assert without_ids(read(format, answer_prefix, text)) == Turn(
            reasoning=thought.strip(), calls=(Call("f", {"a": "x"}),)
        )


@EVERY_THINKER
def test_watch_ends_at_the_closing_marker(format: Format) -> None:
    assert format.think
    watch = ThinkingWatch(interrupts(format, asks(1), {}))
    for piece in ("So", ",", format.think[1], "x", "y"):
        watch.feed(piece.encode())
        assert watch.is_due is (piece == "So" or piece == ",")


@EVERY_THINKER
def test_thought_opened_by_the_model_is_watched(format: Format) -> None:
    assert format.think
    asked = interruption(asks(0), format, "", {}, has_grammar=True)
    assert asked
    watch = ThinkingWatch(asked)
    for character in trimmed(format.think[0]):
        assert not watch.is_due
        watch.feed(character.encode())
    assert watch.is_due


def test_call_that_starts_in_a_thought_is_not_interrupted() -> None:
    watch = ThinkingWatch(interrupts(QWEN3, asks(1), {}))
    for piece in ("So", "<tool_", "call>", "\n", '{"name": "f"', "x"):
        watch.feed(piece.encode())
    assert not watch.is_due
    assert "<tool_call>" not in interrupts(QWEN3, asks(1, calls=False), {}).closes


def test_text_that_starts_in_a_thought_is_not_interrupted() -> None:
    watch = ThinkingWatch(interrupts(HARMONY, asks(1, calls=False), {}))
    for piece in ("So", "<|channel|>final<|message|>", "Hi", "."):
        watch.feed(piece.encode())
        assert watch.is_due is (piece == "So")


def test_marker_in_the_vocabulary_is_inserted_as_one_token() -> None:
    asked = interrupts(QWEN3, asks(1), {"</think>": 7, "<think>": 6})
    assert asked.insert == ["\n", 7, "\n\n"]
    assert interrupts(QWEN3, asks(1), {}).insert == ["\n</think>\n\n"]


def test_insertion_without_tools_opens_the_text_section() -> None:
    special = {text: id for id, text in enumerate(["<|end|>", "<|start|>", "<|message|>"])}
    assert interrupts(HARMONY, asks(1), special).insert == [0]
    free = interrupts(HARMONY, asks(1, calls=False), special)
    assert free.insert == [0, 1, "assistant<|channel|>final", 2]


def test_second_thought_is_watched_in_joined_messages() -> None:
    watch = ThinkingWatch(interrupts(HARMONY, asks(2, calls=False), {}))
    pieces = ("So", "<|end|>", "<|start|>assistant", "<|channel|>analysis<|message|>", "Or")
    for piece in pieces:
        assert not watch.is_due
        watch.feed(piece.encode())
    assert watch.is_due


def test_no_budget_or_no_thinking_format_gives_no_interruption() -> None:
    assert interruption(asks(None), QWEN3, "<think>\n", {}, has_grammar=True) is None
    assert interruption(asks(5), HERMES, "", {}, has_grammar=True) is None
    assert len(THINKING) < len(FAMILIES)
