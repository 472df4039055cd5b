"""Finds the format of a chat template by comparing what it writes with what each family writes.

No model is recognized by its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from gateway.chat.events import Event, collect
from gateway.errors import ConfigError
from gateway.formats.encode import answer_prefix, encode
from gateway.formats.families import FAMILIES
from gateway.formats.format import Format
from gateway.parsing.decoder import Decoder
from gateway.prompt.format_probe import ANY, CALL, RESULT, TEXT, TURNS, Probe, probe
from gateway.prompt.template import Template, Vocabulary

CONTEXT = 8  # characters before an answer that identify the place of an answer


def detect_format(source: str, vocabulary: Vocabulary) -> Format:
    """The format of the chat template `source`; raises ConfigError if no family matches.

    A template that does not show tools has the format of a family with the same reasoning.
    """
    template = Template(source, ANY, vocabulary)
    texts = probe(template)
    try:
        return format_of_calls(texts)
    except ConfigError:
        if template.shows_tools:
            raise
        return max(FAMILIES.values(), key=lambda format: _reasoning_score(format, texts))


def formats_of(source: str, vocabulary: Vocabulary, known: Sequence[Format]) -> list[Format]:
    """The formats that the chat template `source` can be used with; none if that is unknown.

    These are all of `known` if it explains whichever format it is given, otherwise the format that
    it writes, or the first whose tags are in its instructions.
    """
    prompts = {probe(Template(source, format, vocabulary)).prompt for format in (ANY, *known)}
    if len(prompts) > 1:
        return list(known)
    try:
        return [detect_format(source, vocabulary)]
    except ConfigError:
        return [*_by_instructions(probe(Template(source, ANY, vocabulary)))][:1]


def format_written_instead(source: str, vocabulary: Vocabulary, format: Format) -> Format | None:
    """The format that the chat template `source` writes calls in, if `format` does not read them.

    None for a template that writes calls in any format, in `format`, in an unknown one, or not.
    """
    texts = probe(Template(source, ANY, vocabulary))
    turn = texts.turn(TURNS[0])
    if "probe_value" not in turn or _writes_call(format, texts, turn):
        return None
    if format in _by_parsed_call(texts, turn):
        return None
    try:
        found = format_of_calls(texts)
    except ConfigError:
        return None
    return None if found is format else found


def format_of_calls(texts: Probe) -> Format:
    """The format that a template writes calls in, or describes; raises ConfigError if unknown."""
    turns = [texts.turn(turn) for turn in TURNS]
    if encode(ANY, TURNS[0]) in turns[0]:
        raise ConfigError("it writes calls in whichever format it is given")
    matches = (
        _by_written_turns(texts, turns),
        _by_parsed_call(texts, turns[0]),
        _by_instructions(texts),
        _by_results(texts),
    )
    found = next((format for formats in matches for format in formats), None)
    if found is None:
        raise ConfigError(_reason(turns[0]))
    return found


# -- ways to find a format


def _by_written_turns(texts: Probe, turns: list[str]) -> Iterable[Format]:
    """The families that write a call as the template does, the best match first."""
    formats = [format for format in FAMILIES.values() if _writes_call(format, texts, turns[0])]
    return sorted(formats, key=lambda format: -_score(format, texts, turns))


def _by_parsed_call(texts: Probe, turn: str) -> Iterable[Format]:
    """The families whose parser reads the call that the template writes."""
    if not turn.startswith(texts.prompt):
        return
    for format in sorted(FAMILIES.values(), key=lambda format: -len(format.trigger)):
        events: list[Event] = Decoder(format, None).feed(turn.removeprefix(texts.prompt))
        calls = [(call.name, call.arguments) for call in collect(events).calls]
        if calls == [(CALL.name, CALL.arguments)]:
            yield format


def _by_instructions(texts: Probe) -> Iterable[Format]:
    """The families whose tags occur in the instructions that come with tools."""
    for format in sorted(FAMILIES.values(), key=lambda format: -len(_tags(format))):
        tags = _tags(format)
        if tags and all(tag in texts.prompt and tag not in texts.without_tools for tag in tags):
            yield format


def _by_results(texts: Probe) -> Iterable[Format]:
    """The families whose tags around a call are those around a result, `response` for `call`."""
    around = re.search(rf"({_TAG.pattern})\s*{RESULT}\s*({_TAG.pattern})", texts.result)
    tags = {tag.replace("response", "call") for tag in around.groups()} if around else set()
    return [format for format in FAMILIES.values() if tags and _tags(format) == tags]


# -- how well a format matches


def _writes_call(format: Format, texts: Probe, turn: str) -> bool:
    call = encode(format, TURNS[0]).strip()
    if not format.calls_exclude_text:
        return call in turn
    # Without a marker of its own, it is a call only in the place of text.
    before, found, _ = texts.turn(TEXT).partition(TEXT.text)
    return bool(found) and before[-CONTEXT:] + call in turn


def _score(format: Format, texts: Probe, turns: list[str]) -> int:
    """The number of characters in the turns that are as the family writes them."""
    score = 0
    for turn, text in zip(TURNS, turns, strict=True):
        written = encode(format, turn).strip()
        if written in text and (format.think or not turn.reasoning):
            score += len(written)
    return score + _reasoning_score(format, texts)


def _reasoning_score(format: Format, texts: Probe) -> int:
    """The number of characters in reasoning markers that are the family's."""
    if not format.think:
        return 0
    close = format.think[1].strip()
    is_skipped = texts.without_thinking.rstrip().endswith(close)
    prefix = answer_prefix(format, texts.prompt)
    return len(prefix) + len(close) * (texts.removes_up_to(close) + is_skipped)


def _tags(format: Format) -> set[str]:
    before, _, after = format.calls
    return set(_TAG.findall(before + format.call + after))


def _reason(turn: str) -> str:
    if "probe_value" not in turn:
        return "it neither writes calls nor describes them to the model"
    start = max(0, turn.find("probe_value") - 200)
    return f"it writes calls as no known format does: {turn[start:][:400]!r}"


_TAG = re.compile(r"<[^<>\s$]+>")
