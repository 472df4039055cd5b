"""Stop strings: they end an answer where its text, not a call or a thought, says them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gateway.chat.events import Event, Text


class Stop:
    """Passes events on, holding back text that may be the start of a stop string."""

    def __init__(self, strings: tuple[str, ...]):
        self.was_met = False
        self._strings = strings
        self._held = ""

    def filter(self, events: Iterable[Event], *, ended: bool) -> Iterator[Event]:
        """What may be shown of `events`; nothing after a stop string. `ended` lets all go."""
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
        found = [(at + len(s), at) for s in self._strings if (at := self._held.find(s)) >= 0]
        self.was_met = bool(found)
        # The first to be complete ends the answer, so that it ends alike however it is cut.
        safe = min(found)[1] if found else len(self._held) - self._overlap()
        shown, self._held = self._held[:safe], "" if found else self._held[safe:]
        if shown:
            yield Text(shown)

    def _overlap(self) -> int:
        """How much of the end may be the start of a stop string."""
        longest = max(len(string) for string in self._strings) - 1
        tails = (
            self._held[at:] for at in range(max(0, len(self._held) - longest), len(self._held))
        )
        return next((len(t) for t in tails if any(s.startswith(t) for s in self._strings)), 0)

    def _release(self) -> Iterator[Event]:
        if self._held:
            yield Text(self._held)
            self._held = ""
