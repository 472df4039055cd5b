"""Texts or token ids, one or several of them, in one field of the OpenAI API."""

from __future__ import annotations

from typing import Annotated

from pydantic import Discriminator, Field, Tag

from gateway.api.body import INT32_MAX

MAX_TOKENS = 2**19  # in one text, which take 60 ms to validate

Token = Annotated[int, Field(ge=0, le=INT32_MAX)]
AnyTokens = Annotated[list[Token], Field(max_length=MAX_TOKENS)]
Tokens = Annotated[AnyTokens, Field(min_length=1)]


def _kind(given: object) -> str:
    """The type of the input, by its first item."""
    match given:
        case [str(), *_]:
            return "several texts"
        case [list(), *_]:
            return "several in tokens"
        case list():
            return "one in tokens"
    return "one text"


Texts = Annotated[
    Annotated[str, Tag("one text")]
    | Annotated[list[str], Tag("several texts")]
    | Annotated[Tokens, Tag("one in tokens")]
    | Annotated[list[Tokens], Tag("several in tokens")],
    Discriminator(_kind),
]


def each(given: str | list[str] | list[int] | list[list[int]]) -> list[str | list[int]]:
    """Returns the inputs as a list.

    >>> each("a"), each(["a", "b"]), each([1, 2]), each([[1], [2]])
    (['a'], ['a', 'b'], [[1, 2]], [[1], [2]])
    """
    if isinstance(given, str):
        return [given]
    tokens = [one for one in given if isinstance(one, int)]
    return [tokens] if tokens else [one for one in given if not isinstance(one, int)]
