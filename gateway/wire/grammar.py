"""The third reading of a format: let a model write nothing else.

The result is a grammar in llguidance's dialect of Lark. A mark that is one token of the model's
vocabulary can only be named as such, `<[5]>`; any other stands quoted. A model may spell a
mark's text in plain letters too, so what opens a call is watched for in both spellings.

Source: https://github.com/guidance-ai/llguidance/blob/main/docs/syntax.md
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.errors import BadRequest
from gateway.turns import Json, Object, Tool
from gateway.wire.format import AsJson, Format, Hole, Part, Tagged
from gateway.wire.schema import held
from gateway.wire.values import STRING, parameter, types_of

ANSWER_RULE = "answer"


def grammar(
    format: Format,
    tools: Sequence[Tool],
    *,
    required: bool = False,
    parallel: bool = True,
    answer: Object | None = None,
    begun: str = "",
    special: Mapping[str, int] | None = None,
) -> str:
    """What a model may write in `format`: calls of `tools`, or text, or both in its order.

    `required` leaves no way around a call, `parallel` false none to a second one. `answer` is
    the JSON Schema that the text has to match. `begun` is what the prompt has written of the
    turn already. `special` are the vocabulary's special tokens, text to id.
    """
    return _Grammar(format, tools, required, parallel, answer, begun, special or {}).text()


@dataclass
class _Grammar:
    format: Format
    tools: Sequence[Tool]
    required: bool
    parallel: bool
    answer: Object | None
    begun: str
    special: Mapping[str, int]
    rules: dict[str, str] = field(default_factory=lambda: {"TEXT": "/(?s:.*)/"})

    def text(self) -> str:
        start = self._turn()
        return "\n".join(
            [f"start: {start}", *(f"{name}: {body}" for name, body in self.rules.items())]
        )

    # -- a turn

    def _turn(self) -> str:
        body = self._body()
        think = self.format.think
        if not think:
            return body
        opened, closed = think
        thought = f"{self._until('thought', closed.strip())} SPACE ({body})"
        self.rules["SPACE"] = r"/\s*/"
        if self.tools:
            # A call may open while the model still thinks; then it is a call.
            thought = f"({thought} | {self._calls(self._until('prose', self.format.trigger))})"
        if self.begun:
            return thought
        return f"({self._literal(opened)} {thought} | {body})"

    def _body(self) -> str:
        if not self.tools:
            return self._answer()
        prose = self.format.prose and not self.required and self.answer is None
        trigger = self.format.trigger
        calls = self._calls(self._until("prose", trigger) if prose else self._literal(trigger))
        return calls if self.required else f"({calls} | {self._answer()})"

    def _answer(self) -> str:
        if self.answer is not None:
            self.rules[ANSWER_RULE] = "%json " + _dump(held(self.answer))
            return ANSWER_RULE
        if self.format.prose or not self.tools:
            return "TEXT"
        first = re.escape(self.format.trigger[0])
        self.rules["PROSE"] = rf"/\s*([^\s{first}](?s:.*))?/"
        return "PROSE"

    # -- calls

    def _calls(self, begin: str) -> str:
        """Calls, the trigger of the first being what `begin` ends with."""
        opened, between, closed = self.format.calls
        trigger = self.format.trigger
        if opened:
            begin += f" {self._literal(opened.removeprefix(trigger))}"
            again = self._literal(between)
        else:
            again = self._literal(between + trigger)
        more = f"({again} call)*" if self.parallel else ""
        self._call()
        return " ".join(filter(None, [begin, "call", more, self._literal(closed)]))

    def _call(self) -> None:
        if "call" in self.rules:
            return
        parts = self.format.parts
        if not self.format.calls[0]:
            head, *rest = parts
            parts = (head.removeprefix(self.format.trigger), *rest)
        self.rules["call"] = " | ".join(f"tool_{i}" for i in range(len(self.tools)))
        for i, tool in enumerate(self.tools):
            body = [self._part(part, tool, i) for part in parts]
            self.rules[f"tool_{i}"] = " ".join(filter(None, body))

    def _part(self, part: Part, tool: Tool, index: int) -> str:
        match part:
            case Hole.NAME:
                return self._literal(tool.name)
            case Hole.ARGUMENTS:
                return self._arguments(tool, arguments_rule(index))
            case Hole.ID:
                return f"/[a-zA-Z0-9]{{{self.format.id_length or 9}}}/"
            case Hole.INDEX:
                return "/0|[1-9][0-9]?/"
            case _:
                return self._literal(part)

    def _arguments(self, tool: Tool, rule: str) -> str:
        match self.format.arguments:
            case AsJson() as style:
                self.rules[rule] = "%json " + _dump(held(tool.parameters, style))
            case Tagged() as style:
                self.rules[rule] = " ".join(self._tagged(style, tool, rule)) or '""'
        return rule

    # -- tagged arguments

    def _tagged(self, style: Tagged, tool: Tool, rule: str) -> Iterator[str]:
        properties = tool.parameters.get("properties") or {}
        needed = tool.parameters.get("required") or []
        if any(key in tool.parameters for key in ("anyOf", "oneOf", "allOf", "$ref")):
            raise BadRequest(
                f"tool {tool.name!r}: in the format {self.format.name!r} arguments are written one"
                " by one, so its parameters must be listed in `properties`, not combined",
                param="tools",
            )
        assert isinstance(properties, dict)
        assert isinstance(needed, list)
        for i, key in enumerate(properties):
            name = f"{rule}_{i}"
            schema = parameter(tool.parameters, key)
            self.rules[name] = " ".join(self._argument(style, key, schema, name))
            yield name if key in needed else f"{name}?"

    def _argument(self, style: Tagged, key: str, schema: Object, rule: str) -> Iterator[str]:
        parts = style.parts
        for i, part in enumerate(parts):
            after = parts[i + 1] if i + 1 < len(parts) else ""
            match part:
                case Hole.KEY:
                    yield self._literal(key)
                case Hole.VALUE:
                    yield self._value(schema, rule, after)
                case str() if i and parts[i - 1] is Hole.VALUE and not _is_json(schema):
                    continue  # a bare value ends with the mark that closes it
                case str():
                    yield self._literal(part)

    def _value(self, schema: Object, rule: str, close: str) -> str:
        """A value; a bare one takes in the mark that closes it."""
        if _is_json(schema):
            self.rules[f"{rule}_json"] = "%json " + _dump(held(schema))
            return f"{rule}_json"
        strings = _strings(schema)
        if strings is not None:
            return "(" + " | ".join(_quote(string + close) for string in strings) + ")"
        self.rules[f"{rule.upper()}_TEXT"] = _string_regex(schema)
        core = close.rstrip()
        self.rules[f"{rule}_bare[lazy]"] = f"{rule.upper()}_TEXT {_quote(core)}"
        return f"{rule}_bare {self._literal(close[len(core) :])}"

    # -- marks

    def _literal(self, mark: str) -> str:
        return " ".join(self._spelled(piece) for piece in self._cut(mark))

    def _spelled(self, piece: str) -> str:
        return f"<[{self.special[piece]}]>" if piece in self.special else _quote(piece)

    def _cut(self, mark: str) -> list[str]:
        """`mark` in pieces, each special token one of its own."""
        longest_first = sorted(map(re.escape, self.special), key=len, reverse=True)
        pieces = re.split(f"({'|'.join(longest_first)})", mark) if longest_first else [mark]
        return [piece for piece in pieces if piece]

    def _until(self, rule: str, mark: str) -> str:
        """Any text up to `mark`, and `mark`, in either spelling."""
        first, *rest = self._cut(mark)
        self.rules[f"{rule}[lazy]"] = f"TEXT {_quote(first)}"
        either = f"({rule} | TEXT {self._spelled(first)})" if first in self.special else rule
        return " ".join([either, *map(self._spelled, rest)])


def arguments_rule(index: int) -> str:
    """The rule that holds the arguments of the tool at `index`; errors name it."""
    return f"tool_{index}_arguments"


def _is_json(schema: Object) -> bool:
    return "string" not in types_of(schema, schema)


def _strings(schema: Object) -> list[str] | None:
    """The few strings that `schema` admits, or None if they can't be listed."""
    match schema:
        case {"const": str(value)}:
            return [value]
        case {"enum": list(values)}:
            return [value if isinstance(value, str) else _dump(value) for value in values]
    return None


def _string_regex(schema: Object) -> str:
    if types_of(schema, schema) != STRING:
        return "/(?s:.*)/"
    least, most, pattern = (schema.get(key) for key in ("minLength", "maxLength", "pattern"))
    length = f"/(?s:.{{{least or 0},{most if most is not None else ''}}})/"
    if pattern is None:
        return length
    assert isinstance(pattern, str)
    head = "" if pattern.startswith("^") else "(?s:.*)"
    tail = "" if pattern.endswith("$") else "(?s:.*)"
    core = pattern.removeprefix("^").removesuffix("$").replace("/", r"\/")
    return f"/{head}({core}){tail}/ & {length}"


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _dump(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)
