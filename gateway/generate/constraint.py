"""Tools, tool choice and response format -> what the model may write, and what it was to write."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import accumulate

from gateway.chat.events import Note, NoteKind
from gateway.chat.json import Json, Object, json_text, parse_json
from gateway.chat.messages import Tool, Turn
from gateway.chat.request import Request
from gateway.errors import BadRequest
from gateway.formats.format import AsJson, Format
from gateway.grammar.json_schema.close_objects import across, hold
from gateway.grammar.json_schema.rejected import yielding
from gateway.grammar.json_schema.relax import Place
from gateway.grammar.turn import grammar
from gateway.lru import LRUCache
from gateway.schema.validate import violation
from gateway.schema.validation_limits import UncheckedSchema

MOST_TRIES = 24
MOST_NAMED = 8  # places in a note
MOST_LEARNED = 4 * 2**20  # characters of schemas that llguidance has refused
MOST_WRITTEN = 8 * 2**20  # characters of what grammars were written for


@dataclass
class _Schema:
    """`asked` is what the client wants; `tried`, without `dropped`, what is asked of llguidance.

    `places` are those where the model is not held to what was asked. With `is_listed`,
    properties are written one by one.
    """

    whose: str
    param: str
    asked: Object
    is_listed: bool = False
    text: str = field(init=False)
    tried: Object = field(init=False)
    dropped: tuple[Place, ...] = ()
    places: list[Place] = field(default_factory=list)

    def __post_init__(self) -> None:
        try:
            self.text = json_text(self.asked)
            self.tried, self.dropped = _learned.get(self.text) or (self.asked, ())
            self._look()
        except RecursionError as error:
            raise BadRequest(f"{self.whose}: nested too deep", param=self.param) from error

    def give_way(self, reason: str) -> None:
        """Ask for less than was refused."""
        self.tried, places = yielding(self.tried, reason)
        self.dropped += tuple(places)
        self._look()

    def learn(self) -> None:
        """Have the next request ask for no more."""
        _learned[self.text] = (self.tried, self.dropped)

    def _look(self) -> None:
        try:
            left_out = hold(self.tried).places
        except BadRequest as error:
            message = f"{self.whose}: {error.message}"
            raise BadRequest(message, param=self.param, code=error.code) from error
        more = across(self.tried) if self.is_listed else []
        self.places = list(dict.fromkeys([*self.dropped, *left_out, *more]))

    @property
    def is_free(self) -> bool:
        """Nothing is left to give way."""
        return set(self.tried) <= {"type"}


_learned: LRUCache[tuple[Object, tuple[Place, ...]]] = LRUCache(MOST_LEARNED)
_written: LRUCache[str] = LRUCache(MOST_WRITTEN)


class Constraint:
    """What the model may write of an answer to `request`, and where that is more than was asked.

    `answer_prefix` is the part of the answer that the prompt already contains, `special` the
    vocabulary's special tokens. Raises BadRequest for what can't be written at all.
    """

    def __init__(
        self, request: Request, format: Format, answer_prefix: str, special: Mapping[str, int]
    ):
        self._request = request
        self._format = format
        self._answer_prefix = answer_prefix
        self._special = special
        self._tries = 0
        self._tools = {
            tool.name: _Schema(f"tool {tool.name!r}", "tools", tool.parameters, self._is_listed)
            for tool in request.callable_tools
        }
        self._answer = (
            None
            if request.answer is None
            else _Schema("response_format", "response_format", request.answer)
        )
        self.grammar = self._written()

    def relax(self, refusal: BadRequest) -> None:
        """Ask less of the schema that llguidance has refused; raises if that is no help."""
        self._tries += 1
        if refusal.code != "unsupported_schema":
            raise refusal
        owner = self._owner(refusal.message)
        at_fault = [owner] if owner else self._largest()
        if self._tries > MOST_TRIES or not at_fault or (owner and owner.is_free):
            raise refusal
        reason = refusal.message.partition("JSON schema: ")[2] or refusal.message
        for schema in at_fault:
            schema.give_way(reason)
        if owner:
            owner.learn()
        self.grammar = self._written()

    def notes(self, turn: Turn, *, is_whole: bool = True) -> list[Note]:
        """What was not held while `turn` was written, and whether it is what was asked for."""
        called = {call.name: self._tools[call.name] for call in turn.calls}
        notes = [note for schema in called.values() for note in _told(schema)]
        for call in turn.calls:
            if called[call.name].places or self._is_listed:
                what = f"the call of {call.name!r}"
                notes += _breach(what, called[call.name].asked, call.arguments)
        if self._answer and self._answer.places and is_whole and not turn.calls:
            notes += _told(self._answer)
            try:
                notes += _breach("the answer", self._answer.asked, parse_json(turn.text))
            except (ValueError, RecursionError) as error:
                notes.append(Note(NoteKind.VIOLATION, f"the answer is not JSON: {error}"))
        return notes

    def _schemas(self) -> Iterator[_Schema]:
        yield from self._tools.values()
        if self._answer:
            yield self._answer

    @property
    def _is_listed(self) -> bool:
        """Arguments are written one by one."""
        return not isinstance(self._format.arguments, AsJson)

    def _written(self) -> str | None:
        if not self._request.tools and self._answer is None:
            return None
        choice = self._request.choice
        tried = {name: schema.tried for name, schema in self._tools.items()}
        answer = self._answer.tried if self._answer else None
        asked = (
            tried,
            choice.required,
            choice.parallel,
            answer,
            self._answer_prefix,
            self._special,
        )
        key = repr(self._format) + json_text(asked)
        written = _written.get(key)
        if written is None:
            written = _written[key] = grammar(
                self._format,
                [self._tried(tool) for tool in self._request.callable_tools],
                required=choice.required,
                parallel=choice.parallel,
                answer=answer,
                answer_prefix=self._answer_prefix,
                special=self._special,
            )
        return written

    def _tried(self, tool: Tool) -> Tool:
        tried = self._tools[tool.name].tried
        return replace(tool, parameters=hold(tried).schema if self._is_listed else tried)

    def _owner(self, message: str) -> _Schema | None:
        """Whose schema a refusal is about, if it says so: it names a line, and shows it."""
        line = message.removeprefix("at ").partition("(")[0]
        rule = re.search(rf"^ *{line} \| (\w+)", message, re.MULTILINE)
        owner = re.match(r"tool_(\d+)|answer", rule.group(1).lower()) if rule else None
        if not owner:
            return None
        return list(self._tools.values())[int(owner.group(1))] if owner.group(1) else self._answer

    def _largest(self) -> list[_Schema]:
        """The schemas that are half of it all, if the whole is too large."""
        able = [schema for schema in self._schemas() if not schema.is_free]
        able.sort(key=lambda schema: len(schema.text), reverse=True)
        half = sum(len(schema.text) for schema in able) / 2
        sizes = accumulate(len(schema.text) for schema in able)
        return able[: 1 + sum(size < half for size in sizes)]


def constraint(
    request: Request, format: Format, answer_prefix: str, special: Mapping[str, int]
) -> str | None:
    """The grammar of the answer, or None if anything may be written."""
    return Constraint(request, format, answer_prefix, special).grammar


def _told(schema: _Schema) -> list[Note]:
    if not schema.places:
        return []
    named = ", ".join(map(str, schema.places[:MOST_NAMED]))
    unnamed = len(schema.places) - MOST_NAMED
    more = f" and {unnamed} more" if unnamed > 0 else ""
    text = f"not held while writing: {schema.whose} at {named}{more}"
    return [Note(NoteKind.UNENFORCED, text)]


def _breach(what: str, schema: Object, value: Json) -> list[Note]:
    try:
        broken = violation(schema, value)
    except UncheckedSchema as error:
        text = f"{what} could not be checked against its schema: {error}"
        return [Note(NoteKind.VIOLATION, text)]
    return [Note(NoteKind.VIOLATION, f"{what} breaks its schema {broken}")] if broken else []
