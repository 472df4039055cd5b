"""Re-tokenizes earlier answers in a prompt as they were generated. Pure.

The same text has several tokenizations, and a model often generates another one than the tokenizer
would. With the tokens as generated, the prefix cache matches beyond the first such difference.

This history works on tokens; `prompt/text_history.py` works on text, before tokenization, as a turn
can also be written in several ways. A prefix matches only with both.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from threading import Lock
from typing import TypeAlias

from gateway.chat.messages import PromptParts

# Bytes that never occur in UTF-8.
SPECIAL = b"\xff"  # a special token: its id follows in eight hexadecimal digits
BORDER = b"\xfe"  # a border between texts, which no token may span
PART = re.compile(rb"\xff(.{8})|([^\xfe\xff]+)")

MAX_PROMPTS = 512
MAX_ANSWERS = 16  # of one prompt
MAX_TOKENS = 2**19  # of all answers; each takes about 100 bytes

TokenizedParts: TypeAlias = Sequence[str | int | list[int]]  # an answer is a list of tokens


@dataclass(frozen=True, slots=True)
class Answer:
    """What was generated after a prompt of `length` bytes: tokens, and the bytes of each."""

    length: int
    tokens: list[int]
    pieces: list[bytes]

    def match(self, data: bytes) -> tuple[int, int]:
        """How many of the tokens `data` repeats after the prompt, and where they end in it."""
        whole = b"".join(self.pieces)
        end = self.length + len(whole)
        if data.startswith(whole, self.length) and not _is_within_character(data, end):
            return len(self.tokens), end
        count, at, end = 0, self.length, self.length
        for i, piece in enumerate(self.pieces, 1):
            at = _after(piece, data, at)
            if at < 0:
                break
            if not _is_within_character(data, at):
                count, end = i, at
        return count, end


class TokenHistory:
    """Remembers the answers to the latest `max_prompts` prompts, up to `MAX_TOKENS` tokens.

    Several threads may use it.
    """

    def __init__(self, max_prompts: int = MAX_PROMPTS):
        self._max_prompts = max_prompts
        self._answers: OrderedDict[bytes, list[Answer]] = OrderedDict()  # by digest of the prompt
        self._tokens = 0
        self._lock = Lock()

    def record(self, prompt: PromptParts, tokens: list[int], parts: Iterable[bytes | int]) -> None:
        """Remember an answer. `parts` are the bytes of its tokens; special tokens are their ids."""
        data = flat(prompt)
        pieces = [_number(part) if isinstance(part, int) else part for part in parts]
        with self._lock:
            known = self._answers.pop(_digest(data), [])
            others = [answer for answer in known if answer.tokens != tokens]
            answers = [*others, Answer(len(data), tokens, pieces)][-MAX_ANSWERS:]
            self._answers[_digest(data)] = answers
            self._tokens += _token_count(answers) - _token_count(known)
            while self._answers and self._is_full:
                self._tokens -= _token_count(self._answers.popitem(last=False)[1])

    def restore(self, prompt: PromptParts) -> TokenizedParts:
        """`prompt` with its remembered answers replaced by their tokens."""
        data = flat(prompt)
        restored: list[str | int | list[int]] = []
        at = 0
        with self._lock:
            matches = list(self._matches(data))
        for start, tokens, end in matches:
            if start >= at:
                restored += _parts(data[at:start])
                restored.append(tokens)
                at = end
        return [*restored, *_parts(data[at:])]

    @property
    def _is_full(self) -> bool:
        return len(self._answers) > self._max_prompts or self._tokens > MAX_TOKENS

    def _matches(self, data: bytes) -> Iterable[tuple[int, list[int], int]]:
        """The answers that `data` repeats, in order: where each starts, its tokens, its end."""
        known = {answers[0].length for answers in self._answers.values()}
        lengths = sorted(length for length in known if length < len(data))
        digest = blake2b(digest_size=16)
        for before, length in pairwise([0, *lengths]):
            digest.update(data[before:length])
            found = ((a, *a.match(data)) for a in self._answers.get(digest.copy().digest(), ()))
            answer, count, end = max(found, key=lambda one: one[2], default=(None, 0, 0))
            if answer and count:
                yield length, answer.tokens[:count], end


def flat(parts: PromptParts) -> bytes:
    """Text and special tokens as bytes; different parts give different bytes."""
    pieces = []
    after_text = False
    for part in parts:
        if isinstance(part, int):
            pieces.append(_number(part))
        else:
            pieces.append(BORDER * after_text + part.encode(errors="replace"))
        after_text = isinstance(part, str)
    return b"".join(pieces)


def _token_count(answers: Iterable[Answer]) -> int:
    return sum(len(answer.tokens) for answer in answers)


def _parts(data: bytes) -> list[str | int]:
    return [text.decode() if text else int(number, 16) for number, text in PART.findall(data)]


def _after(piece: bytes, data: bytes, at: int) -> int:
    """Where `piece` at `at` ends in `data`, borders within it included; -1 if it is not there."""
    if data.startswith(piece, at):
        return at + len(piece)
    for byte in piece:
        while data.startswith(BORDER, at):
            at += 1
        if at == len(data) or data[at] != byte:
            return -1
        at += 1
    return at


def _is_within_character(data: bytes, at: int) -> bool:
    return at < len(data) and data[at] & 0xC0 == 0x80


def _number(token: int) -> bytes:
    return SPECIAL + b"%08x" % token


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=16).digest()
