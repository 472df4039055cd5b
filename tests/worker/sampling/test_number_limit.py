"""A number ends where it has as many digits as any number needs."""

from __future__ import annotations

import pytest

from gateway.worker.sampling.number_limit import NumberLimit


def longest(start: str, digits: str) -> str:
    """`start` with as many of `digits` after it as are allowed, one by one."""
    limit, text = NumberLimit(), start
    limit.feed(start.encode())
    for digit in digits:
        if limit.is_exceeded_by(digit.encode()):
            break
        limit.feed(digit.encode())
        text += digit
    return text


@pytest.mark.parametrize(
    ("start", "digits", "text"),
    [
        ("", "1" * 30, "1" * 20),
        ('{"id": -', "1" * 30, '{"id": -' + "1" * 20),
        ("", "18446744073709551615", "18446744073709551615"),
        ("", "0." + "3" * 30, "0." + "3" * 17),
        ("", "0.00001" + "2" * 30, "0.00001" + "2" * 16),
        ("", "0." + "0" * 40, "0." + "0" * 25),
        ("", "123.456e7", "123.456e7"),
        ("", "1" * 20 + ".5", "1" * 20),
        ("1e", "308", "1e308"),
        ("1e", "309", "1e30"),
        ("17E", "307", "17E307"),
        ("18E", "308", "18E30"),
        ("1e-", "0100", "1e-010"),
        ("[1, 22, ", "3" * 30, "[1, 22, " + "3" * 20),
        ('"', "1" * 30, '"' + "1" * 30),
        ("'", "1" * 30, "'" + "1" * 30),
        ("a", "b" * 30, "a" + "b" * 30),
    ],
)
def test_a_number_is_as_long_as_it_has_to_be(start: str, digits: str, text: str) -> None:
    assert longest(start, digits) == text


def test_a_token_of_several_digits_may_be_too_long() -> None:
    limit = NumberLimit()
    limit.feed(b"x: ")
    limit.feed(b"12345678901234567")
    assert not limit.is_exceeded_by(b"890")
    assert limit.is_exceeded_by(b"8901")
    assert not limit.is_exceeded_by(b", 8901")
