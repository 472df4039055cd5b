"""Stop strings: they end an answer if its text contains one. Calls and thoughts don't count."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gateway.chat.events import Event, Text


class Stop:
    """Filters events; holds back text that may be the start of a stop string.

    `matched` is the stop string that the text has reached.
    """

    def __init__(self, strings: tuple[str, ...]):
        self.matched: str | None = None
        self._strings = strings
        self._held = ""

    @property
    def was_met(self) -> bool:
        return self.matched is not None

    def filter(self, events: Iterable[Event], *, ended: bool) -> Iterator[Event]:
        """Yields what may be sent of `events`; nothing after a stop string.

        `ended` says that no more events follow, so no text is withheld any longer.
        """
        for event in events:
            if self.was_met:
                return
            if isinstance(event, Text) and self._strings:
                yield from self._text(event.text)
            else:
                yield from self._release()
                yield event
        if ended and not self.was_met:
            yield from self._release()

    def _text(self, text: str) -> Iterator[Event]:
        self._held += text
        found = [(at + len(s), at, s) for s in self._strings if (at := self._held.find(s)) >= 0]
        # The first complete one counts, so that the result doesn't depend on how text is split.
        if found:
            _, safe, self.matched = min(found)
        else:
            safe = len(self._held) - self._overlap()
        sent, self._held = self._held[:safe], "" if found else self._held[safe:]
        if sent:
            yield Text(sent)

    def _overlap(self) -> int:
        """How many characters at the end may be the start of a stop string."""
        longest = max(len(string) for string in self._strings) - 1
        tails = (
            self._held[at:] for at in range(max(0, len(self._held) - longest), len(self._held))
        )
        return next((len(t) for t in tails if any(s.startswith(t) for s in self._strings)), 0)

    def _release(self) -> Iterator[Event]:
        if self._held:
            yield Text(self._held)
            self._held = ""
