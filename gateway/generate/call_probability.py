"""How probable the calls of an answer are: what the engine is asked, and what its tokens tell."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from math import exp

from gateway.chat.events import Logprob
from gateway.chat.request import Request
from gateway.engine.generation import Opening
from gateway.formats.format import Format, Placeholder, parts
from gateway.generate.thinking_budget import thought_openings
from gateway.grammar.opening import opening_grammar

_JSON = rb'(?P<opening>"name"\s*:\s*")'


def call_opening(
    request: Request,
    format: Format,
    answer_prefix: str,
    special: Mapping[str, int],
    *,
    threshold: float | None,
    json_calls: bool,
) -> Opening | None:
    """Returns the opening of a call for the engine to weigh; None if no answer to that is needed.

    With a `threshold`, its probability decides, unless a call is required. `answer_prefix` is the
    part of the answer that the prompt already contains, `special` maps the texts of special tokens
    to their ids.
    """
    threshold = None if request.tool_choice.required else threshold
    tools = request.callable_tools
    if not tools or not (request.tool_call_probability or threshold is not None):
        return None
    is_open = format.think is not None and answer_prefix == format.think[0]
    return Opening(
        opening_grammar(
            format,
            [tool.name for tool in tools],
            json_calls=json_calls and request.response_schema is None,
            answer_prefix="" if is_open else answer_prefix,
            special=special,
        ),
        threshold,
        opens=thought_openings(format),
        closes=[format.think[1].strip()] if format.think else [],
        is_open=is_open,
    )


class NameProbabilities:
    """Tells how probable the names of an answer's calls were, from its tokens."""

    def __init__(self, format: Format):
        self._heads = [*_heads(format), _JSON]
        self._written = bytearray()
        self._starts: list[int] = []  # of each token in `_written`
        self._logprobs: list[float] = []
        self._searched = 0  # how much of `_written` is before the next call

    def feed(self, tokens: Iterable[Logprob]) -> None:
        """Adds the next tokens of the answer."""
        for token in tokens:
            self._starts.append(len(self._written))
            self._written += bytes(token.bytes)
            self._logprobs.append(token.logprob)

    def next(self, name: str) -> float | None:
        """Returns the probability of the `name` of the next call, once it has been fed.

        That is the product over the tokens from what opens the call to the character that ends the
        name. None if the call is written in none of the known ways.
        """
        heads = (re.compile(head + re.escape(name.encode()), re.DOTALL) for head in self._heads)
        found = [head.search(self._written, self._searched) for head in heads]
        call = min(filter(None, found), key=lambda call: (call.end(), call.start()), default=None)
        if call is None:
            return None
        first = bisect_left(self._starts, call.end("opening"))
        last = bisect_right(self._starts, call.end())
        self._searched = call.end()
        return exp(sum(self._logprobs[first:last]))


def _heads(format: Format) -> Iterator[bytes]:
    """Patterns for what comes before a call's name; the group `opening` is what opens the call."""
    for one in (format, *format.variants):
        before, trigger, rest = one.first_call.partition(one.trigger)
        rest = rest.partition(Placeholder.NAME)[0]
        yield b"(?P<opening>%s)%s" % (_pattern(before + trigger), _pattern(rest))
        if one.calls[0].strip():  # the next call has no opening of its own
            yield b"(?P<opening>)" + _pattern(one.call.partition(Placeholder.NAME)[0])


def _pattern(text: str) -> bytes:
    """A pattern for `text` with any white space, and with anything for its placeholders."""
    return b"".join(
        b".*?"
        if isinstance(part, Placeholder)
        else rb"\s*".join(re.escape(word.encode()) for word in re.split(r"\s+", part))
        for part in parts(text)
    )
