"""What the model wrote is spelled again as it wrote it, when it comes back in a later prompt.

The same text can be spelled in other tokens than the tokenizer's own, and a model often does. Were
it spelled anew, all that was read from there on would have to be read again.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from typing import TypeAlias

# Bytes that UTF-8 never has.
SPECIAL = b"\xff"  # the number of a special token follows, in eight digits
BORDER = b"\xfe"  # nothing may be spelled across it
PART = re.compile(rb"\xff(.{8})|([^\xfe\xff]+)")

MOST_ANSWERS = 16  # to one prompt
MOST_TOKENS = 2**19  # of all answers; each takes about 100 bytes

Parts: TypeAlias = Sequence[str | int]
Spelled: TypeAlias = Sequence[str | int | list[int]]  # an answer is a list of tokens


@dataclass(frozen=True, slots=True)
class Answer:
    """What followed a prompt of `length` bytes: tokens, and the bytes of each."""

    length: int
    tokens: list[int]
    pieces: list[bytes]

    def told(self, data: bytes) -> tuple[int, int]:
        """How many of the tokens `data` repeats after the prompt, and where they end there."""
        whole = b"".join(self.pieces)
        end = self.length + len(whole)
        if data.startswith(whole, self.length) and not _is_amid_character(data, end):
            return len(self.tokens), end
        count, at, end = 0, self.length, self.length
        for i, piece in enumerate(self.pieces, 1):
            at = _behind(piece, data, at)
            if at < 0:
                break
            if not _is_amid_character(data, at):
                count, end = i, at
        return count, end


class Spoken:
    """Remembers the answers to the latest `most` prompts."""

    def __init__(self, most: int = 512):
        self._most = most
        self._answers: OrderedDict[bytes, list[Answer]] = OrderedDict()  # by their prompt's digest
        self._tokens = 0

    def keep(self, prompt: Parts, tokens: list[int], written: Iterable[bytes | int]) -> None:
        """Remember an answer; `written` are its tokens' bytes, and the numbers of special ones."""
        data = flat(prompt)
        pieces = [_number(part) if isinstance(part, int) else part for part in written]
        known = self._answers.pop(_digest(data), [])
        others = [one for one in known if one.tokens != tokens]
        answers = [*others, Answer(len(data), tokens, pieces)][-MOST_ANSWERS:]
        self._answers[_digest(data)] = answers
        self._tokens += _length(answers) - _length(known)
        while self._answers and (len(self._answers) > self._most or self._tokens > MOST_TOKENS):
            self._tokens -= _length(self._answers.popitem(last=False)[1])

    def spell(self, prompt: Parts) -> Spelled:
        """A prompt that has its answers in tokens, as far as it repeats them."""
        data = flat(prompt)
        spelled: list[str | int | list[int]] = []
        at = 0
        for start, tokens, end in self._told(data):
            if start >= at:
                spelled += _parts(data[at:start])
                spelled.append(tokens)
                at = end
        return [*spelled, *_parts(data[at:])]

    def _told(self, data: bytes) -> Iterable[tuple[int, list[int], int]]:
        """The answers that `data` repeats, in order: where they start, their tokens, their end."""
        kept = {answers[0].length for answers in self._answers.values()}
        lengths = sorted(length for length in kept if length < len(data))
        digest = blake2b(digest_size=16)
        for before, length in pairwise([0, *lengths]):
            digest.update(data[before:length])
            found = ((a, *a.told(data)) for a in self._answers.get(digest.copy().digest(), ()))
            answer, count, end = max(found, key=lambda one: one[2], default=(None, 0, 0))
            if answer and count:
                yield length, answer.tokens[:count], end


def flat(parts: Parts) -> bytes:
    """Text and special tokens as bytes that only the same parts have."""
    pieces = []
    after_text = False
    for part in parts:
        if isinstance(part, int):
            pieces.append(_number(part))
        else:
            pieces.append(BORDER * after_text + part.encode(errors="replace"))
        after_text = isinstance(part, str)
    return b"".join(pieces)


def _length(answers: Iterable[Answer]) -> int:
    return sum(len(answer.tokens) for answer in answers)


def _parts(data: bytes) -> list[str | int]:
    return [text.decode() if text else int(number, 16) for number, text in PART.findall(data)]


def _behind(piece: bytes, data: bytes, at: int) -> int:
    """Where `piece` ends that stands at `at`, whatever borders are in it; -1 if it does not."""
    if data.startswith(piece, at):
        return at + len(piece)
    for byte in piece:
        while data.startswith(BORDER, at):
            at += 1
        if at == len(data) or data[at] != byte:
            return -1
        at += 1
    return at


def _is_amid_character(data: bytes, at: int) -> bool:
    return at < len(data) and data[at] & 0xC0 == 0x80


def _number(token: int) -> bytes:
    return SPECIAL + b"%08x" % token


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=16).digest()
