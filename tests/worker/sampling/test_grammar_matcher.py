"""Grammars and tokenization with the vocabulary of the embedded model, without its weights."""

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

ENDS = {0, 2, 4}  # <|endoftext|>, <|im_end|>, <file_sep> in llama.cpp


@pytest.fixture(scope="module")
def compiler(vocabulary: Llama) -> GrammarCompiler:
    return GrammarCompiler(vocabulary)


def text(vocabulary: Llama, tokens: list[int]) -> str:
    return b"".join(map(vocabulary.piece, tokens)).decode()


def feed(matcher: LlguidanceMatcher, vocabulary: Llama, *parts: str | int) -> None:
    for token in vocabulary.tokenize(parts):
        assert matcher.try_accept(token), vocabulary.piece(token)


# -- grammars


def test_forced_tokens_are_those_of_the_forced_text(
    compiler: GrammarCompiler, vocabulary: Llama
) -> None:
    forced = compiler.matcher('start: "Dear friend, you are right! "').accept_forced()
    assert "Dear friend, you are right! ".startswith(text(vocabulary, forced))
    assert len(forced) > 3


def test_forced_tokens_count_as_accepted(compiler: GrammarCompiler, vocabulary: Llama) -> None:
    matcher = compiler.matcher('start: "yes, it is: " /[0-9]/ "."')
    generated = matcher.accept_forced()
    while not matcher.is_finished:
        token = int(matcher.mask().argmax())
        assert matcher.try_accept(token)
        generated += [token, *matcher.accept_forced()]
    assert text(vocabulary, generated)[:-2] == "yes, it is: "
    assert text(vocabulary, generated)[-2].isdigit()
    assert text(vocabulary, generated)[-1] == "."


def test_a_special_token_can_be_forced(compiler: GrammarCompiler) -> None:
    assert compiler.matcher("start: <|im_start|> /[ab]+/").accept_forced() == [1]


def test_an_end_token_is_accepted_only_where_the_grammar_can_end(
    compiler: GrammarCompiler, vocabulary: Llama
) -> None:
    matcher = compiler.matcher('start: "ab" "c"?')
    assert not matcher.try_accept(2)
    assert not set(matcher.mask().nonzero()[0]) & ENDS
    feed(matcher, vocabulary, "ab")
    assert set(matcher.mask().nonzero()[0]) >= ENDS
    assert not matcher.is_finished
    assert all(matcher.try_accept(end) for end in ENDS)


def test_a_grammar_that_allows_no_further_token_is_finished(
    compiler: GrammarCompiler, vocabulary: Llama
) -> None:
    matcher = compiler.matcher('start: "ab"')
    assert not matcher.is_finished
    feed(matcher, vocabulary, "ab")
    assert matcher.is_finished


def test_an_empty_grammar_allows_only_end_tokens(compiler: GrammarCompiler) -> None:
    matcher = compiler.matcher('start: ""')
    assert set(matcher.mask().nonzero()[0]) == ENDS
    assert matcher.try_accept(2)


def test_an_end_token_in_the_grammar_is_accepted_in_its_place(
    compiler: GrammarCompiler, vocabulary: Llama
) -> None:
    matcher = compiler.matcher('start: "ab" <|im_end|>')
    assert not matcher.try_accept(2)
    feed(matcher, vocabulary, "ab")
    assert matcher.try_accept(2)


def test_a_token_that_is_not_allowed_does_not_advance_the_matcher(
    compiler: GrammarCompiler, vocabulary: Llama
) -> None:
    matcher = compiler.matcher("start: /[0-9]+/")
    (letter,) = vocabulary.tokenize(["a"])
    assert not matcher.try_accept(letter)
    feed(matcher, vocabulary, "12")
    assert not matcher.mask()[letter]


def test_each_matcher_starts_at_the_beginning(compiler: GrammarCompiler, vocabulary: Llama) -> None:
    feed(compiler.matcher('start: "ab"'), vocabulary, "ab")
    assert not compiler.matcher('start: "ab"').is_finished


@pytest.mark.parametrize(
    "grammar",
    ["start: nothing", 'other: "a"', "start: /(/", 'start: %json {"type": "x"}', "start: <nope>"],
)
def test_an_invalid_grammar_is_an_error_with_the_reason(
    compiler: GrammarCompiler, grammar: str
) -> None:
    with pytest.raises(GrammarError, match=r"\w+ \w+"):
        compiler.matcher(grammar)


