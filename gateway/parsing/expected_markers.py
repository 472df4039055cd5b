"""What the marks of a format mean to a reader, and where."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gateway.chat.events import Event, Reasoning, Text
from gateway.formats.format import Format, Placeholder

Speak = Callable[[str], Event]


class Marks:
    """The marks that can come next: where a turn begins, between its parts, and in its prose.

    Without `calls`, what would open one is text. `loose` takes any start of a call for one,
    where a turn is either calls or text.
    """

    def __init__(self, format: Format, *, calls: bool, loose: bool):
        spellings = (format, *format.variants)
        self.joint, self.end = format.section_separator.strip(), format.turn_end.strip()
        self._loose = loose
        self.sections: dict[str, tuple[str, Speak]] = {}
        for spelling in spellings:
            self._section(spelling.think, Reasoning)
        self._section(format.content, Text)
        self._section(format.content_before_calls, Text)
        triggers = {
            f: _loosened(f) if loose and f.calls_exclude_text else f.trigger for f in spellings
        }
        self.triggers = tuple(t for f, t in triggers.items() if calls and not f.calls_exclude_text)
        self._amid = () if format.calls_are_sections else self.triggers
        self.first_triggers = tuple(
            t for f, t in triggers.items() if calls and f.calls_exclude_text
        )
        self.strays = tuple(dict.fromkeys(_closing(format, calls)))
        self.between = (*self.sections, *self.triggers, *self.strays)
        self.at_start = (*self.between, *self.first_triggers)
        # Where text has marks of its own, what stands outside of them ends at any.
        self._apart = (*self.sections, self.joint) if format.content[0] else ()
        self.in_prose = tuple(filter(None, (*self._amid, *self._apart)))

    def inside(self, close: str, speak: Speak) -> tuple[str, ...]:
        """The marks that end a part of the turn, or stand in it."""
        # A grammar holds text that has a mark to close it to that mark.
        triggers = () if close and speak is Text and not self._loose else self._amid
        others = (mark for mark, (_, spoken) in self.sections.items() if spoken is not Reasoning)
        apart = () if close and speak is Text else self._apart if not close else others
        return tuple(filter(None, (close, *triggers, *apart)))

    def _section(self, marks: tuple[str, str] | None, speak: Speak) -> None:
        if marks and marks[0]:
            self.sections[trimmed(marks[0])] = (marks[1].strip(), speak)


def trimmed(mark: str) -> str:
    """`mark` without the white space that may be forgiven: not what ends a word in it."""
    bare = mark.strip()
    return mark.lstrip() if bare[-1:].isalnum() else bare


def _loosened(format: Format) -> str:
    """The trigger up to its first quote: a JSON object may begin with any of its keys."""
    return format.trigger.partition('"')[0]


def _closing(format: Format, calls: bool) -> Iterator[str]:
    """The marks that close something, or part two messages: a model may write one too many."""
    closes = [format.section_separator, format.turn_end, format.content[1]]
    closes += [marks[1] for marks in (format.think, format.content_before_calls) if marks]
    if calls:
        closes.append(format.calls[2])
        closes += [part for part in format.parts[-1:] if not isinstance(part, Placeholder)]
    for close in closes:
        for mark in (
            [close.strip()] if close.strip() == format.section_separator.strip() else close.split()
        ):
            if len(mark) > 2 and mark[0] in "<[":
                yield mark


def answer_prefix(format: Format, prompt: str) -> str:
    """The part of the turn that the end of `prompt` already contains; "" if it opens nothing."""
    openers = [
        marks[0] for marks in (format.think, format.content, format.content_before_calls) if marks
    ]
    said = prompt.rstrip()
    written = [mark for mark in (*openers, format.trigger) if mark and said.endswith(mark.rstrip())]
    return max(written, key=len, default="")
