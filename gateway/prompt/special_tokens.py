"""Keeps special tokens in a client's text apart from those that the chat template writes.

Only the template writes special tokens. A client's text is guarded before it is rendered: a
noncharacter breaks whatever looks like a special token or may become one between two texts of the
template, so that a `<|im_end|>` from a user reaches the model as plain text. `Guard.split` turns
the rendered text into `Prompt.parts`, where each special token is its id and the guards are gone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import msgspec

from gateway.chat.json import Json, Object
from gateway.chat.messages import Call, Message, Result, Speech, Tool, Turn

GUARD = "\ufdd0"  # a noncharacter, which does not occur in text for interchange
SLICE = 2**14  # characters; a search takes up to 4 ms


class Guard:
    """Guards text against the special tokens of one vocabulary; `special` maps text to id.

    `literals` are the texts that a template may write before a client's.
    """

    def __init__(self, special: Mapping[str, int], literals: Iterable[str] = ()):
        tokens = sorted(filter(None, special), key=len, reverse=True)
        self._special = special
        self._tokens = re.compile("|".join(map(re.escape, tokens)) or r"(?!)")
        # A template may change the case of a text.
        self._any_case = re.compile(self._tokens.pattern, re.IGNORECASE)
        prefixes = {token[:end] for token in tokens for end in range(1, len(token))}
        self._prefixes = {prefix.lower() for prefix in prefixes}
        rests = _rests(tokens, frozenset(filter(None, literals)))
        self._rests = tuple(sorted({rest.lower() for rest in rests}))
        self._begins_rest = {rest[:end] for rest in self._rests for end in range(1, len(rest))}
        self._json_string = _json_string(self._rests, self._begins_rest)
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
        if not self._may_begin_token(text) and not self._continues_token(text):
            return text
        text = text.replace(GUARD, "")
        inner = text.strip()
        before, _, after = text.partition(inner) if inner else (text, "", "")
        start = GUARD if self._continues_token(inner) else ""
        end = GUARD if self._ends_in_prefix(inner) else ""
        return before + start + self._broken(inner) + end + after

    def has_same_tokens(self, guarded: str, other: str) -> bool:
        """Nothing in `guarded` had to be guarded, and `other` has the same special tokens."""
        texts = (guarded, guarded.replace(GUARD, ""), other)
        first, *others = ([m.group() for m in self._found(self._tokens, t)] for t in texts)
        return all(tokens == first for tokens in others)

    def split(self, text: str) -> Iterator[str | int]:
        """Splits a rendered prompt into plain text and the ids of special tokens."""
        at = 0
        for token in self._found(self._tokens, text):
            yield from _unguarded(text, at, token.start())
            yield self._special[token.group()]
            at = token.end()
        yield from _unguarded(text, at, len(text))

    def _broken(self, text: str) -> str:
        """`text` with a guard in each special token."""
        pieces, at = [], 0
        for token in self._found(self._any_case, text):
            pieces += [text[at : token.start() + 1], GUARD]
            at = token.start() + 1
        return "".join([*pieces, text[at:]])

    def _found(self, tokens: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
        """Finds tokens a slice at a time: a search keeps all other threads from running."""
        at = 0
        for end in range(SLICE, len(text) + SLICE, SLICE):
            for token in tokens.finditer(text, at, end + self._max_length - 1):
                if token.start() >= end:
                    break
                yield token
                at = token.end()
            at = max(at, end)

    def _may_begin_token(self, text: str) -> bool:
        return any(True for _ in self._found(self._firsts, text))

    def _is_harmless(self, *texts: str) -> bool:
        """No special token can begin in `texts` or in a string of JSON in them, nor continue."""
        return not (self._json_escapes or any(map(self._may_be_special, texts)))

    def _may_be_special(self, text: str) -> bool:
        # JSON with an unpaired surrogate is all ASCII, so that it hides other characters, too.
        begins = self._may_begin_token(text) or "\\ud" in text
        return begins or self._continues_token(text) or self._json_string.search(text) is not None

    def _ends_in_prefix(self, text: str) -> bool:
        """A special token may begin at the end, and continue in the client's next text."""
        near = max(0, len(text) + 1 - self._max_length)
        ends = (text[first.start() :] for first in self._firsts.finditer(text, near))
        return any(end.lower() in self._prefixes for end in ends)

    def _continues_token(self, text: str) -> bool:
        """A special token that the template begins may continue at the start."""
        start = text.lstrip()[: self._max_length].lower()
        return start.startswith(self._rests) or start.rstrip() in self._begins_rest

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


def _unguarded(text: str, at: int, end: int) -> Iterator[str]:
    """Yields what is between the guards in `text`, one after another: there may be a million."""
    while at < end:
        guard = text.find(GUARD, at, end)
        stop = end if guard < 0 else guard
        if stop > at:
            yield text[at:stop]
        at = stop + len(GUARD)


def _json_string(starts: Iterable[str], texts: Iterable[str]) -> re.Pattern[str]:
    """Finds a string in JSON that begins with one of `starts`, or is one of `texts`."""
    firsts = "".join({re.escape(start[0]) for start in starts})
    begun, whole = ("|".join(map(re.escape, some)) for some in (starts, texts))
    pattern = rf'"\s*(?=[{firsts}])(?:{begun}|(?:{whole or "(?!)"})\s*")' if firsts else "(?!)"
    return re.compile(pattern, re.IGNORECASE)


def _rests(tokens: Sequence[str], literals: frozenset[str]) -> Iterator[str]:
    """The rests of tokens whose beginning may end one of `literals`, or several in a row."""
    longest = len(tokens[0]) if tokens else 0
    ends = {text[-size:] for text in literals for size in range(1, min(len(text), longest) + 1)}
    for token in tokens if literals else ():
        for at in range(1, len(token)):
            begun = token[:at]
            if begun in ends or any(begun[start:] in literals for start in range(at)):
                yield token[at:]