def test_a_grammar_that_is_too_large_is_rejected(compiler: GrammarCompiler) -> None:
    words = " | ".join(f'"word {i}"' for i in range(100_000))
    with pytest.raises(GrammarError, match="at most"):
        compiler.matcher(f"start: {words}")


def test_prepare_compiles_a_grammar_into_the_cache(
    compiler: GrammarCompiler, monkeypatch: pytest.MonkeyPatch
) -> None:
    for grammar in ('start: "prepared"', "start: nowhere"):
        compiler.prepare(Generate(1, Generation(["x"], Sampling(), grammar)))
    monkeypatch.setattr(GrammarCompiler, "_compile", None)
    assert compiler.matcher('start: "prepared"')
    with pytest.raises(GrammarError):
        compiler.matcher("start: nowhere")


def test_a_grammar_that_grows_too_complex_is_given_up(
    compiler: GrammarCompiler, vocabulary: Llama
) -> None:
    matcher = compiler.matcher('start: "q" /(a?){900}a{900}/')
    assert matcher.failure == ""
    for token in vocabulary.tokenize(["q", "a", "a", "b", "c"]):
        matcher.mask()
        assert matcher.try_accept(token)
    assert "too complex" in matcher.failure or "too many" in matcher.failure
    assert not matcher.is_finished
    assert matcher.mask().all()
    assert matcher.accept_forced() == []
    assert matcher.can_accept(vocabulary.tokenize(["anything"]))


# -- numbers


def as_long_as_allowed(matcher: LlguidanceMatcher, vocabulary: Llama, start: str) -> str:
    """`start`, and the digit 1 as often as it is accepted, at most 40 times."""
    feed(matcher, vocabulary, start)
    (one,) = vocabulary.tokenize(["1"])
    count = 0
    while count < 40 and bool(matcher.mask()[one]) and matcher.try_accept(one):
        count += 1
    assert count == 40 or not matcher.try_accept(one)
    return start + "1" * count


@pytest.mark.parametrize(
    ("grammar", "start", "text"),
    [
        ('start: %json {"type": "integer"}', "", "1" * 20),
        ('start: %json {"type": "integer", "minimum": 0}', "", "1" * 20),
        ('start: %json {"type": "number"}', "1.", "1." + "1" * 16),
        ('start: %json {"type": "number"}', "1e", "1e111"),
        ('start: %json {"type": "number", "minimum": 0}', "1.", "1." + "1" * 16),
        ('start: %json {"type": "array", "items": {"type": "integer"}}', "[5,", "[5," + "1" * 20),
        ('start: %json {"type": "string"}', '"', '"' + "1" * 40),
        ("start: /[a-z0-9 ]*/", "", "1" * 40),
        ("start: /1{30}/", "", "1" * 30),
    ],
)
def test_a_number_has_no_more_digits_than_it_needs(
    compiler: GrammarCompiler, vocabulary: Llama, grammar: str, start: str, text: str
) -> None:
    assert as_long_as_allowed(compiler.matcher(grammar), vocabulary, start) == text


# -- text


def test_text_never_becomes_a_control_token(vocabulary: Llama) -> None:
    assert not set(vocabulary.tokenize(["<|im_end|>", "a<|im_start|>", "<|endoftext|>"])) & ENDS
    assert text(vocabulary, vocabulary.tokenize(["<|im_end|>"])) == "<|im_end|>"
    assert vocabulary.tokenize([2]) == [2]


@pytest.mark.parametrize("generated", ["", "naïve café", "a\0b", "日本語 🙂", " \n\t ", "é" * 500])
def test_text_is_tokenized_into_its_own_bytes(vocabulary: Llama, generated: str) -> None:
    assert text(vocabulary, vocabulary.tokenize([generated])) == generated


def test_an_unpaired_surrogate_is_tokenized_as_a_question_mark(vocabulary: Llama) -> None:
    assert vocabulary.tokenize(["a\ud83d"]) == vocabulary.tokenize(["a?"])


def test_a_vocabulary_only_model_describes_what_templates_need(vocabulary: Llama) -> None:
    info = vocabulary.describe()
    assert info.context == 512
    assert "<|im_start|>" in info.chat_templates["default"]
    assert {token.id for token in info.special_tokens} >= {0, 1, 2}
    assert set(vocabulary.end_tokens()) == ENDS


def test_a_missing_file_is_an_error_with_its_path() -> None:
    with pytest.raises(LoadError, match="there is no file /nowhere"):
        Llama(EngineOptions("/nowhere/x.gguf", 512))
