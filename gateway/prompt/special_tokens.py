"""Keeps special tokens in a client's text apart from those that the chat template writes.

Only the template writes special tokens. A client's text is guarded before it is rendered: a
noncharacter breaks whatever looks like a special token, so that a `<|im_end|>` from a user
reaches the model as plain text. `Guard.split` turns the rendered text into `Prompt.parts`, where
each special token is its id and the guards are gone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

import msgspec

from gateway.chat.json import Json, Object
from gateway.chat.messages import Call, Message, Result, Speech, Tool, Turn

GUARD = "\ufdd0"  # a noncharacter, which does not occur in text for interchange


class Guard:
    """Guards text against the special tokens of one vocabulary; `special` maps text to id."""

    def __init__(self, special: Mapping[str, int]):
        tokens = sorted(filter(None, special), key=len, reverse=True)
        self._special = special
        self._tokens = re.compile("|".join(map(re.escape, tokens)) or r"(?!)")
        # A template may change the case of a text.
        self._any_case = re.compile(self._tokens.pattern, re.IGNORECASE)
        self._prefixes = {token[:end] for token in tokens for end in range(1, len(token))}
        self._max_length = len(tokens[0]) if tokens else 1
        firsts = re.escape("".join(sorted({token[0] for token in tokens})))
        has_case = re.IGNORECASE if firsts.lower() != firsts.upper() else re.NOFLAG
        self._firsts = re.compile(f"[{GUARD}{firsts}]", has_case)
        self._json_escapes = any(token[0] in '"\\' or token[0] < " " for token in tokens)

    def message(self, message: Message) -> Message:
        text = self.text(message.text)
        match message:
            case Speech():
                return replace(message, text=text)
            case Result(_, call_id, name):
                return Result(text, self.text(call_id), self.text(name))
            case Turn(_, reasoning, calls):
                return Turn(text, self.text(reasoning), tuple(map(self._call, calls)))

    def tool(self, tool: Tool) -> Tool:
        if self._is_harmless(tool.name, tool.description, tool.json):
            return tool
        parameters = self._object(tool.parameters)
        return Tool(self.text(tool.name), self.text(tool.description), parameters)

    def value(self, value: Json) -> Json:
        try:
            is_harmless = self._is_harmless(msgspec.json.encode(value).decode())
        except UnicodeEncodeError:  # an unpaired surrogate
            is_harmless = False
        return value if is_harmless else self._guarded(value)

    def text(self, text: str) -> str:
        if not self._firsts.search(text):
            return text
        text = text.replace(GUARD, "")
        start = text.rstrip()
        end = GUARD if self._ends_in_prefix(start) else ""
        return self._any_case.sub(_broken, start) + end + text[len(start) :]

    def has_same_tokens(self, guarded: str, other: str) -> bool:
        """Nothing in `guarded` had to be guarded, and `other` has the same special tokens."""
        tokens = self._tokens.findall(guarded)
        texts = (guarded.replace(GUARD, ""), other)
        return all(tokens == self._tokens.findall(text) for text in texts)

    def split(self, text: str) -> Iterator[str | int]:
        """Splits a rendered prompt into plain text and the ids of special tokens."""
        at = 0
        for token in self._tokens.finditer(text):
            yield from filter(None, text[at : token.start()].split(GUARD))
            yield self._special[token.group()]
            at = token.end()
        yield from filter(None, text[at:].split(GUARD))

    def _is_harmless(self, *texts: str) -> bool:
        """No special token can begin in `texts`, of which JSON may have escaped some characters."""
        return not (self._json_escapes or any(map(self._may_begin, texts)))

    def _may_begin(self, text: str) -> bool:
        # JSON with an unpaired surrogate is all ASCII, so that it hides other characters, too.
        return self._firsts.search(text) is not None or "\\ud" in text

    def _ends_in_prefix(self, text: str) -> bool:
        """A special token may begin at the end, and continue in the client's next text."""
        near = max(0, len(text) + 1 - self._max_length)
        return any(text[m.start() :] in self._prefixes for m in self._firsts.finditer(text, near))

    def _guarded(self, value: Json) -> Json:
        match value:
            case str():
                return self.text(value)
            case list():
                return [self._guarded(item) for item in value]
            case dict():
                return self._object(value)
        return value

    def _object(self, value: Object) -> Object:
        return {self.text(key): self._guarded(item) for key, item in value.items()}

    def _call(self, call: Call) -> Call:
        return Call(self.text(call.name), self._object(call.arguments), self.text(call.id))


def _broken(token: re.Match[str]) -> str:
    return token.group()[0] + GUARD + token.group()[1:]
