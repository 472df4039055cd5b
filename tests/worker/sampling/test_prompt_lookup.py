from __future__ import annotations

from gateway.worker.sampling.prompt_lookup import MIN_MATCH_TOKENS, PromptLookup


def test_tokens_after_an_earlier_match_are_drafted() -> None:
    tokens = [1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4]
    lookup = PromptLookup(tokens)
    assert lookup.draft(8) == [5, 6, 7, 8]
    tokens += [5, 6]
    assert lookup.draft(8) == [7, 8, 9, 1, 2, 3]
    assert lookup.draft(2) == [7, 8]


def test_too_short_a_match_drafts_nothing() -> None:
    assert PromptLookup([1, 2, 3, 4, 9, 2, 3, 4]).draft(8) == []
    assert PromptLookup(list(range(MIN_MATCH_TOKENS))).draft(8) == []


def test_the_latest_match_is_used() -> None:
    assert PromptLookup([1, 2, 3, 4, 5, 1, 2, 3, 4, 6, 1, 2, 3, 4]).draft(1) == [6]


def test_the_end_does_not_match_itself() -> None:
    assert PromptLookup([7] * 4).draft(3) == []
    assert PromptLookup([7] * 9).draft(3) == [7]
