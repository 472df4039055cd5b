"""What a client wrote is kept apart from a template's own control tokens.

Control tokens come only from the template: a client's text is guarded before rendering, so that
`<|im_end|>` typed by a user reaches the model as the plain text it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

import msgspec

from gateway.chat.json import Json, Object
from gateway.chat.messages import Call, Message, Result, Speech, Turn

GUARD = "\ufdd0"  # a noncharacter: no text that is meant for interchange has it


class Guard:
    """Breaks what looks like one of a model's special tokens, keeping its text."""

    def __init__(self, special: Mapping[str, int]):
        marks = sorted(filter(None, special), key=len, reverse=True)
        self._special = special
        self._marks = re.compile("|".join(map(re.escape, marks)) or r"(?!)")
        # A template may put a text into another case.
        self._likenesses = re.compile(self._marks.pattern, re.IGNORECASE)
        self._begins = {mark[:end] for mark in marks for end in range(1, len(mark))}
        self._longest = len(marks[0]) if marks else 1
        firsts = re.escape("".join(sorted({mark[0] for mark in marks})))
        may_change = re.IGNORECASE if firsts.lower() != firsts.upper() else re.NOFLAG
        self._firsts = re.compile(f"[{GUARD}{firsts}]", may_change)
        self._escaped = any(mark[0] in '"\\' or mark[0] < " " for mark in marks)

    def message(self, message: Message) -> Message:
        text = self.text(message.text)
        match message:
            case Speech():
                return replace(message, text=text)
            case Result(_, call_id, name):
                return Result(text, self.text(call_id), self.text(name))
            case Turn(_, reasoning, calls):
                return Turn(text, self.text(reasoning), tuple(map(self._call, calls)))

    def value(self, value: Json) -> Json:
        return value if self._is_harmless(value) else self._guarded(value)

    def _is_harmless(self, value: Json) -> bool:
        """Whether no text in it has what a token begins with; JSON writes all of it at once."""
        try:
            written = msgspec.json.encode(value).decode()
        except UnicodeEncodeError:  # half a character
            return False
        return not (self._escaped or self._firsts.search(written))

    def _guarded(self, value: Json) -> Json:
        match value:
            case str():
                return self.text(value)
            case list():
                return [self._guarded(item) for item in value]
            case dict():
                return self._object(value)
        return value

    def text(self, text: str) -> str:
        if not self._firsts.search(text):
            return text
        text = text.replace(GUARD, "")
        said = text.rstrip()
        closed = GUARD if self._is_begun(said) else ""
        return self._likenesses.sub(_broken, said) + closed + text[len(said) :]

    def passes(self, guarded: str, other: str) -> bool:
        """Whether nothing in a text looked like a special token, and `other` has the same ones."""
        marks = self._marks.findall(guarded)
        return all(
            marks == self._marks.findall(text) for text in (guarded.replace(GUARD, ""), other)
        )

    def split(self, text: str) -> Iterator[str | int]:
        """A rendered prompt as plain text and special tokens' ids in turn."""
        at = 0
        for mark in self._marks.finditer(text):
            yield from filter(None, text[at : mark.start()].split(GUARD))
            yield self._special[mark.group()]
            at = mark.end()
        yield from filter(None, text[at:].split(GUARD))

    def _is_begun(self, said: str) -> bool:
        """Whether a token may begin at the end, and go on in the client's next text."""
        near = max(0, len(said) + 1 - self._longest)
        return any(said[m.start() :] in self._begins for m in self._firsts.finditer(said, near))

    def _object(self, value: Object) -> Object:
        return {self.text(key): self._guarded(item) for key, item in value.items()}

    def _call(self, call: Call) -> Call:
        return Call(self.text(call.name), self._object(call.arguments), self.text(call.id))


def _broken(mark: re.Match[str]) -> str:
    return mark.group()[0] + GUARD + mark.group()[1:]
