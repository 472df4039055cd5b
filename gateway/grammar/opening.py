"""The grammar of what begins a call: an engine weighs how probable that is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from gateway.formats.format import Format, Placeholder
from gateway.grammar.bare_string import quote
from gateway.grammar.expressions import choice, sequence
from gateway.grammar.json_calls import json_call_opening
from gateway.grammar.lark import Lark
from gateway.grammar.turn import is_marker


def opening_grammar(
    format: Format,
    names: Sequence[str],
    *,
    json_calls: bool,
    answer_prefix: str = "",
    special: Mapping[str, int] | None = None,
) -> str:
    """The answers whose body begins with a call, as far as that is seen: anything may follow.

    That is a trigger of `format` or, where text begins like one, the call up to the name of a tool;
    with `json_calls` also a call as plain JSON, up to the name. `names` are those of the tools.
    White space may come before it. `answer_prefix` is the part of the answer that the prompt
    already contains, `special` are the vocabulary's special tokens, text to id.
    """
    lark = Lark(special or {})
    lark.rules["SPACE"] = r"/[ \t\r\n]*/"
    ways: list[str] = []
    for text in _texts(format, names):
        rest = text.removeprefix(answer_prefix).lstrip()
        ways += [lark.literal(rest), quote(rest)]
    if json_calls:
        ways.append(json_call_opening(names))
    after_thought = choice(["", lark.literal(format.section_separator)])
    return lark.text(sequence("SPACE", after_thought, choice(ways), "TEXT"))


def _texts(format: Format, names: Sequence[str]) -> Iterator[str]:
    """What begins a call in `format` and its variants."""
    others = [format.content[0], *(format.content_before_calls or ()), *(format.think or ())]
    for one in (format, *format.variants):
        yield from (
            one.empty_content + head
            for head in _heads(one, names, [text.lstrip() for text in others if text])
        )


def _heads(format: Format, names: Sequence[str], others: Sequence[str]) -> Iterator[str]:
    """The text of a call up to its trigger or, if that is not enough, up to its name."""
    trigger = format.trigger
    is_distinct = is_marker(trigger) and not any(other.startswith(trigger) for other in others)
    head, is_named, _ = format.first_call.partition(Placeholder.NAME)
    if not is_named or "$" in head or (is_distinct and len(trigger) > 1):
        yield format.first_call.partition(trigger)[0] + trigger
    else:
        yield from (head + name for name in names)
