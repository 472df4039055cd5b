"""A chat template -> the format that it writes calls in, found by trying.

A few turns are said through the template, and what it makes of them is compared with what each
family would write. No model is known by its name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gateway.chat.events import Event, collect
from gateway.chat.messages import Call, Turn
from gateway.errors import ConfigError
from gateway.formats.encode import answer_prefix, encode
from gateway.formats.families import FAMILIES
from gateway.formats.format import Format
from gateway.parsing.decoder import Decoder

ONE = Call("probe_tool", {"probe_key": "probe_value", "probe_count": 2}, "probecall")
TWO = Call("probe_tool", {"probe_key": "probe_other"}, "probemore")
SAID = Turn("probe_text")
TURNS = (
    Turn(calls=(ONE,)),
    Turn(calls=(ONE, TWO)),
    Turn("probe_text", calls=(ONE,)),
    Turn("probe_text", "probe_thought", (ONE,)),
    Turn("probe_text", "probe_thought"),
)
GAVE = "probe_result"
BEFORE = 8  # characters before an answer that tell where it stands


# What a template writes calls in that takes any format.
ANY = Format("any", call="<any_call>$name$arguments</any_call>")


@dataclass(frozen=True, slots=True)
class Shown:
    """What a template makes of a conversation, "" where it refuses; calls it writes as in `ANY`.

    `prompt` is one without an answer so far, `plain` the same without tools, and `quiet` with
    thinking switched off, if it can be. `turn` writes one that ends with a turn, or with what its
    calls gave. `result` is one in which a call gave `GAVE`. `cuts` says whether all up to a mark is
    cut out of what was said.
    """

    prompt: str
    plain: str
    quiet: str
    result: str
    turn: Callable[[Turn], str]
    cuts: Callable[[str], bool]


def detect(shown: Shown) -> Format:
    """The format that the template writes calls in; raises ConfigError if none is known."""
    texts = [shown.turn(turn) for turn in TURNS]
    if encode(ANY, TURNS[0]) in texts[0]:
        raise ConfigError("it writes calls in whichever format it is given")
    ways = (_written(shown, texts), _read(shown, texts[0]), _told(shown), _answered(shown))
    found = next((format for way in ways for format in way), None)
    if found is None:
        raise ConfigError(_reason(texts[0]))
    return found


def detect_thoughts(shown: Shown) -> Format:
    """The first family that thinks as the template shows, or does not; its calls say nothing."""
    return max(FAMILIES.values(), key=lambda format: _thoughts(format, shown))


def _written(shown: Shown, texts: list[str]) -> Iterable[Format]:
    """The families that write a call as the template does, the most alike first."""
    families = [format for format in FAMILIES.values() if _calls(format, shown, texts)]
    return sorted(families, key=lambda format: -_likeness(format, shown, texts))


def _calls(format: Format, shown: Shown, texts: list[str]) -> bool:
    written, text = encode(format, TURNS[0]).strip(), texts[0]
    if not format.calls_exclude_text:
        return written in text
    # What has no mark of its own is a call only where text could stand.
    before, found, _ = shown.turn(SAID).partition(SAID.text)
    return bool(found) and before[-BEFORE:] + written in text


def _likeness(format: Format, shown: Shown, texts: list[str]) -> int:
    """How many characters of what the template writes are the family's."""
    same = 0
    for turn, text in zip(TURNS, texts, strict=True):
        written = encode(format, turn).strip()
        if written in text and (format.think or not turn.reasoning):
            same += len(written)
    return same + _thoughts(format, shown)


def _thoughts(format: Format, shown: Shown) -> int:
    """How many characters of marks around thoughts are the family's."""
    if not format.think:
        return 0
    closed = format.think[1].strip()
    is_skipped = shown.quiet.rstrip().endswith(closed)
    marks = answer_prefix(format, shown.prompt) + closed * shown.cuts(closed) + closed * is_skipped
    return len(marks)


def _read(shown: Shown, text: str) -> Iterable[Format]:
    """The families that read the call from what the template writes."""
    if not text.startswith(shown.prompt):
        return
    for format in sorted(FAMILIES.values(), key=lambda format: -len(format.trigger)):
        decoder = Decoder(format, None)
        events: list[Event] = decoder.feed(text.removeprefix(shown.prompt))
        calls = collect(events).calls
        if [(call.name, call.arguments) for call in calls] == [(ONE.name, ONE.arguments)]:
            yield format


def _told(shown: Shown) -> Iterable[Format]:
    """The families whose marks the model is told to write."""
    for format in sorted(FAMILIES.values(), key=lambda format: -len(_tags(format))):
        tags = _tags(format)
        if tags and tags <= {tag for tag in tags if tag in shown.prompt and tag not in shown.plain}:
            yield format


def _answered(shown: Shown) -> Iterable[Format]:
    """The families whose marks around a call are those around its result, but for that word."""
    around = re.search(rf"({_TAG.pattern})\s*{GAVE}\s*({_TAG.pattern})", shown.result)
    marks = {mark.replace("response", "call") for mark in around.groups()} if around else set()
    return [format for format in FAMILIES.values() if marks and _tags(format) == marks]


def _tags(format: Format) -> set[str]:
    opened, _, closed = format.calls
    return set(_TAG.findall(opened + format.call + closed))


def _reason(text: str) -> str:
    if "probe_value" not in text:
        return "it does not write calls, nor tell the model how"
    start = max(0, text.find("probe_value") - 200)
    return f"it writes calls as no known format does: {text[start:][:400]!r}"


_TAG = re.compile(r"<[^<>\s$]+>")
