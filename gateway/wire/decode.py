"""The second reading of a format: read a turn back as it streams.

Text goes in, events come out, and they add up to the same turn however the text is cut. The
grammar of a turn is written as coroutines over a `Cursor`: `yield None` asks for more text, any
other yield is an event.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Sequence

from gateway.turns import (
    CallArguments,
    CallEnd,
    CallStart,
    Event,
    Object,
    Reasoning,
    Text,
    Tool,
    parse_json,
)
from gateway.wire.cursor import Cursor, Malformed, Truncated, joined
from gateway.wire.format import AsJson, Format, Hole, Part, Tagged
from gateway.wire.values import STRING, parameter, read_bare, types_of

Steps = Generator[Event | None, None, None]
Speak = Callable[[str], Event]

MOST_AHEAD = 4096  # characters


class Decoder:
    """Reads one turn of `format`, in which only `tools` can be called; None stands for any.

    A call's events go out as they come, which is right where a grammar holds the model. With
    `whole`, they wait until the call is complete and valid; a call that never gets there comes
    back as text, so nothing is lost. `strict` raises `Malformed` instead of forgiving. `notes`
    says what was forgiven.
    """

    def __init__(
        self,
        format: Format,
        tools: Sequence[Tool] | None = (),
        *,
        whole: bool = False,
        strict: bool = False,
    ):
        self.notes: list[str] = []
        self._format = format
        self._tools = None if tools is None else {tool.name: tool for tool in tools}
        self._whole = whole
        self._strict = strict
        self._cursor = Cursor(strict)
        self._steps = self._turn()

    def feed(self, text: str) -> list[Event]:
        """The events that `text` completes."""
        events: list[Event] = []
        # A move may copy the text ahead, so there is never much of it.
        for start in range(0, len(text), MOST_AHEAD):
            self._cursor.add(text[start : start + MOST_AHEAD])
            events += self._run()
        return events

    def close(self, *, complete: bool = True) -> list[Event]:
        """The events held back, now that no more text can come.

        `complete` says that the model ended the turn itself. If it was cut off, a call that
        is open stays open: it gets no `CallEnd`.
        """
        self._cursor.close(complete)
        return self._run()

    def _run(self) -> list[Event]:
        events: list[Event] = []
        for event in self._steps:
            if event is None:
                break
            events.append(event)
        return events

    # -- a turn

    @property
    def _calls_are_read(self) -> bool:
        return self._tools is None or bool(self._tools)

    def _turn(self) -> Steps:
        think, trigger = self._format.think, self._format.trigger
        if think and (yield from self._cursor.starts_with(think[0].strip())):
            yield from self._cursor.skip_space()
            marks = (think[1].strip(), *((trigger,) if self._calls_are_read else ()))
            while (met := (yield from self._cursor.until(marks, Reasoning))).strip() == trigger:
                yield from self._calls(met, Reasoning)
            yield from self._cursor.skip_space()
        if self._calls_are_read and not self._format.prose:
            if met := (yield from self._cursor.starts_with(trigger)):
                yield from self._calls(met, Text)
        elif self._calls_are_read:
            while met := (yield from self._cursor.until((trigger,), Text)):
                yield from self._calls(met, Text)
        yield from self._cursor.until((), Text)

    def _calls(self, begun: str, speak: Speak) -> Steps:
        """Read the calls that `begun` has opened; `speak` says what to do with a bad one."""
        _, between, closed = self._format.calls
        separator = between.strip()
        self._cursor.remember(begun)
        try:
            yield from self._call(self._format.opening)
            while separator and (begun := (yield from self._cursor.starts_with(separator))):
                self._cursor.remember(begun)
                yield from self._cursor.skip_space()
                yield from self._call(self._format.parts)
            yield from self._cursor.expect(closed)
            yield from self._repeated(closed or _literal(self._format.parts[-1:]))
            yield from self._cursor.skip_space()
        except Truncated:
            self._cursor.take_rest()
            if self._whole and (cut := self._cursor.recall()):
                yield speak(cut)
        except Malformed as error:
            if self._strict:
                raise
            self.notes.append(f"not read as a call: {error}")
            if bad := self._cursor.recall():
                yield speak(bad)

    def _repeated(self, close: str) -> Steps:
        """Forgive a closing tag that is written twice."""
        for tag in close.split()[-1:]:
            while not self._strict and (yield from self._cursor.starts_with(tag)):
                self.notes.append(f"dropped a second {tag!r}")

    # -- a call

    def _call(self, parts: Sequence[Part]) -> Steps:
        held: list[Event] = []
        for event in self._call_events(parts):
            if event is None or not self._whole:
                yield event
            else:
                held.append(event)
        yield from held
        self._cursor.forget()

    def _call_events(self, parts: Sequence[Part]) -> Steps:
        tool = Tool("", "", {})
        for i, part in enumerate(parts):
            after = _literal(parts[i + 1 : i + 2])
            match part:
                case Hole.NAME:
                    name = yield from self._cursor.name_before(after)
                    tool = self._tool(name)
                case Hole.ARGUMENTS:
                    if not self._whole:
                        self._cursor.forget()
                    yield CallStart(tool.name)
                    yield from self._arguments(tool, after)
                case Hole.ID | Hole.INDEX:
                    yield from self._cursor.read_until(after)
                case str():
                    yield from self._cursor.expect(part)
        yield CallEnd()

    def _tool(self, name: str) -> Tool:
        if self._tools is None:
            return Tool(name, "", {})
        if name not in self._tools:
            raise Malformed(f"no tool {name!r} is on offer")
        return self._tools[name]

    def _arguments(self, tool: Tool, after: str) -> Steps:
        style = self._format.arguments
        match style:
            case AsJson():
                yield from self._json()
            case Tagged():
                yield CallArguments("{")
                first = True
                while not (yield from self._cursor.comes(after.split()[0])):
                    if self._cursor.ended():
                        break
                    yield from self._tagged(style, tool, "" if first else ", ")
                    first = False
                yield CallArguments("}")

    def _json(self) -> Steps:
        """Pass on one JSON object as it comes, and know where it ends."""
        pieces: list[str] = []
        for piece in self._cursor.json_object():
            if piece is None:
                yield None
            else:
                pieces.append(piece)
                yield CallArguments(piece)
        try:
            parse_json("".join(pieces))
        except (ValueError, RecursionError) as error:
            raise Malformed(f"its arguments are not JSON: {error}") from error

    def _tagged(self, style: Tagged, tool: Tool, gap: str) -> Steps:
        key = ""
        for i, part in enumerate(style.parts):
            after = _literal(style.parts[i + 1 : i + 2])
            match part:
                case Hole.KEY:
                    key = yield from self._cursor.read_until(after)
                    yield CallArguments(f"{gap}{json.dumps(key, ensure_ascii=False)}: ")
                case Hole.VALUE:
                    yield from self._value(parameter(tool.parameters, key), after)
                case str():
                    yield from self._cursor.expect(part, then_bare=True)

    def _value(self, schema: Object, after: str) -> Steps:
        types = types_of(schema)
        if types == STRING:
            yield CallArguments('"')
            for piece in self._cursor.bare_until(after):
                yield None if piece is None else CallArguments(_inside_quotes(piece))
            yield CallArguments('"')
        elif "string" not in types and (yield from self._cursor.peek()) in ("{", "["):
            # In JSON the closing mark may stand inside a string.
            bare = yield from joined(self._cursor.bracketed())
            yield CallArguments(read_bare(bare, schema))
        else:
            bare = yield from self._cursor.read_until(after)
            yield CallArguments(read_bare(bare, schema))


def _literal(parts: Sequence[Part]) -> str:
    return parts[0] if parts and not isinstance(parts[0], Hole) else ""


def _inside_quotes(piece: str) -> str:
    return json.dumps(piece, ensure_ascii=False)[1:-1]
