"""A small vocabulary for random walks through a grammar: all bytes, and a family's markers."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from llguidance import LLMatcher, LLTokenizer, TokenizerWrapper

from gateway.chat.messages import Turn
from gateway.formats.encode import encode
from gateway.formats.families import FAMILIES
from gateway.formats.format import Format
from gateway.grammar.bounds import LIMITS
from gateway.worker.sampling.number_limit import NumberLimit

BYTES = [bytes([byte]) for byte in range(256)]
WORDS = [b'"', b"}", b"]", b",", b"\n", b"0", b"a", b"null", b"true"]


class LongWalk(Exception):
    """A walk that did not end."""


class Vocabulary:
    """`plain` are normal tokens, `special` are control tokens."""

    def __init__(self, plain: Sequence[str] = (), special: Sequence[str] = ()):
        words = [*BYTES, *(marker.encode() for marker in plain), b"null", b"true"]
        self.special = {marker: len(words) + i for i, marker in enumerate(special)}
        self.end = len(words) + len(special)
        # The attributes that llguidance reads from a tokenizer.
        self.tokens = [*words, *(marker.encode() for marker in special), b"<end>"]
        self.eos_token_id = self.end
        self.bos_token_id = None
        self.special_token_ids = [*self.special.values(), self.end]
        self.tokenizer = LLTokenizer(TokenizerWrapper(self), slices=[])

    def __call__(self, text: bytes) -> list[int]:
        return list(text)

    def matcher(self, grammar: str) -> LLMatcher:
        lark = LLMatcher.grammar_from_lark(grammar)
        matcher = LLMatcher(self.tokenizer, lark, log_level=0, limits=LIMITS)
        assert not matcher.is_error(), matcher.get_error()
        return matcher

    def tokenized(self, format: Format, turn: Turn) -> list[int]:
        """`turn` as bytes, with the format's markers as control tokens."""
        seals = {marker: chr(0xE000 + token) for marker, token in self.special.items()}

        def sealed(text: str) -> str:
            for marker in sorted(seals, key=len, reverse=True):
                text = text.replace(marker, seals[marker])
            return text

        own = sealed_all(replace(format, variants=()), sealed)
        tokens = {seal: [self.special[marker]] for marker, seal in seals.items()}
        return [t for c in encode(own, turn) for t in tokens.get(c) or c.encode()]

    def admits(self, grammar: str, tokens: Sequence[int]) -> bool:
        matcher = self.matcher(grammar)
        return bool(matcher.try_consume_tokens([*tokens]) == len(tokens) and matcher.is_accepting())

    def walk(self, grammar: str, seed: int) -> str:
        """Some text that `grammar` admits; a walk that grows long takes the nearest way out.

        Raises LongWalk if it does not find one.
        """
        matcher, number = self.matcher(grammar), NumberLimit()
        chance = random.Random(seed)
        written: list[bytes] = []
        while (token := self._step(matcher, number, chance, len(written) > 150)) != self.end:
            assert matcher.consume_token(token), matcher.get_error()
            written.append(self.tokens[token])
            number.feed(self.tokens[token])
            if len(written) > 3000:
                raise LongWalk
        return b"".join(written).decode()

    def _step(
        self, matcher: LLMatcher, number: NumberLimit, chance: random.Random, tired: bool
    ) -> int:
        bits = np.frombuffer(matcher.compute_bitmask(), np.uint8)
        allowed = np.flatnonzero(np.unpackbits(bits, bitorder="little")).tolist()
        if self.end in allowed and (tired or len(allowed) == 1 or chance.random() < 0.1):
            return self.end
        allowed = [token for token in allowed if token != self.end]
        if number.is_near and ord("x") not in allowed:  # as in the worker
            short = [t for t in allowed if not number.is_exceeded_by(self.tokens[t])]
            allowed = short or allowed
        likely = [token for token in allowed if self.tokens[token] in WORDS or token > 255]
        if likely and chance.random() < (0.9 if tired else 0.5):
            return likely[0] if tired and chance.random() < 0.5 else chance.choice(likely)
        return int(chance.choice(allowed))


def sealed_all(value: Any, sealed: Callable[[str], str]) -> Any:
    """A declaration with all of its texts sealed."""
    match value:
        case str():
            return sealed(value)
        case tuple():
            return tuple(sealed_all(item, sealed) for item in value)
        case Mapping():
            return {key: sealed_all(item, sealed) for key, item in value.items()}
        case _ if is_dataclass(value) and not isinstance(value, type):
            names = [field.name for field in fields(value)]
            return replace(value, **{n: sealed_all(getattr(value, n), sealed) for n in names})
    return value


def words(text: str) -> Iterator[str]:
    """The markers in `text` that may be one token: `<tool_call>`, `[ARGS]`."""
    yield from re.findall(r"\]<\]minimax\[>\[|<[^<>\s=$]+>|\[/?[A-Z_]+\]", text)


THINKING = [format for format in FAMILIES.values() if format.think]


@cache
def vocabulary(format: Format, *, special: bool) -> Vocabulary:
    """A vocabulary with the family's markers as control tokens, or as normal tokens."""
    markers = list(dict.fromkeys(words(" ".join(format.markers))))
    return Vocabulary(special=markers) if special else Vocabulary(plain=markers)
