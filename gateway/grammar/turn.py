"""The grammar of a turn: what a model may generate in its format, in llguidance's dialect of Lark.

Source: https://github.com/guidance-ai/llguidance/blob/main/docs/syntax.md
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import assert_never

from gateway.chat.json import Object
from gateway.chat.messages import Tool
from gateway.formats.format import AsJson, Elements, Format, Literals, Part, Placeholder, Tagged
from gateway.grammar.bare_string import containing
from gateway.grammar.custom.input_rules import closed_input
from gateway.grammar.custom.notation import notation
from gateway.grammar.elements import ElementRules
from gateway.grammar.expressions import choice, sequence
from gateway.grammar.json_calls import JsonCallRules, no_json_call
from gateway.grammar.json_schema.inline import json_rule, spaced
from gateway.grammar.lark import Lark
from gateway.grammar.literals import LiteralRules
from gateway.grammar.tagged import TaggedRules
from gateway.parsing.json_call import around
from gateway.parsing.json_calls import read_as_json

_OF_ROOT = ("$defs", "x-guidance")  # keywords that only the root of a schema may have


def grammar(
    format: Format,
    tools: Sequence[Tool],
    *,
    required: bool = False,
    parallel: bool = True,
    json_calls: bool = False,
    answer: Object | None = None,
    answer_prefix: str = "",
    special: Mapping[str, int] | None = None,
) -> str:
    """The grammar of a turn in `format`: calls of `tools`, or text, or both in the format's order.

    `required` demands a call, and `parallel` admits more than one. With `json_calls`, the arguments
    of calls that are written as plain JSON in the text match their schemas. `answer` is the JSON
    Schema of the text. `answer_prefix` is the part of the turn that the prompt already contains.
    `special` are the vocabulary's special tokens, text to id.
    """
    lark = Lark(special or {})
    parallel = parallel and not format.single_call
    turn = _Turn(format, tools, required, parallel, json_calls, answer, lark)
    return lark.text(turn.from_start(answer_prefix))


def text_grammar(
    format: Format,
    *,
    json_calls: Sequence[str] = (),
    answer: Object | None = None,
    answer_prefix: str = "",
    special: Mapping[str, int] | None = None,
) -> str:
    """The grammar of a turn in `format` that has no calls: its text contains no trigger of one.

    Nor does it contain a call as plain JSON of a tool that `json_calls` names. With `answer`, the
    text is JSON that matches it.
    """
    lark = Lark(special or {})
    turn = _Turn(format, (), False, False, False, answer, lark)
    start = turn.from_start(answer_prefix)
    triggers = [one.trigger for one in (format, *format.variants) if is_marker(one.trigger)]
    lark.rules["TEXT"] += "".join(f" & ~{containing(one)}" for one in dict.fromkeys(triggers))
    lark.rules["TEXT"] += no_json_call(json_calls) if json_calls else ""
    return lark.text(start)


def call_endings(format: Format) -> list[str]:
    """The texts with which a turn may end after a call, the shortest first."""
    closing = format.calls[2] + format.turn_end
    return list(dict.fromkeys(["", closing.lstrip(), closing]))


def is_marker(trigger: str) -> bool:
    """Whether `trigger` is a tag or a token, and not text that other answers contain too.

    >>> is_marker("<tool_call>"), is_marker('{"name": "')
    (True, False)
    """
    return trigger[:1] in "<[" and not trigger.startswith("[{")


class _Turn:
    def __init__(
        self,
        format: Format,
        tools: Sequence[Tool],
        required: bool,
        parallel: bool,
        json_calls: bool,
        answer: Object | None,
        lark: Lark,
    ):
        self._format = format
        self._tools = tools
        self._required = required
        self._parallel = parallel
        self._answer = answer
        self._lark = lark
        # A call that is JSON as a whole differs from a JSON answer by its grammar alone.
        self._is_json = (
            answer is not None and around(format) == ("", "") and format.calls_exclude_text
        )
        in_section = format.calls[0].lstrip()
        # A trigger that extends into the first call is cut where the section of calls is open.
        reaches = in_section in format.trigger and (in_section or self._is_json)
        self._trigger = in_section if reaches else format.trigger
        self._lead = _lead(format)
        if format.calls_are_sections:  # a call's first marker goes on with its name in one token
            self._trigger = self._lead = ""
        may_have_json_calls = json_calls and not required and answer is None
        self._json_tools = read_as_json(format, tools) if may_have_json_calls else []

    def from_start(self, answer_prefix: str) -> str:
        """The turn, without the part that the prompt already contains."""
        ways = [*self._reasoning(answer_prefix), *self._body(answer_prefix)]
        think, empty_think = self._format.think, self._format.empty_think
        # Reasoning may be empty: where that is written the same, a second way would be ambiguous.
        if (
            empty_think.startswith(answer_prefix)
            and empty_think
            and not (think and empty_think.startswith(think[0]))
        ):
            rest = empty_think.removeprefix(answer_prefix)
            ways.append(sequence(self._lark.literal(rest), choice(self._body(""))))
        return choice(ways)

    # -- reasoning

    def _reasoning(self, answer_prefix: str) -> Iterator[str]:
        think, separator = self._format.think, self._format.section_separator
        if not think or not think[0].startswith(answer_prefix):
            return
        opened = self._lark.literal(think[0].removeprefix(answer_prefix))
        self._lark.rules["SPACE"] = r"/[ \t\r\n]{0,8}/"  # a small model would not stop
        # Reasoning that is not closed ends where content is opened.
        markers = (self._format.content, self._format.content_before_calls or ("", ""))
        content = list(dict.fromkeys(opened.strip() for opened, _ in markers if opened))
        closed = self._lark.until("reasoning", think[1].strip(), content)
        if separator:
            yield sequence(opened, closed, self._lark.literal(separator), choice(self._body("")))
        else:
            yield sequence(opened, closed, "SPACE", choice(self._body("", has_space=True)))
        if self._tools and not self._format.calls_are_sections:
            # A call may open within the reasoning, and is a call then.
            calls = self._calls(self._lark.until("unclosed", self._trigger, content))
            yield sequence(opened, calls)

    # -- text, calls, or text and calls

    def _body(self, answer_prefix: str, has_space: bool = False) -> Iterator[str]:
        """The turn after the reasoning; `has_space` says that white space comes before it."""
        if self._tools:
            yield from self._with_calls(answer_prefix, "" if has_space else self._lead)
        if not self._required or not self._tools:
            yield from self._without_calls(answer_prefix)

    def _with_calls(self, answer_prefix: str, lead: str) -> Iterator[str]:
        if self._json_tools and self._format.calls_are_markdown:
            return  # the text has them
        only_calls = self._required or self._answer is not None or self._format.calls_exclude_text
        direct = self._format.empty_content + lead + self._trigger
        # What the format writes for no content begins as content does: it is content that is empty.
        if direct.startswith(answer_prefix) and (only_calls or not self._format.empty_content):
            rest = direct.removeprefix(answer_prefix)
            opens = self._format.content[0]
            if rest and opens.startswith(rest) and not self._format.calls[0]:
                yield self._calls("", head=rest)  # the name may continue its last token
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
            content = sequence(self._lark.until("preamble", closed), self._lark.literal(parted))
        else:
            text = self._json_calls.free_text if self._json_tools else "TEXT"
            content = self._lark.until("prose", self._trigger, text=text)
        yield sequence(opened, self._calls(content))

    def _without_calls(self, answer_prefix: str) -> Iterator[str]:
        opened, closed = self._format.content
        if opened.startswith(answer_prefix):
            opened = self._lark.literal(opened.removeprefix(answer_prefix))
            yield sequence(opened, self._text(closed), self._lark.literal(self._format.turn_end))

    def _text(self, closed: str) -> str:
        """The text of an answer, and the marker that closes it."""
        if self._answer is not None:
            self._lark.rules["answer"] = json_rule(spaced(self._answer))
            return sequence("answer", self._lark.literal(closed))
        if closed:
            return self._lark.until("content", closed)
        text = "TEXT"
        if self._format.calls_exclude_text and self._tools:
            first = re.escape(self._format.trigger[0])
            self._lark.rules["PROSE"] = rf"/\s*([^\s{first}](?s:.*))?/"
            text = "PROSE"
        return self._json_calls.text(text) if self._json_tools else text

    @cached_property
    def _json_calls(self) -> JsonCallRules:
        trigger = self._format.trigger
        return JsonCallRules(self._json_tools, trigger if is_marker(trigger) else "", self._lark)

    # -- calls

    def _calls(self, begin: str, head: str = "") -> str:
        """Calls after `begin`, which ends with the first one's trigger unless `head` begins it."""
        opened, between, closed = self._format.calls
        if opened.strip():
            opened = opened.lstrip().removeprefix(self._trigger)
            begin = sequence(begin, self._lark.literal(opened))
        else:
            between += self._trigger
        call, first = self._call("call"), self._call("first", head) if head else "call"
        one = sequence(first, self._lark.literal(closed))
        calls = self._several(first, call, between, closed) if self._parallel else one
        end = closed + self._format.turn_end
        # The space before another call is no decision for one.
        space = "" if end else _leading_space(between)
        ends = f"{self._lark.literal(space)}?" if space and self._parallel else ""
        return sequence(begin, calls, self._lark.literal(self._format.turn_end), ends)

    def _several(self, first: str, call: str, between: str, closed: str) -> str:
        # The common beginning comes first: the lexer does not back up from the longer lexeme.
        shared = between if closed.startswith(between) else ""
        again, last = between.removeprefix(shared), closed.removeprefix(shared)
        ends = self._lark.literal(shared)
        more = f"({sequence(self._lark.literal(again), call, ends)})*"
        return sequence(first, ends, more, self._lark.literal(last))

    def _call(self, rule: str, head: str = "") -> str:
        """The name of the rule for a call without its trigger, which `head` replaces."""
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
                else sequence(*(self._part(part, tool, i) for part in fill(parts, tool.name)))
            )
        return rule

    def _json(self, tool: Tool) -> str:
        """A whole call as one JSON object."""
        arguments = spaced(tool.parameters, text=tool.json)
        of_root: Object = {key: arguments.pop(key) for key in _OF_ROOT if key in arguments}
        named = self._format.call.replace(Placeholder.NAME, tool.name)
        keys = json.loads(named.replace(Placeholder.ARGUMENTS, "null"))
        properties: Object = {
            key: arguments if value is None else {"const": value} for key, value in keys.items()
        }
        closed: Object = {"required": [*keys], "additionalProperties": False}
        return json_rule({"type": "object", "properties": properties, **closed, **of_root})

    def _part(self, part: Part, tool: Tool, index: int) -> str:
        match part:
            case Placeholder.ARGUMENTS:
                rule = f"tool_{index}_arguments"
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
        if tool.input_grammar:
            written = notation(self._format)
            input = closed_input(tool.input_grammar, written, self._lark, rule)
            return sequence(self._lark.literal(written.before), input)
        match self._format.arguments:
            case AsJson() as style:
                return json_rule(spaced(tool.parameters, style, tool.json))
            case Tagged() as style:
                return TaggedRules(style, self._lark).arguments(tool, rule)
            case Literals() as style:
                return self._added(LiteralRules(style, rule, self._lark.literal), tool)
            case Elements() as style:
                return self._added(ElementRules(style, rule, self._lark.literal), tool)
            case _:
                assert_never(self._format.arguments)

    def _added(self, rules: LiteralRules | ElementRules, tool: Tool) -> str:
        written = rules.arguments(tool.parameters)
        self._lark.rules |= rules.rules
        return written


def _named(parts: Iterable[Part], name: str) -> Iterator[Part]:
    return (name if part is Placeholder.NAME else part for part in parts)


def _named_as_one(parts: Iterable[Part], name: str) -> Iterator[Part]:
    """`parts` with the name filled in, joined with the text around it."""
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
    return _leading_space(format.first_call)


def _leading_space(text: str) -> str:
    return text[: len(text) - len(text.lstrip())]
