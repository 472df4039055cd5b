"""How probable the names of calls were, from the tokens of an answer."""

from __future__ import annotations

from math import log

import pytest

from gateway.chat.events import Logprob
from gateway.chat.messages import Call, Turn
from gateway.formats.encode import encode
from gateway.formats.families import FAMILIES, HERMES
from gateway.formats.format import Format
from gateway.generate.call_probability import NameProbabilities
from tests.formats.roundtrip import EVERY_FORMAT


def tokens(*pieces: str, probability: float = 0.5) -> list[Logprob]:
    return [Logprob(piece, [*piece.encode()], log(probability)) for piece in pieces]


def named(*pieces: str, names: list[str], format: Format = HERMES) -> list[float | None]:
    """The probabilities of calls of `names`, where each token has the probability 0.5."""
    probabilities = NameProbabilities(format)
    probabilities.feed(tokens(*pieces))
    return [probabilities.next(name) for name in names]


HEAD = ["<tool_call>", '\n{"', "name", '": "', "get", "_time", '",', ' "arguments": {}}']


def test_tokens_from_the_opening_to_the_end_of_the_name_count() -> None:
    assert named("So.", *HEAD, names=["get_time"]) == [pytest.approx(0.5**6)]


def test_each_call_has_its_own_probability() -> None:
    second = ["</tool_call>\n", "<tool_call>", '\n{"name": "', "f", '"']
    found = named(*HEAD, *second, names=["get_time", "f"])
    assert found == [pytest.approx(0.5**6), pytest.approx(0.5**3)]


def test_a_tool_that_is_called_like_a_key_is_found() -> None:
    found = named("<tool_call>", '{"', "name", '": "', "name", '"}', names=["name"])
    assert found == [pytest.approx(0.5**5)]


def test_the_name_of_a_call_as_plain_json_counts_from_its_quote() -> None:
    pieces = ["```json", '\n{"', "name", '":', ' "', "get", "_time", '",']
    assert named(*pieces, names=["get_time"]) == [pytest.approx(0.5**3)]


def test_later_calls_of_a_section_count_from_their_own_beginning() -> None:
    pieces = ["[TOOL_CALLS]", '[{"name": "', "f", '", "arguments": {}}, ', '{"name": "', "g", '"']
    found = named(*pieces, names=["f", "g"], format=FAMILIES["mistral_v2"])
    assert found == [pytest.approx(0.5**3), pytest.approx(0.5**3)]


def test_a_call_that_is_written_in_no_known_way_has_no_probability() -> None:
    assert named("get_time()", names=["get_time"]) == [None]


@EVERY_FORMAT
def test_names_are_found_in_every_format(format: Format) -> None:
    calls = [Call(name, {}, "abcdefghi") for name in ("get_time", "f")]
    turn = Turn("", "", (calls[0],) if format.single_call else tuple(calls))
    pieces = encode(format, turn)
    found = named(*pieces, names=[call.name for call in turn.calls], format=format)
    for call, probability in zip(turn.calls, found, strict=True):
        assert probability is not None
        assert 0 < probability <= 0.5 ** len(call.name)
