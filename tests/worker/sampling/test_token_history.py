from __future__ import annotations

from gateway.worker.sampling.token_history import MAX_TOKENS, TokenHistory

BEFORE: list[str | int] = [7, "user\nHi", 8, 7]
PROMPT: list[str | int] = [*BEFORE, "assistant\n"]
NEXT: list[str | int] = [8, 7, "user\nMore", 8]


def spoken(prompt: list[str | int], *answer: bytes | int) -> TokenHistory:
    made = TokenHistory()
    made.record(prompt, [100 + i for i in range(len(answer))], answer)
    return made


def test_an_answer_that_comes_back_is_spelled_as_it_was_written() -> None:
    told = spoken(PROMPT, b"He", b"llo", 9)
    assert told.restore([*BEFORE, "assistant\nHello", 9, *NEXT]) == [
        *PROMPT,
        [100, 101, 102],
        *NEXT,
    ]


def test_each_answer_of_a_conversation_is() -> None:
    told = spoken(PROMPT, b"Hello")
    later: list[str | int] = [*BEFORE, "assistant\nHello", *NEXT]
    told.record(later, [1, 2], [b"B", b"ye"])
    assert told.restore([*later, "Bye", 8]) == [*PROMPT, [100], *NEXT, [1, 2], 8]


def test_text_goes_on_after_an_answer() -> None:
    told = spoken(["Q: Hi A: "], b"Hello")
    assert told.restore(["Q: Hi A: Hello\nQ: Bye"]) == ["Q: Hi A: ", [100], "\nQ: Bye"]


def test_an_answer_that_was_changed_is_spelled_anew() -> None:
    told = spoken(PROMPT, b"Hello")
    changed: list[str | int] = [*BEFORE, "assistant\nHallo", *NEXT]
    assert told.restore(changed) == changed


def test_one_that_was_cut_is_spelled_as_it_was_written_so_far() -> None:
    told = spoken(PROMPT, b"Hel", b"lo,", b" Ann", 9)
    assert told.restore([*BEFORE, "assistant\nHello", 8]) == [*PROMPT, [100], "lo", 8]


def test_one_of_several_answers_to_a_prompt_is_told_again() -> None:
    told = spoken(PROMPT, b"Hello", b"!")
    told.record(PROMPT, [1, 2], [b"H", b"i"])
    told.record(PROMPT, [3], [b"Hey"])
    assert told.restore([*BEFORE, "assistant\nHello!", 8]) == [*PROMPT, [100, 101], 8]
    assert told.restore([*BEFORE, "assistant\nHi", 8]) == [*PROMPT, [1, 2], 8]


def test_what_is_kept_apart_in_an_answer_is_spelled_as_it_was_written() -> None:
    told = spoken(PROMPT, b"a <", b"9>", b" b")
    parts: list[str | int] = [*BEFORE, "assistant\na <", "9> b", 8]
    assert told.restore(parts) == [*PROMPT, [100, 101, 102], 8]
    assert told.restore([*BEFORE, "assistant\na ", 9, " b"])[-2:] == [9, " b"]


def test_an_answer_is_spelled_anew_after_another_prompt() -> None:
    told = spoken(PROMPT, b"Hello")
    other: list[str | int] = [7, "user\nHo", 8, 7, "assistant\nHello", 8]
    assert told.restore(other) == other


def test_text_is_never_taken_for_a_special_token() -> None:
    told = spoken([1, "a"], b"b", 9)
    assert told.restore([1, "ab<9>", 9]) == [1, "a", [100], "<9>", 9]


def test_texts_that_must_stay_apart_do() -> None:
    apart: list[str | int] = ["<|im", "_end|>", 3, "x"]
    assert TokenHistory().restore(apart) == apart


def test_an_answer_that_broke_off_in_a_character_is_spelled_as_far_as_that() -> None:
    euro = "€".encode()
    told = spoken([1, "a"], b"b", euro[:1])
    assert told.restore([1, "ab€"]) == [1, "a", [100], "€"]
    assert told.restore([1, "a€"]) == [1, "a€"]


def test_a_character_in_two_tokens_is_spelled_as_it_was_written() -> None:
    euro = "€".encode()
    told = spoken([1, "a"], euro[:1], euro[1:])
    assert told.restore([1, "a€"]) == [1, "a", [100, 101]]


def test_long_answers_are_forgotten_sooner() -> None:
    told = TokenHistory()
    for i in range(4):
        told.record([f"{i}"], [*range(MAX_TOKENS // 2)], [b"a"] * (MAX_TOKENS // 2))
    assert [*map(len, map(told.restore, (["0a"], ["1a"], ["2a"], ["3a"])))] == [1, 1, 2, 2]


def test_the_oldest_answers_are_forgotten() -> None:
    told = TokenHistory(max_prompts=2)
    for i in range(3):
        told.record([i, "?"], [100 + i], [b"yes"])
    assert told.restore([0, "?yes"]) == [0, "?yes"]
    assert told.restore([2, "?yes"]) == [2, "?", [102]]
