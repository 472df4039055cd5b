"""Turns in the vocabulary of a GGUF file in which the family's markers are control tokens."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.chat.messages import Call, Tool, Turn
from gateway.engine.options import EngineOptions
from gateway.formats.format import Format
from gateway.grammar.turn import grammar
from gateway.worker.llama.model import Llama
from gateway.worker.sampling.grammar_matcher import GrammarCompiler
from tests.formats.roundtrip import EVERY_FORMAT
from tests.formats.vocabulary import vocabulary
from tests.formats.vocabulary_file import written

FIRST_BYTE = 3

TOOLS = [
    Tool("f", "", {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]})
]


def test_text_after_a_special_token_is_tokenized_without_an_added_space(tmp_path: Path) -> None:
    path = written(tmp_path / "marks.gguf", ["<a>"])
    llama = Llama(EngineOptions(path=str(path), context=64, vocabulary_only=True))
    [marker] = (token.id for token in llama.describe().special_tokens if token.text == "<a>")
    parts: list[str | int] = ["\n", marker, "é b", marker, " c"]
    assert (
        b"".join(map(llama.piece, llama.tokenize_continuation(parts))).decode() == "\n<a>é b<a> c"
    )


@EVERY_FORMAT
@pytest.mark.parametrize("required", [False, True])
def test_a_model_can_call_in_its_own_control_tokens(
    format: Format, required: bool, tmp_path: Path
) -> None:
    markers = vocabulary(format, special=True)
    path = written(tmp_path / "marks.gguf", list(markers.special))
    llama = Llama(EngineOptions(path=str(path), context=64, vocabulary_only=True))
    special = {token.text: token.id for token in llama.describe().special_tokens}
    assert set(markers.special) <= set(special)
    ids = {token: special[marker] for marker, token in markers.special.items()}
    call = Call("f", {"a": "x <tool_call> [TOOL_CALLS] y"}, "abcdefg12")
    lark = grammar(format, TOOLS, required=required, special=special)
    matcher = GrammarCompiler(llama).matcher(lark)
    for token in markers.tokenized(format, Turn(calls=(call,))):
        assert matcher.try_accept(ids.get(token, FIRST_BYTE + token))
        if llama.is_end(ids.get(token, -1)):
            return  # a marker that ends the turn
    assert matcher.try_accept(llama.end_tokens()[0])
