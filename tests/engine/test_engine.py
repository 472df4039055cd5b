from __future__ import annotations

import msgspec
import pytest

from tests.fakes import INFO

FOUR_BYTES = msgspec.structs.replace(INFO, max_token_bytes=4)


@pytest.mark.parametrize(
    ("prompt", "tokens"),
    [
        ([], 0),
        (["", 7], 1),
        (["abcd"], 1),
        (["abcde"], 2),
        (["a", 7, "b"], 2),
        (["éé"], 1),
        (["ééé"], 2),
        (["\ud83d"], 1),
        (["<", "|a|><", "|a|>"] * 10, 25),
        (["a"] * 30, 15),
    ],
)
def test_a_prompt_has_at_least_the_tokens_that_its_bytes_take(
    prompt: list[str | int], tokens: int
) -> None:
    assert FOUR_BYTES.min_tokens(prompt) == tokens


def test_text_of_an_unknown_vocabulary_may_have_no_tokens() -> None:
    assert INFO.min_tokens(["abcd" * 1000, 7]) == 1
