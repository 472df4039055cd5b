"""Lists the markers of a format that a parser expects at each place in a turn."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.chat.events import Reasoning, Text
from gateway.formats.families import THINK
from gateway.formats.format import Format, Placeholder
from gateway.formats.markers import words
from gateway.formats.related import without_section
from gateway.parsing.moves import TextKind


class ExpectedMarkers:
    """The markers that may come next: at the start of a turn, between sections, and inside text.

    Without `calls`, text that would open a call is text. With `loose`, the start of a call is
    recognized even if it is written differently, in a format whose turns are text or calls.

    sections          what opens text or reasoning -> what closes it, and what the text becomes
    thoughts          what opens reasoning
    triggers          what opens a call, in formats that mix text and calls
    first_triggers    what opens a call at the start of a turn, in formats that do not
    headers           what opens a message that may be addressed otherwise than declared
    stray             closing markers and separators; without an opener they mean nothing
    between_sections  what may come between sections
    at_start          what may come at the start of a turn
    in_text           what ends text that has no closing marker
    """

    def __init__(self, format: Format, *, calls: bool, loose: bool):
        formats = (format, *format.variants)
        self._format = format
        self.section_separator = format.section_separator.strip()
        self.turn_end = format.turn_end.strip()
        self._loose = loose
        self.sections: dict[str, tuple[str, TextKind]] = {}
        for one in formats:
            self._add_section(one.think, Reasoning)
        self._add_section(format.content, Text)
        self._add_section(format.content_before_calls, Text)
        mixing = [one for one in formats if calls and not one.calls_exclude_text]
        # A grammar admits as text what only a variant reads as a call.
        readable = formats if loose else formats[:1]
        excluding = [one for one in readable if calls and one.calls_exclude_text]
        self.triggers = tuple(one.trigger for one in mixing)
        if loose and calls:
            self.triggers += tuple(one.trigger for one in without_section(format))
        if format.header and calls:
            self.triggers += format.header.triggers
        self.first_triggers = tuple(_loosened(one) if loose else one.trigger for one in excluding)
        self.stray = tuple(dict.fromkeys(_closing(format, calls)))
        self.headers = (format.header.channel, format.header.recipient) if format.header else ()
        self.between_sections = (*self.sections, *self.triggers, *self.headers, *self.stray)
        self.at_start = (*self.between_sections, *self.first_triggers)
        self._triggers_in_text = () if format.calls_are_sections else self.triggers
        # If text has markers of its own, text outside of them ends at any section.
        ends = (*self.sections, self.section_separator) if format.content[0] else ()
        self._ends_of_text = ends
        self.in_text = tuple(filter(None, (*self._triggers_in_text, *ends)))
        if loose or not self.first_triggers:
            self._add_foreign_thought()
        self.thoughts = tuple(m for m, (_, kind) in self.sections.items() if kind is Reasoning)

    def inside(self, close: str, kind: TextKind) -> tuple[str, ...]:
        """The markers that end a section that `close` closes, or may come within it."""
        if close and kind is Text:
            # A grammar allows no call before `close`.
            loose = (*self._triggers_in_text, self.section_separator) if self._loose else ()
            return (close, *filter(None, loose))
        ends = self._ends_of_text
        if close:
            ends = tuple(m for m, (_, other) in self.sections.items() if other is not Reasoning)
            ends += (self.section_separator,) if self._loose else ()
        return tuple(filter(None, (close, *self._triggers_in_text, *ends)))

    def of_channel(self, channel: str) -> tuple[str, TextKind]:
        """What closes a message on `channel`, and what its text becomes."""
        header, before_calls = self._format.header, self._format.content_before_calls
        assert header
        assert before_calls
        declared = f"{header.channel}{channel}{header.end}"
        return self.sections.get(declared, (before_calls[1], Text))

    def _add_foreign_thought(self) -> None:
        """Reads a thought at the start of a turn in the form that most families have.

        A grammar that admits text or calls admits both after such a thought, as text.
        """
        if THINK[0] not in self.sections:
            self.sections[THINK[0]] = (THINK[1], Reasoning)
            self.at_start += (THINK[0],)

    def _add_section(self, markers: tuple[str, str] | None, kind: TextKind) -> None:
        if markers and markers[0]:
            self.sections[trimmed(markers[0])] = (markers[1].strip(), kind)


def trimmed(marker: str) -> str:
    """`marker` without the white space that may be missing; space after a word has to be there."""
    text = marker.strip()
    return marker.lstrip() if text[-1:].isalnum() else text


def _loosened(format: Format) -> str:
    """The trigger up to its first quote: a JSON object may begin with any of its keys."""
    return format.trigger.partition('"')[0]


def _closing(format: Format, calls: bool) -> Iterator[str]:
    """The tags that close or separate sections; a model may write one too many."""
    separator = format.section_separator
    closing = [separator, format.turn_end, format.content[1]]
    closing += [pair[1] for pair in (format.think, format.content_before_calls) if pair]
    if calls:
        closing.append(format.calls[2])
        closing += [part for part in format.parts[-1:] if not isinstance(part, Placeholder)]
    for text in map(str.strip, closing):
        for marker in [text] if text == separator.strip() else words(text):
            if len(marker) > 2 and marker[0] in "<[]":
                yield marker
