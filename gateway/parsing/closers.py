"""Reads the markers that close a call where a model writes one too many or one too few."""

from __future__ import annotations

from gateway.chat.events import Note, NoteKind
from gateway.formats.format import AsJson, Format, Placeholder, literal
from gateway.formats.markers import BRACKETS, head, words
from gateway.parsing.moves import Malformed, Move, Truncated
from gateway.parsing.scanner import Scanner


def closers_of(format: Format) -> tuple[str, ...]:
    """The words that close the arguments and the call of `format`."""
    follows_arguments = Placeholder.ARGUMENTS in format.parts[-2:]
    after = words(literal(format.parts[-1:])) if follows_arguments else []
    brace = ["}"] if isinstance(format.arguments, AsJson) else []
    return tuple(dict.fromkeys([*brace, *after]))


def followers_of(format: Format) -> tuple[str, ...]:
    """The markers that may follow a call of `format`."""
    between, after = format.calls[1].strip(), words(format.calls[2])
    return tuple(filter(None, (between, *after[:1], head(format.call), format.trigger)))


def expect_closers(
    scanner: Scanner, marker: str, notes: list[Note], *, then: tuple[str, ...] = ()
) -> Move[None]:
    """Consumes `marker`, of which words may be missing or come twice; says so in `notes`.

    Raises Malformed if no word comes, nor one of `then` if these are given.
    """
    every, missing = tuple(words(marker)), list[str]()
    left = [*every]
    while word := (yield from scanner.next_marker(every)):
        yield from scanner.accept(word)
        if word not in left:
            notes.append(_second(word))
            continue
        missing += left[: left.index(word)]
        left = left[left.index(word) + 1 :]
    has_none = len(missing) + len(left) == len(every)
    if then and has_none and not (yield from scanner.next_marker(then)):
        raise Malformed(f"expected {every[0]!r}")
    if left and scanner.is_at_end_of(tuple(left)):
        if not scanner.buffer.is_complete:
            raise Truncated(f"ends where {left[0]!r} is expected")
        scanner.buffer.take_rest()
        left = [word for word in left if word in BRACKETS]
    for word in (*missing, *left):
        notes.append(Note(NoteKind.REPAIRED, f"read a call that {word!r} does not close"))


def drop_second(scanner: Scanner, words: tuple[str, ...], notes: list[Note]) -> Move[None]:
    """Drops closing `words` that came already."""
    while word := (yield from scanner.next_marker(words)):
        yield from scanner.accept(word)
        notes.append(_second(word))


def _second(word: str) -> Note:
    return Note(NoteKind.REPAIRED, f"dropped a second {word!r}")
