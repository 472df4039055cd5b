"""Reads tool calls that a model writes as plain JSON, whatever its format.

Many models write `{"name": …, "arguments": …}`, often in a Markdown fence, although their chat
template asks for the markers of their family. Such text is a call if it is the whole answer or,
from the start of a line on, the rest of it; if every object in it has nothing but the name of a
tool on offer and arguments that match the tool's schema; and if the model ends its turn there.
Brackets at the end may be missing, or too many. All else remains text, such as JSON that the user
requested.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence

from gateway.chat.events import CallArguments, CallEnd, CallStart, Event, Note, NoteKind, Text
from gateway.chat.json import Json, Object, parse_json
from gateway.chat.messages import Call, Tool
from gateway.formats.format import Format
from gateway.schema.validate import violation
from gateway.schema.validation_limits import UncheckedSchema

CLOSERS = {"{": "}", "[": "]"}
ARGUMENT_KEYS = ("arguments", "parameters", "args", "input")
OTHER_KEYS = {"type": "function"}  # with these values, or `id` with any
LANGUAGES = ("json", "tool_call", "tools")  # of a Markdown fence; none is usual, too
TAGS = ("<tools>", "</tools>", "<tool_call>", "</tool_call>")

Steps = Generator[None, str, None]


def read_as_json(format: Format, tools: Sequence[Tool]) -> list[Tool]:
    """Those of `tools` whose calls may be plain JSON beside the calls of `format`.

    The grammar of a tool's input holds in calls of the format alone.
    """
    plain = [tool for tool in tools if not tool.input_grammar]
    return [] if format.calls_are_markdown and len(plain) < len(tools) else plain


class JsonCalls:
    """Passes the events of an answer on, but holds back text that may be a call.

    `notes` reports the calls that were read. An answer with a call in the model's own format is
    passed on as it is. At most `max_calls` are read. A call that repeats one of `answered`, which
    have their results, is text: a small model that copies it would go on for ever.
    """

    def __init__(
        self, tools: Sequence[Tool], max_calls: int | None = None, answered: Sequence[Call] = ()
    ):
        self.notes: list[Note] = []
        self._tools = {tool.name: tool for tool in tools}
        self._max_calls = max_calls
        self._answered = [(call.name, call.arguments) for call in answered]
        self._is_off = not tools
        self._is_line_start = True
        self._space = ""  # at the start of a line, which a call may follow
        self._candidate: _Candidate | None = None

    def filter(self, events: Iterable[Event], *, ended: bool, complete: bool) -> Iterator[Event]:
        """Yields what is clear of `events`.

        `ended` says that no more events follow, `complete` that the model ended its turn itself.
        """
        for event in events:
            if self._is_off:
                yield event
            elif isinstance(event, Text):
                yield from _texts(self._feed(event.text))
            else:
                self._is_off = isinstance(event, CallStart)
                yield from _texts(self._release())
                yield event
        if not ended or self._is_off:
            return
        calls = self._candidate.close() if complete and self._candidate else []
        if calls and not any((one.name, one.arguments) in self._answered for one in calls):
            yield from self._read(calls)
        else:
            yield from _texts(self._release())

    def stop(self) -> Iterator[Event]:
        """Reads no further calls; yields the text that was held back."""
        if not self._is_off:
            self._is_off = True
            yield from _texts(self._release())

    def _feed(self, text: str) -> str:
        """Returns the text that is part of no call."""
        return "".join(map(self._next, text))

    def _next(self, char: str) -> str:
        if self._candidate:
            return "" if self._candidate.feed(char) else self._release()
        if self._is_line_start and char in " \t\r\n":
            self._space += char
            return ""
        if self._is_line_start and char in "{[`<":
            self._candidate = _Candidate(self._tools, self._space)
            self._space = ""
            return "" if self._candidate.feed(char) else self._release()
        self._is_line_start = char == "\n"
        if self._is_line_start:
            self._space = char
            return ""
        return self._release() + char

    def _release(self) -> str:
        text = self._candidate.text if self._candidate else self._space
        if text:
            self._is_line_start = text.endswith("\n")
        self._candidate, self._space = None, ""
        return text

    def _read(self, calls: Sequence[Call]) -> Iterator[Event]:
        for call in calls[: self._max_calls]:
            yield CallStart(call.name)
            yield CallArguments(json.dumps(call.arguments, ensure_ascii=False))
            yield CallEnd()
            self.notes.append(Note(NoteKind.REPAIRED, "read a call that was written as plain JSON"))
        if dropped := calls[self._max_calls or len(calls) :]:
            names = ", ".join(repr(call.name) for call in dropped)
            text = f"dropped calls of {names}: only {self._max_calls} may be made"
            self.notes.append(Note(NoteKind.DROPPED, text))


class _Candidate:
    """Text that may be calls."""

    def __init__(self, tools: Mapping[str, Tool], space: str):
        self._text = [space]
        self._calls: list[Call] = []  # those that are complete; none within a value
        self._found: list[Call] = []
        self._closers: list[str] = []  # what closes the value, the last first
        self._in_string = False
        self._tools = tools
        self._heads = [f'"name":"{name}"' for name in tools]
        self._heads += [f'"{key}":' for key in (*ARGUMENT_KEYS, *OTHER_KEYS, "id")]
        self._steps = self._parse()
        next(self._steps)

    @property
    def text(self) -> str:
        """All of it, with the white space before it."""
        return "".join(self._text)

    def feed(self, char: str) -> bool:
        """Adds a character; whether the text may still be calls."""
        self._text.append(char)
        try:
            self._steps.send(char)
        except StopIteration:
            return False
        return True

    def close(self) -> list[Call]:
        """The calls, now that no more text follows."""
        while self._closers and not self._in_string:
            try:
                self._steps.send(self._closers[-1])
            except StopIteration:
                return []
        return self._calls

    def _parse(self) -> Steps:
        """Consumes characters, and returns at the first that no call can have."""
        word = ""
        while True:
            char = yield
            if word or char in "`<":
                word += char
                if word[0] == "<" and char == ">":
                    if word not in TAGS:
                        return
                    word = ""
                elif word[0] == "`" and len(word) > 3 and (char.isspace() or char in "{[`"):
                    if word[3:-1].strip() and word[3:-1].strip() not in LANGUAGES:
                        return
                    word = char if char == "`" else ""
                elif not _is_begun(word):
                    return
                else:
                    continue
                if char not in "{[":
                    continue
            if char in "{[":
                self._calls = []
                if not (yield from self._value(char)):
                    return
                self._calls = self._found
            elif self._found and char in ",;":
                self._calls = []  # another one must follow
            elif not char.isspace() and not (self._found and char in CLOSERS.values()):
                return

    def _value(self, opening: str) -> Generator[None, str, bool]:
        """Consumes a JSON value; whether it consists of calls."""
        value, is_escaped = [opening], False
        head, is_call = opening, False
        self._closers = [CLOSERS[opening]]
        while self._closers:
            char = yield
            value.append(char)
            if not is_call and not (char.isspace() and not self._in_string):
                head += char
                rest = head.removeprefix("[").removeprefix("{")
                is_call = any(map(rest.startswith, self._heads))
                if rest and not is_call and not any(one.startswith(rest) for one in self._heads):
                    return False
            if is_escaped:
                is_escaped = False
            elif self._in_string:
                is_escaped, self._in_string = char == "\\", char != '"'
            elif char == '"':
                self._in_string = True
            elif char in CLOSERS:
                self._closers.append(CLOSERS[char])
            elif char in CLOSERS.values() and self._closers.pop() != char:
                return False
        try:
            parsed = parse_json("".join(value))
        except (ValueError, RecursionError):
            return False
        calls = [self._call(one) for one in (parsed if isinstance(parsed, list) else [parsed])]
        self._found = [*self._found, *(call for call in calls if call)]
        return bool(calls) and all(calls)

    def _call(self, value: Json) -> Call | None:
        """The call that `value` is, if its arguments match the tool's schema."""
        if not isinstance(value, dict):
            return None
        known = {"name", "id", *ARGUMENT_KEYS}
        has_more = any(OTHER_KEYS.get(key) != value[key] for key in value.keys() - known)
        arguments = _arguments(value)
        tool = self._tools.get(str(value.get("name")))
        if tool is None or arguments is None or has_more:
            return None
        try:
            is_valid = violation(tool.parameters, arguments) is None
        except UncheckedSchema:
            is_valid = True
        return Call(tool.name, arguments) if is_valid else None


def _arguments(value: Object) -> Object | None:
    """The arguments in a call; a JSON text of them is read too."""
    given = [value[key] for key in ARGUMENT_KEYS if key in value]
    found = given[0] if len(given) == 1 else None
    if isinstance(found, str):
        try:
            found = parse_json(found)
        except (ValueError, RecursionError):
            return None
    return found if isinstance(found, dict) else None


def _is_begun(word: str) -> bool:
    """Whether a tag or a fence may begin with `word`."""
    if word[0] == "<":
        return any(tag.startswith(word) for tag in TAGS)
    language = word[3:]
    return "```".startswith(word[:3]) and any(one.startswith(language) for one in LANGUAGES)


def _texts(text: str) -> Iterator[Event]:
    if text:
        yield Text(text)
