from __future__ import annotations

from gateway.worker.sampling.token_history import MAX_TOKENS, TokenHistory

BEFORE: list[str | int] = [7, "user\nHi", 8, 7]
PROMPT: list[str | int] = [*BEFORE, "assistant\n"]
NEXT: list[str | int] = [8, 7, "user\nMore", 8]


def history_of(prompt: list[str | int], *answer: bytes | int) -> TokenHistory:
    history = TokenHistory()
    history.record(prompt, [100 + i for i in range(len(answer))], answer)
    return history


def test_an_answer_in_a_prompt_gets_its_generated_tokens() -> None:
    history = history_of(PROMPT, b"He", b"llo", 9)
    assert history.restore([*BEFORE, "assistant\nHello", 9, *NEXT]) == [
        *PROMPT,
        [100, 101, 102],
        *NEXT,
    ]


def test_each_answer_of_a_conversation_gets_its_generated_tokens() -> None:
    history = history_of(PROMPT, b"Hello")
    later: list[str | int] = [*BEFORE, "assistant\nHello", *NEXT]
    history.record(later, [1, 2], [b"B", b"ye"])
    assert history.restore([*later, "Bye", 8]) == [*PROMPT, [100], *NEXT, [1, 2], 8]


def test_text_may_follow_an_answer() -> None:
    history = history_of(["Q: Hi A: "], b"Hello")
    assert history.restore(["Q: Hi A: Hello\nQ: Bye"]) == ["Q: Hi A: ", [100], "\nQ: Bye"]


def test_a_changed_answer_stays_text() -> None:
    history = history_of(PROMPT, b"Hello")
    changed: list[str | int] = [*BEFORE, "assistant\nHallo", *NEXT]
    assert history.restore(changed) == changed


def test_a_shortened_answer_gets_the_tokens_of_its_part() -> None:
    history = history_of(PROMPT, b"Hel", b"lo,", b" Ann", 9)
    assert history.restore([*BEFORE, "assistant\nHello", 8]) == [*PROMPT, [100], "lo", 8]


def test_each_of_several_answers_to_a_prompt_is_remembered() -> None:
    history = history_of(PROMPT, b"Hello", b"!")
    history.record(PROMPT, [1, 2], [b"H", b"i"])
    history.record(PROMPT, [3], [b"Hey"])
    assert history.restore([*BEFORE, "assistant\nHello!", 8]) == [*PROMPT, [100, 101], 8]
    assert history.restore([*BEFORE, "assistant\nHi", 8]) == [*PROMPT, [1, 2], 8]


def test_an_answer_in_several_parts_gets_its_generated_tokens() -> None:
    history = history_of(PROMPT, b"a <", b"9>", b" b")
    parts: list[str | int] = [*BEFORE, "assistant\na <", "9> b", 8]
    assert history.restore(parts) == [*PROMPT, [100, 101, 102], 8]
    assert history.restore([*BEFORE, "assistant\na ", 9, " b"])[-2:] == [9, " b"]


def test_an_answer_after_another_prompt_stays_text() -> None:
    history = history_of(PROMPT, b"Hello")
    other: list[str | int] = [7, "user\nHo", 8, 7, "assistant\nHello", 8]
    assert history.restore(other) == other


def test_text_never_matches_a_special_token() -> None:
    history = history_of([1, "a"], b"b", 9)
    assert history.restore([1, "ab<9>", 9]) == [1, "a", [100], "<9>", 9]


def test_separate_texts_stay_separate() -> None:
    apart: list[str | int] = ["<|im", "_end|>", 3, "x"]
    assert TokenHistory().restore(apart) == apart


def test_an_answer_that_ends_within_a_character_gets_the_tokens_before_it() -> None:
    euro = "€".encode()
    history = history_of([1, "a"], b"b", euro[:1])
    assert history.restore([1, "ab€"]) == [1, "a", [100], "€"]
    assert history.restore([1, "a€"]) == [1, "a€"]


def test_a_character_of_two_tokens_gets_both() -> None:
    euro = "€".encode()
    history = history_of([1, "a"], euro[:1], euro[1:])
    assert history.restore([1, "a€"]) == [1, "a", [100, 101]]


def test_long_answers_are_evicted_sooner() -> None:
    history = TokenHistory()
    for i in range(4):
        history.record([f"{i}"], [*range(MAX_TOKENS // 2)], [b"a"] * (MAX_TOKENS // 2))
    assert [*map(len, map(history.restore, (["0a"], ["1a"], ["2a"], ["3a"])))] == [1, 1, 2, 2]


def test_the_oldest_answers_are_evicted() -> None:
    history = TokenHistory(max_prompts=2)
    for i in range(3):
        history.record([i, "?"], [100 + i], [b"yes"])
    assert history.restore([0, "?yes"]) == [0, "?yes"]
    assert history.restore([2, "?yes"]) == [2, "?", [102]]
