"""The grammar of an answer, and notes on what it does not enforce."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TypeAlias

from gateway.chat.events import Note, NoteKind
from gateway.chat.json import Json, Object, json_text, parse_json
from gateway.chat.messages import Tool, Turn
from gateway.chat.request import Request, ToolChoice
from gateway.errors import BadRequest
from gateway.formats.format import AsJson, Format
from gateway.generate.custom_input import check_grammar, input_violation
from gateway.grammar.bounds import fault, is_accepted, without_special_tokens
from gateway.grammar.custom.lark_nodes import LarkSyntaxError
from gateway.grammar.json_schema.close_objects import cross_property_keywords, enforceable
from gateway.grammar.json_schema.rejected import (
    Relaxation,
    accepted_part,
    any_object,
    without_risky,
)
from gateway.grammar.json_schema.relax import Unenforced
from gateway.grammar.plain_text import no_call_grammar
from gateway.grammar.turn import grammar, text_grammar
from gateway.lru import LRUCache
from gateway.parsing.json_calls import read_as_json
from gateway.pool.steps import begin_step, spend_half
from gateway.schema.parts import parts
from gateway.schema.unsatisfiable import unsatisfiable_part
from gateway.schema.validate import violation
from gateway.schema.validation_limits import UncheckedSchema

UNSUPPORTED = "unsupported_schema"  # the code of an engine's refusal of a grammar
MAX_KEYWORDS = 8  # that a note names
MAX_GRAMMARS = 8 * 2**20  # characters of what cached grammars were written for
MAX_ACCEPTED = 4 * 2**20  # characters of schemas that llguidance has rejected


@dataclass(frozen=True, slots=True)
class _Part:
    """The schema that llguidance compiles, its JSON text, and the keywords omitted from it."""

    schema: Object
    text: str
    left_out: tuple[Unenforced, ...] = ()


_grammars: LRUCache[str] = LRUCache(MAX_GRAMMARS)
_accepted: LRUCache[_Part] = LRUCache(MAX_ACCEPTED)  # by the text of the whole schema
_verdicts: LRUCache[bool] = LRUCache(MAX_ACCEPTED)  # whether llguidance accepts a schema


class _Schema:
    """One schema of a request: `requested` by the client, and the `part` that llguidance compiles.

    `unenforced` are the keywords that the grammar does not enforce. `one_by_one` says that the
    format writes each property by itself. `owner` names the schema in messages.
    """

    def __init__(self, owner: str, param: str, requested: Object, text: str, one_by_one: bool):
        self.owner = owner
        self.requested = requested
        self.text = text
        self.param = param
        self._one_by_one = one_by_one
        self._ask_for(_accepted.get(text) or _Part(requested, text))

    @property
    def is_any_object(self) -> bool:
        """Whether nothing is left that could be left out."""
        return set(self.part.schema) <= {"type"}

    def relax(self, relaxation: Relaxation) -> None:
        """Ask for what `relaxation` has left of the part."""
        schema, left_out = relaxation
        self._ask_for(_Part(schema, json_text(schema), (*self.part.left_out, *left_out)))

    def remember(self) -> None:
        """Have later requests ask for this part at once."""
        _accepted[self.text] = self.part

    def _ask_for(self, part: _Part) -> None:
        try:
            unenforced = enforceable(part.schema, part.text).unenforced
        except BadRequest as error:
            message = f"{self.owner}: {error.message}"
            raise BadRequest(message, param=self.param, code=error.code) from error
        more = cross_property_keywords(part.schema) if self._one_by_one else []
        self.part = part
        self.unenforced = list(dict.fromkeys([*part.left_out, *unenforced, *more]))


class Constraint:
    """The `grammar` of an answer to `request`, as Lark; None if any text may be written.

    With `json_calls`, it holds the arguments of calls that are written as plain JSON too. Without
    tools, `holds_text` keeps what opens a call out of the text.

    `answer_prefix` is the part of the answer that the prompt already contains, `special` the
    vocabulary's special tokens, text to id. Raises BadRequest for a schema that is nested too deep,
    and for one that the answer must match and that nothing matches. It can be pickled.

    `is_plain` says that its schemas are cheap to validate against.
    """

    def __init__(
        self,
        request: Request,
        format: Format,
        answer_prefix: str,
        special: Mapping[str, int],
        *,
        json_calls: bool = False,
        holds_text: bool = True,
    ):
        self.is_plain = True
        self.request = request
        self._format = format
        self.answer_prefix = answer_prefix
        self._special = special
        self._json_calls = json_calls and request.response_schema is None
        self._holds_text = holds_text
        self._one_by_one = not isinstance(format.arguments, AsJson)
        self._requested = {tool.name: tool for tool in request.callable_tools}
        for tool in request.callable_tools:
            check_grammar(tool)
        self._tools = {tool.name: self._of_tool(tool) for tool in request.callable_tools}
        self._answer = (
            None if request.response_schema is None else self._of_answer(request.response_schema)
        )
        self._check_satisfiable()
        self.grammar = self._written()

    def relax(self, refusal: BadRequest, rejected: str | None) -> None:
        """Write a grammar that requires less than `rejected`, for which an engine gave `refusal`.

        Compiles every schema by itself, which may take seconds. Raises `refusal` if it is about
        something else, or if no schema is left that could be relaxed.
        """
        if refusal.code != UNSUPPORTED:
            raise refusal
        if rejected != self.grammar:
            return  # it is relaxed already
        able = [schema for schema in self._schemas() if not schema.is_any_object]
        if not able:
            raise refusal
        culprits = [one for one in able if not self._is_accepted(one, one.part.schema)]
        for one in culprits:
            one.relax(self._accepted_part(one))
            one.remember()
        for one in [] if culprits else _largest(able):
            rest = without_risky(one.part.schema)
            one.relax(rest if rest[1] else any_object(one.part.schema))
        self.grammar = self._written()

    def compile(self) -> None:
        """Relax the grammar until llguidance compiles it; raises BadRequest as `relax` does."""
        while self.grammar and (reason := fault(without_special_tokens(self.grammar))):
            self.relax(BadRequest(reason, code=UNSUPPORTED), self.grammar)

    def share(self, special: Mapping[str, int]) -> None:
        """Refer to `special`, which equals that of this constraint, instead of to a copy."""
        self._special = special

    def become(self, other: Constraint) -> None:
        """Take over what `other` requires, a relaxed copy of this constraint."""
        self.__dict__.update(other.__dict__)

    @property
    def text_grammar(self) -> str | None:
        """The grammar of an answer without calls; None if there must be one, or can be none."""
        if not self._tools or self.request.tool_choice.required:
            return None
        answer = self._answer.part.schema if self._answer else None

        tools = [*self._requested.values()] if self._json_calls else []
        held = [tool.name for tool in read_as_json(self._format, tools)]

        def write() -> str:
            return text_grammar(
                self._format,
                json_calls=held,
                answer=answer,
                answer_prefix=self.answer_prefix,
                special=self._special,
            )

        return self._cached(write, "text", *held)

    def notes(self, turn: Turn, *, is_whole: bool = True, failure: str = "") -> list[Note]:
        """What was not enforced while `turn` was generated, and where it violates its schemas.

        `failure` says why the grammar was not enforced to its end, if it was not.
        """
        called = {call.name: self._tools[call.name] for call in turn.calls}
        notes = [note for schema in called.values() for note in _unenforced(schema)]
        if failure:
            text = f"not enforced from some point on: the grammar is too complex ({failure})"
            notes.append(Note(NoteKind.UNENFORCED, text))
        for call in turn.calls:
            if broken := input_violation(self._requested[call.name], call.arguments):
                notes.append(Note(NoteKind.VIOLATION, broken, call.name))
            schema = called[call.name]
            is_held = not (schema.unenforced or self._one_by_one or failure)
            what = f"the call of {call.name!r}"
            found = _violations(what, schema.requested, call.arguments, is_held=is_held)
            notes += (replace(note, tool=call.name) for note in found)
        if self._answer and is_whole and not turn.calls:
            is_held = not (self._answer.unenforced or failure)
            notes += _unenforced(self._answer)
            try:
                value = parse_json(turn.text)
            except (ValueError, RecursionError) as error:
                notes.append(Note(NoteKind.VIOLATION, f"the answer is not JSON: {error}"))
            else:
                notes += _violations("the answer", self._answer.requested, value, is_held=is_held)
        return list(dict.fromkeys(notes))

    def _check_satisfiable(self) -> None:
        """Raises BadRequest if the answer must match a schema, and nothing matches any."""
        needed = [*self._tools.values()] if self.request.tool_choice.required else []
        if self._answer and not self._tools:
            needed.append(self._answer)
        found = [unsatisfiable_part(schema.requested, schema.text) for schema in needed]
        if found and all(found):
            text = f"{needed[0].owner}: no value is valid under the JSON Schema at {found[0]}"
            raise BadRequest(text, param=needed[0].param, code="unsatisfiable_schema")

    def _of_tool(self, tool: Tool) -> _Schema:
        owner = f"tool {tool.name!r}"
        return _Schema(owner, "tools", tool.parameters, tool.json, self._one_by_one)

    def _of_answer(self, schema: Object) -> _Schema:
        name = "response_format"
        try:
            return _Schema(name, name, schema, json_text(schema), False)
        except RecursionError as error:
            raise BadRequest(f"{name}: nested too deep", param=name) from error

    def _schemas(self) -> Iterator[_Schema]:
        yield from self._tools.values()
        if self._answer:
            yield self._answer

    def _written(self) -> str | None:
        if not self._tools and self._answer is None:
            return no_call_grammar(self._format, self._special) if self._holds_text else None
        choice = self.request.tool_choice
        answer = self._answer.part if self._answer else None
        tools = [
            text
            for name, one in self._tools.items()
            for text in (name, one.part.text, repr(self._requested[name].input_grammar))
        ]

        def write() -> str:
            return grammar(
                self._format,
                [self._written_tool(name, one.part) for name, one in self._tools.items()],
                required=choice.required,
                parallel=choice.parallel,
                json_calls=self._json_calls,
                answer=answer.schema if answer else None,
                answer_prefix=self.answer_prefix,
                special=self._special,
            )

        setting = str((choice.required, choice.parallel, self._json_calls))
        try:
            return self._cached(write, setting, *tools)
        except LarkSyntaxError as error:
            reason = f"a tool's grammar can't be enforced in this model's format: {error}"
            raise BadRequest(reason, param="tools") from error

    def _cached(self, write: Callable[[], str], *parts: str) -> str:
        answer = self._answer.part.text if self._answer else ""
        setting = json_text((self.answer_prefix, self._special))
        key = "\n".join([repr(self._format), setting, answer, *parts])
        written = _grammars.get(key)
        if written is None:
            written = _grammars[key] = write()
        return written

    def _written_tool(self, name: str, part: _Part) -> Tool:
        """The tool as the grammar is written for."""
        tool = self._requested[name]
        return tool if tool.input_grammar else self._tool(name, part)

    def _tool(self, name: str, part: _Part) -> Tool:
        if self._one_by_one:
            return Tool(name, "", enforceable(part.schema, part.text).schema)
        return Tool(name, "", part.schema, part.text)

    def _accepted_part(self, schema: _Schema) -> Relaxation:
        return accepted_part(schema.part.schema, lambda part: self._is_accepted(schema, part))

    def _is_accepted(self, owner: _Schema, schema: Object) -> bool:
        """Whether llguidance accepts `schema` alone, in place of the one of `owner`."""
        part, is_answer = _Part(schema, json_text(schema)), owner is self._answer
        key = f"{self._format!r} {is_answer}\n{part.text}"
        verdict = _verdicts.get(key)
        if verdict is None:
            alone = (
                grammar(self._format, [], answer=schema)
                if is_answer
                else grammar(self._format, [self._tool("tool", part)], required=True)
            )
            verdict = _verdicts[key] = is_accepted(alone)
        return verdict


Outcome: TypeAlias = Constraint | BadRequest


def build_constraint(
    request: Request,
    format: Format,
    answer_prefix: str,
    special: Mapping[str, int],
    *,
    json_calls: bool,
    holds_text: bool,
    compiles: bool = False,
) -> Outcome:
    """Returns the constraint, or why there is none; `compiles` tries whether llguidance does."""
    try:
        constraint = Constraint(
            request, format, answer_prefix, special, json_calls=json_calls, holds_text=holds_text
        )
        if compiles:
            constraint.is_plain = False
            constraint.compile()
    except BadRequest as error:
        return error
    return constraint


Build: TypeAlias = Callable[[Request], Outcome]


def try_tools(build: Build, request: Request) -> None:
    """Builds constraints for each tool of `request` alone, the longest first: steps of a job."""
    spend_half()
    for tool in sorted(request.callable_tools, key=lambda tool: len(tool.json), reverse=True):
        begin_step(tool.name)
        build(with_tool(request, tool))


def try_parts(build: Build, request: Request) -> None:
    """Builds constraints for each part of the first schema of `request` alone: steps of a job."""
    spend_half()
    schemas = [tool.parameters for tool in request.callable_tools]
    schema = schemas[0] if schemas else request.response_schema or {}
    for pointer, part in parts(schema):
        begin_step(pointer)
        build(replace(request, tools=(), tool_choice=ToolChoice(), response_schema=part))


def with_tool(request: Request, tool: Tool) -> Request:
    """`request` with no other schema than that of `tool`."""
    choice = ToolChoice((tool.name,), required=True)
    return replace(request, tools=(tool,), tool_choice=choice, response_schema=None)


def relaxed(constraint: Constraint, refusal: BadRequest, rejected: str | None) -> Constraint:
    """Returns `constraint`, relaxed as its method does."""
    constraint.relax(refusal, rejected)
    return constraint


def _largest(schemas: list[_Schema]) -> list[_Schema]:
    """The largest of `schemas`, as many as are half of the text of all."""
    by_size = sorted(schemas, key=lambda schema: len(schema.part.text), reverse=True)
    sizes = [len(schema.part.text) for schema in by_size]
    return by_size[: 1 + sum(size < sum(sizes) / 2 for size in accumulate(sizes))]


def _unenforced(schema: _Schema) -> list[Note]:
    if not schema.unenforced:
        return []
    named = ", ".join(map(str, schema.unenforced[:MAX_KEYWORDS]))
    unnamed = len(schema.unenforced) - MAX_KEYWORDS
    more = f" and {unnamed} more" if unnamed > 0 else ""
    text = f"not enforced while generating: {schema.owner} at {named}{more}"
    return [Note(NoteKind.UNENFORCED, text)]


def _violations(what: str, schema: Object, value: Json, *, is_held: bool) -> list[Note]:
    """What is invalid; a grammar that enforces a schema as a whole may still round a number.

    What can't be validated is not told if the grammar `is_held`.
    """
    try:
        found = violation(schema, value)
    except UncheckedSchema as error:
        if is_held:
            return []
        text = f"{what} could not be validated against its schema: {error}"
        return [Note(NoteKind.VIOLATION, text)]
    return [Note(NoteKind.VIOLATION, f"{what} violates its schema {found}")] if found else []
