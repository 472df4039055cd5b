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
from functools import cached_property

from gateway.errors import BadRequest
from gateway.turns import Json, Object, Tool
from gateway.wire.bare import ANY_TEXT, Bare, containing, quote
from gateway.wire.format import AsJson, Format, Hole, Part, Tagged
from gateway.wire.schema import check_listed, held
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
        check_listed(tool, self.format.name)
        properties, needed = tool.parameters.get("properties"), tool.parameters.get("required")
        listed = properties if isinstance(properties, dict) else {}
        required = needed if isinstance(needed, list) else []
        for i, key in enumerate(dict.fromkeys([*listed, *map(str, required)])):
            if listed.get(key) is False:
                continue
            self._check_key(style, tool, key)
            name = f"{rule}_{i}"
            schema = parameter(tool.parameters, key)
            self.rules[name] = " ".join(self._argument(style, key, schema, name))
            yield name if key in required else f"{name}?"

    def _check_key(self, style: Tagged, tool: Tool, key: str) -> None:
        end = _mark(style.parts[style.parts.index(Hole.KEY) + 1]).split()[0]
        if end in key or "\n" in key:
            raise BadRequest(
                f"tool {tool.name!r}: the parameter {key!r} can't be written in the format"
                f" {self.format.name!r}, whose keys have no {end!r} and no line breaks",
                param="tools",
            )

    def _argument(self, style: Tagged, key: str, schema: Object, rule: str) -> Iterator[str]:
        parts = style.parts
        for i, part in enumerate(parts):
            match part:
                case Hole.KEY:
                    yield self._literal(key)
                case Hole.VALUE:
                    yield self._value(schema, rule, _mark(parts[i + 1]))
                case str() if i and parts[i - 1] is Hole.VALUE:
                    continue  # the value has taken it in
                case str():
                    yield self._literal(part)

    def _value(self, schema: Object, rule: str, close: str) -> str:
        """A value and the mark that closes it."""
        bare = Bare(schema, rule.upper())
        text, others = bare.expression(schema), types_of(schema) - STRING
        self.rules |= bare.rules
        either = []
        if text is not None:
            has_json = bool(others) and text != ANY_TEXT
            either.append(self._bare(text, rule.upper(), close, has_json=has_json))
        if text is None or (others and text != ANY_TEXT):
            only: Object = {**schema, "type": [*sorted(others)]}
            self.rules[f"{rule}_json"] = "%json " + _dump(held(only if text else schema))
            either.append(f"{rule}_json {self._literal(close)}")
        return f"({' | '.join(either)})"

    def _bare(self, text: str, rule: str, close: str, *, has_json: bool) -> str:
        core = close.strip()
        excluded = f" & ~{containing(core)}"
        if has_json:
            excluded += r" & ~/[\[{](?s:.*)/"  # else it would be read as this from the first brace
        # One terminal holds the text and what closes it, up to a special token.
        taken = close[: close.index(core)]
        taken += "" if self._cut(core)[0] in self.special else core
        self.rules[f"{rule}_TEXT"] = f"({text}){excluded}"
        self.rules[f"{rule}_BARE"] = f"{rule}_TEXT {quote(taken)}"
        return f"{rule}_BARE {self._literal(close.removeprefix(taken))}"

    # -- marks

    def _literal(self, mark: str) -> str:
        return " ".join(self._spelled(piece) for piece in self._cut(mark))

    def _spelled(self, piece: str) -> str:
        return f"<[{self.special[piece]}]>" if piece in self.special else quote(piece)

    def _cut(self, mark: str) -> list[str]:
        """`mark` in pieces, each special token one of its own."""
        return [piece for piece in self._specials.split(mark) if piece]

    @cached_property
    def _specials(self) -> re.Pattern[str]:
        longest_first = sorted(map(re.escape, self.special), key=len, reverse=True)
        return re.compile(f"({'|'.join(longest_first) or '(?!)'})")

    def _until(self, rule: str, mark: str) -> str:
        """Any text up to `mark`, and `mark`, in either spelling."""
        first, *rest = self._cut(mark)
        self.rules[f"{rule}[lazy]"] = f"TEXT {quote(first)}"
        either = f"({rule} | TEXT {self._spelled(first)})" if first in self.special else rule
        return " ".join([either, *map(self._spelled, rest)])


def arguments_rule(index: int) -> str:
    """The rule that holds the arguments of the tool at `index`; errors name it."""
    return f"tool_{index}_arguments"


def _mark(part: Part) -> str:
    assert not isinstance(part, Hole)
    return part


def _dump(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)
