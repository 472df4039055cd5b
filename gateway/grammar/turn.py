"""The third reading of a format: let a model write nothing else.

The result is a grammar in llguidance's dialect of Lark.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import assert_never

from gateway.chat.json import Json, Object
from gateway.chat.messages import Tool
from gateway.formats.format import AsJson, Elements, Format, Literals, Part, Placeholder, Tagged
from gateway.grammar.json_schema.inline import held
from gateway.grammar.lark import Lark, either, joined
from gateway.grammar.literals_and_elements import ElementsRules, LiteralRules
from gateway.grammar.tagged import TaggedRules
from gateway.parsing.json_call import around

ANSWER_RULE = "answer"
SHARED = ("$defs", "x-guidance")  # what a schema says for all within it


def grammar(
    format: Format,
    tools: Sequence[Tool],
    *,
    required: bool = False,
    parallel: bool = True,
    answer: Object | None = None,
    answer_prefix: str = "",
    special: Mapping[str, int] | None = None,
) -> str:
    """What a model may write in `format`: calls of `tools`, or text, or both in its order.

    `required` leaves no way around a call, `parallel` false none to a second one. `answer` is
    the JSON Schema that the text has to match. `answer_prefix` is the part
    of the turn that the prompt already contains. `special` are the vocabulary's special tokens,
    text to id.
    """
    lark = Lark(special or {})
    turn = _Turn(format, tools, required, parallel and not format.single_call, answer, lark)
    return lark.text(turn.from_start(answer_prefix))


class _Turn:
    def __init__(
        self,
        format: Format,
        tools: Sequence[Tool],
        required: bool,
        parallel: bool,
        answer: Object | None,
        lark: Lark,
    ):
        self._format = format
        self._tools = tools
        self._required = required
        self._parallel = parallel
        self._answer = answer
        self._lark = lark
        # What is JSON from its first character is told from an answer by its grammar alone.
        self._is_json = (
            answer is not None and around(format) == ("", "") and format.calls_exclude_text
        )
        in_section = format.calls[0].lstrip()
        # A trigger that reaches into the first call is watched for as far as its section.
        reaches = in_section in format.trigger and (in_section or self._is_json)
        self._trigger = in_section if reaches else format.trigger
        self._lead = _lead(format)
        if (
            format.calls_are_sections
        ):  # a call's first mark goes on as one with its name, as others do
            self._trigger = self._lead = ""

    def from_start(self, answer_prefix: str) -> str:
        """The turn, less what the prompt has written of it."""
        ways = [*self._thoughts(answer_prefix), *self._body(answer_prefix)]
        think, unthought = self._format.think, self._format.empty_think
        # A thought may be empty: where that says the same, a second way would only get in its way.
        if (
            unthought.startswith(answer_prefix)
            and unthought
            and not (think and unthought.startswith(think[0]))
        ):
            rest = unthought.removeprefix(answer_prefix)
            ways.append(joined(self._lark.literal(rest), either(self._body(""))))
        return either(ways)

    # -- thoughts

    def _thoughts(self, answer_prefix: str) -> Iterator[str]:
        think, joint = self._format.think, self._format.section_separator
        if not think or not think[0].startswith(answer_prefix):
            return
        opened = self._lark.literal(think[0].removeprefix(answer_prefix))
        self._lark.rules["SPACE"] = r"/[ \t\r\n]{0,8}/"  # a small model would go on
        # A thought that is not closed ends where text is opened.
        marks = (self._format.content, self._format.content_before_calls or ("", ""))
        spoken = list(dict.fromkeys(opened.strip() for opened, _ in marks if opened))
        closed = self._lark.until("thought", think[1].strip(), spoken)
        if joint:
            yield joined(opened, closed, self._lark.literal(joint), either(self._body("")))
        else:
            yield joined(opened, closed, "SPACE", either(self._body("", spaced=True)))
        if self._tools and not self._format.calls_are_sections:
            # A call may open while the model still thinks; then it is a call.
            calls = self._calls(self._lark.until("unclosed", self._trigger, spoken))
            yield joined(opened, calls)

    # -- text, calls, or text and calls

    def _body(self, answer_prefix: str, spaced: bool = False) -> Iterator[str]:
        """The rest of the turn; if `spaced`, all the white space before it is written."""
        if self._tools:
            yield from self._calling(answer_prefix, "" if spaced else self._lead)
        if not self._required or not self._tools:
            yield from self._speaking(answer_prefix)

    def _calling(self, answer_prefix: str, lead: str) -> Iterator[str]:
        only_calls = self._required or self._answer is not None or self._format.calls_exclude_text
        direct = self._format.empty_content + lead + self._trigger
        # What stands for no text begins as text does, so that it is a text that is empty.
        if direct.startswith(answer_prefix) and (only_calls or not self._format.empty_content):
            rest = direct.removeprefix(answer_prefix)
            opens = self._format.content[0]
            if rest and opens.startswith(rest) and not self._format.calls[0]:
                yield self._calls("", head=rest)  # else a name could not begin as that goes on
            else:
                yield self._calls(self._lark.literal(rest))
        if only_calls:
            return
        opened, closed = self._format.content_markers(before_calls=True)
        if not opened.startswith(answer_prefix):
            return
        opened = self._lark.literal(opened.removeprefix(answer_prefix))
        if closed:
            parted = (
                self._format.section_separator
                + self._format.before_calls
                + self._lead
                + self._trigger
            )
            said = joined(self._lark.until("preamble", closed), self._lark.literal(parted))
        else:
            said = self._lark.until("prose", self._trigger)
        yield joined(opened, self._calls(said))

    def _speaking(self, answer_prefix: str) -> Iterator[str]:
        opened, closed = self._format.content
        if opened.startswith(answer_prefix):
            opened = self._lark.literal(opened.removeprefix(answer_prefix))
            yield joined(opened, self._text(closed), self._lark.literal(self._format.turn_end))

    def _text(self, closed: str) -> str:
        """The text of an answer, and what closes it."""
        if self._answer is not None:
            self._lark.rules[ANSWER_RULE] = "%json " + _dump(held(self._answer))
            return joined(ANSWER_RULE, self._lark.literal(closed))
        if closed:
            return self._lark.until("said", closed)
        if not self._format.calls_exclude_text or not self._tools:
            return "TEXT"
        first = re.escape(self._format.trigger[0])
        self._lark.rules["PROSE"] = rf"/\s*([^\s{first}](?s:.*))?/"
        return "PROSE"

    # -- calls

    def _calls(self, begin: str, head: str = "") -> str:
        """Calls, the trigger of the first being what `begin` ends with, or its own `head`."""
        opened, between, closed = self._format.calls
        if opened.strip():
            opened = opened.lstrip().removeprefix(self._trigger)
            begin = joined(begin, self._lark.literal(opened))
        else:
            between += self._trigger
        call, first = self._call("call"), self._call("first", head) if head else "call"
        one = joined(first, self._lark.literal(closed))
        calls = self._several(first, call, between, closed) if self._parallel else one
        return joined(begin, calls, self._lark.literal(self._format.turn_end))

    def _several(self, first: str, call: str, between: str, closed: str) -> str:
        # What both begin with goes first: the lexer never turns back from the longer one.
        shared = between if closed.startswith(between) else ""
        again, last = between.removeprefix(shared), closed.removeprefix(shared)
        ends = self._lark.literal(shared)
        more = f"({joined(self._lark.literal(again), call, ends)})*"
        return joined(first, ends, more, self._lark.literal(last))

    def _call(self, rule: str, head: str = "") -> str:
        """The rule for a call without its trigger, but with `head` for it."""
        if rule in self._lark.rules:
            return rule
        opened, *rest = self._format.parts
        if not self._format.calls[0].strip():
            opened = opened.removeprefix(self._trigger)
        parts = (head, opened, *rest)
        fill = _named_as_one if head or self._format.calls_are_sections else _named
        names = [f"tool_{i}_{rule}" for i in range(len(self._tools))]
        self._lark.rules[rule] = " | ".join(names)
        for i, (name, tool) in enumerate(zip(names, self._tools, strict=True)):
            self._lark.rules[name] = (
                self._json(tool)
                if self._is_json
                else joined(*(self._part(part, tool, i) for part in fill(parts, tool.name)))
            )
        return rule

    def _json(self, tool: Tool) -> str:
        """A whole call as one JSON object."""
        arguments = held(tool.parameters)
        shared: Object = {key: arguments.pop(key) for key in SHARED if key in arguments}
        named = self._format.call.replace(Placeholder.NAME, tool.name)
        keys = json.loads(named.replace(Placeholder.ARGUMENTS, "null"))
        properties: Object = {
            key: arguments if value is None else {"const": value} for key, value in keys.items()
        }
        closed: Object = {"required": [*keys], "additionalProperties": False}
        return "%json " + _dump({"type": "object", "properties": properties, **closed, **shared})

    def _part(self, part: Part, tool: Tool, index: int) -> str:
        match part:
            case Placeholder.ARGUMENTS:
                rule = arguments_rule(index)
                if rule not in self._lark.rules:
                    self._lark.rules[rule] = self._arguments(tool, rule)
                return rule
            case Placeholder.ID:
                return f"/[a-zA-Z0-9]{{{self._format.id_length or 9}}}/"
            case Placeholder.INDEX:
                return "/0|[1-9][0-9]?/"
            case _:
                return self._lark.literal(part)

    def _arguments(self, tool: Tool, rule: str) -> str:
        match self._format.arguments:
            case AsJson() as style:
                return "%json " + _dump(_spaced(held(tool.parameters, style), style))
            case Tagged() as style:
                return TaggedRules(style, self._lark).arguments(tool, rule)
            case Literals() as style:
                return self._noted(LiteralRules(style, rule, self._lark.literal), tool)
            case Elements() as style:
                return self._noted(ElementsRules(style, rule, self._lark.literal), tool)
            case _:
                assert_never(self._format.arguments)

    def _noted(self, rules: LiteralRules | ElementsRules, tool: Tool) -> str:
        written = rules.arguments(tool.parameters)
        self._lark.rules |= rules.rules
        return written


def arguments_rule(index: int) -> str:
    """The rule that holds the arguments of the tool at `index`; errors name it."""
    return f"tool_{index}_arguments"


def _named(parts: Iterable[Part], name: str) -> Iterator[Part]:
    return (name if part is Placeholder.NAME else part for part in parts)


def _named_as_one(parts: Iterable[Part], name: str) -> Iterator[Part]:
    """`parts` with the name filled in, as one with the text around it."""
    text = ""
    for part in parts:
        if part is Placeholder.NAME or not isinstance(part, Placeholder):
            text += name if part is Placeholder.NAME else part
            continue
        yield text
        yield part
        text = ""
    yield text


def _lead(format: Format) -> str:
    """The white space that a format writes before its calls, with or without text."""
    return format.first_call[: len(format.first_call) - len(format.first_call.lstrip())]


def _spaced(schema: Object, style: AsJson) -> Object:
    """`schema` for JSON on lines of its own, where the family writes it so."""
    if style.indent is None:
        return schema
    spacing: Object = {"whitespace_flexible": True, "whitespace_pattern": r"\n {0,80}| "}
    return {**schema, "x-guidance": spacing}


def _dump(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)
