"""GrammarCompiler and text on the embedded model's vocabulary, without its weights."""

from __future__ import annotations

import pytest

from gateway.chat.request import Sampling
from gateway.engine.generation import Generation
from gateway.engine.options import EngineOptions
from gateway.engine.protocol import Generate
from gateway.worker.interfaces import GrammarError
from gateway.worker.llama.load import LoadError
from gateway.worker.llama.model import Llama
from gateway.worker.sampling.grammar_matcher import GrammarCompiler, LlguidanceMatcher

pytestmark = pytest.mark.model

ENDS = {0, 2, 4}  # <|endoftext|>, <|im_end|>, <file_sep> by llama.cpp's reckoning


@pytest.fixture(scope="module")
def grammars(vocabulary: Llama) -> GrammarCompiler:
    return GrammarCompiler(vocabulary)


def text(vocabulary: Llama, tokens: list[int]) -> str:
    return b"".join(map(vocabulary.piece, tokens)).decode()


def feed(matcher: LlguidanceMatcher, vocabulary: Llama, *parts: str | int) -> None:
    for token in vocabulary.tokenize(parts):
        assert matcher.try_accept(token), vocabulary.piece(token)


# -- grammars


def test_forced_tokens_spell_the_forced_text(grammars: GrammarCompiler, vocabulary: Llama) -> None:
    forced = grammars.matcher('start: "Dear friend, you are right! "').accept_forced()
    assert "Dear friend, you are right! ".startswith(text(vocabulary, forced))
    assert len(forced) > 3


def test_what_is_forced_counts_as_taken(grammars: GrammarCompiler, vocabulary: Llama) -> None:
    matcher = grammars.matcher('start: "yes, it is: " /[0-9]/ "."')
    written = matcher.accept_forced()
    while not matcher.is_finished:
        token = int(matcher.mask().argmax())
        assert matcher.try_accept(token)
        written += [token, *matcher.accept_forced()]
    assert text(vocabulary, written)[:-2] == "yes, it is: "
    assert text(vocabulary, written)[-2].isdigit()
    assert text(vocabulary, written)[-1] == "."


def test_a_special_token_is_forced_as_itself(grammars: GrammarCompiler) -> None:
    assert grammars.matcher("start: <|im_start|> /[ab]+/").accept_forced() == [1]


def test_the_answer_may_end_only_where_the_grammar_is_whole(
    grammars: GrammarCompiler, vocabulary: Llama
) -> None:
    matcher = grammars.matcher('start: "ab" "c"?')
    assert not matcher.try_accept(2)
    assert not set(matcher.mask().nonzero()[0]) & ENDS
    feed(matcher, vocabulary, "ab")
    assert set(matcher.mask().nonzero()[0]) >= ENDS
    assert not matcher.is_finished
    assert all(matcher.try_accept(end) for end in ENDS)


def test_a_grammar_with_nothing_to_come_is_finished(
    grammars: GrammarCompiler, vocabulary: Llama
) -> None:
    matcher = grammars.matcher('start: "ab"')
    assert not matcher.is_finished
    feed(matcher, vocabulary, "ab")
    assert matcher.is_finished


def test_an_empty_answer_is_an_end_token(grammars: GrammarCompiler) -> None:
    matcher = grammars.matcher('start: ""')
    assert set(matcher.mask().nonzero()[0]) == ENDS
    assert matcher.try_accept(2)


def test_an_end_token_that_stands_in_the_grammar_may_come_there(
    grammars: GrammarCompiler, vocabulary: Llama
) -> None:
    matcher = grammars.matcher('start: "ab" <|im_end|>')
    assert not matcher.try_accept(2)
    feed(matcher, vocabulary, "ab")
    assert matcher.try_accept(2)


def test_a_token_that_is_not_allowed_changes_nothing(
    grammars: GrammarCompiler, vocabulary: Llama
) -> None:
    matcher = grammars.matcher("start: /[0-9]+/")
    (letter,) = vocabulary.tokenize(["a"])
    assert not matcher.try_accept(letter)
    feed(matcher, vocabulary, "12")
    assert not matcher.mask()[letter]


def test_each_answer_starts_at_the_beginning(grammars: GrammarCompiler, vocabulary: Llama) -> None:
    feed(grammars.matcher('start: "ab"'), vocabulary, "ab")
    assert not grammars.matcher('start: "ab"').is_finished


@pytest.mark.parametrize(
    "grammar",
    ["start: nothing", 'other: "a"', "start: /(/", 'start: %json {"type": "x"}', "start: <nope>"],
)
def test_a_grammar_that_means_nothing_says_why(grammars: GrammarCompiler, grammar: str) -> None:
    with pytest.raises(GrammarError, match=r"\w+ \w+"):
        grammars.matcher(grammar)


def test_a_grammar_that_would_be_compiled_for_long_is_refused(grammars: GrammarCompiler) -> None:
    words = " | ".join(f'"word {i}"' for i in range(100_000))
    with pytest.raises(GrammarError, match="at most"):
        grammars.matcher(f"start: {words}")


def test_a_grammar_is_compiled_before_anybody_asks_for_it(
    grammars: GrammarCompiler, monkeypatch: pytest.MonkeyPatch
) -> None:
    for grammar in ('start: "prepared"', "start: nowhere"):
        grammars.prepare(Generate(1, Generation(["x"], Sampling(), grammar)))
    monkeypatch.setattr(GrammarCompiler, "_compile", None)
    assert grammars.matcher('start: "prepared"')
    with pytest.raises(GrammarError):
        grammars.matcher("start: nowhere")


def test_a_grammar_that_grows_too_complex_is_an_error_and_not_an_end(
    grammars: GrammarCompiler, vocabulary: Llama
) -> None:
    matcher = grammars.matcher('start: "q" /(a?){400}a{400}/')

    def go_on() -> None:
        for token in vocabulary.tokenize(["q", "a", "a"]):
            matcher.try_accept(token)
            matcher.mask()

    with pytest.raises(GrammarError, match="can't be followed"):
        go_on()
    with pytest.raises(GrammarError, match="can't be followed"):
        _ = matcher.is_finished


# -- text


def test_plain_text_never_becomes_a_control_token(vocabulary: Llama) -> None:
    assert not set(vocabulary.tokenize(["<|im_end|>", "a<|im_start|>", "<|endoftext|>"])) & ENDS
    assert text(vocabulary, vocabulary.tokenize(["<|im_end|>"])) == "<|im_end|>"
    assert vocabulary.tokenize([2]) == [2]


@pytest.mark.parametrize("written", ["", "naïve café", "a\0b", "日本語 🙂", " \n\t ", "é" * 500])
def test_text_is_spelled_in_tokens_that_write_it(vocabulary: Llama, written: str) -> None:
    assert text(vocabulary, vocabulary.tokenize([written])) == written


def test_half_a_character_is_spelled_as_a_question_mark(vocabulary: Llama) -> None:
    assert vocabulary.tokenize(["a\ud83d"]) == vocabulary.tokenize(["a?"])


def test_the_vocabulary_alone_tells_all_that_templates_need(vocabulary: Llama) -> None:
    ready = vocabulary.describe()
    assert ready.context == 512
    assert "<|im_start|>" in ready.chat_templates["default"]
    assert {token.id for token in ready.special_tokens} >= {0, 1, 2}
    assert set(vocabulary.end_tokens()) == ENDS


def test_a_missing_file_is_named() -> None:
    with pytest.raises(LoadError, match="there is no file /nowhere"):
        Llama(EngineOptions("/nowhere/x.gguf", 512))
