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
SPECIAL = b"\xff"  # the number of a special token follows, in four bytes
BORDER = b"\xfe"  # nothing may be spelled across it
PART = re.compile(rb"\xff(.{4})|([^\xfe\xff]+)", re.DOTALL)

Parts: TypeAlias = Sequence[str | int]
Spelled: TypeAlias = Sequence[str | int | list[int]]  # an answer is a list of tokens


@dataclass(frozen=True, slots=True)
class Answer:
    """What followed a prompt of `length` bytes, and its tokens."""

    length: int
    text: bytes
    tokens: list[int]


class Spoken:
    """Remembers the latest `most` answers by the prompts that they followed."""

    def __init__(self, most: int = 512):
        self._most = most
        self._answers: OrderedDict[bytes, Answer] = OrderedDict()  # by the digest of their prompt

    def keep(self, prompt: Parts, tokens: list[int], written: Iterable[bytes | int]) -> None:
        """Remember an answer; `written` are its tokens' bytes, and the numbers of special ones."""
        data = flat(prompt)
        text = b"".join(_number(part) if isinstance(part, int) else part for part in written)
        if not text or not _is_text(text):
            return
        digest = _digest(data)
        self._answers[digest] = Answer(len(data), text, tokens)
        self._answers.move_to_end(digest)
        if len(self._answers) > self._most:
            self._answers.popitem(last=False)

    def spell(self, prompt: Parts) -> Spelled:
        """A prompt that has its answers in tokens."""
        data = flat(prompt)
        spelled: list[str | int | list[int]] = []
        at = 0
        for answer in self._told(data):
            if answer.length >= at:
                spelled += _parts(data[at : answer.length])
                spelled.append(answer.tokens)
                at = answer.length + len(answer.text)
        return [*spelled, *_parts(data[at:])]

    def _told(self, data: bytes) -> Iterable[Answer]:
        """The answers that `data` repeats, in order."""
        lengths = sorted({a.length for a in self._answers.values() if a.length < len(data)})
        digest = blake2b(digest_size=16)
        for before, length in pairwise([0, *lengths]):
            digest.update(data[before:length])
            answer = self._answers.get(digest.copy().digest())
            if answer and data.startswith(answer.text, length):
                yield answer


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


def _parts(data: bytes) -> list[str | int]:
    return [
        text.decode() if text else int.from_bytes(number) for number, text in PART.findall(data)
    ]


def _is_text(data: bytes) -> bool:
    """Whether no character of it is broken."""
    try:
        return flat(_parts(data)) == data
    except UnicodeDecodeError:
        return False


def _number(token: int) -> bytes:
    return SPECIAL + token.to_bytes(4)


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=16).digest()
