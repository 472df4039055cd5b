"""How much work a template may do, counted as it is done: a thread that hangs can't be killed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# What is counted, in units of a few nanoseconds, or of as much memory as is gone for good.
STEP = 16  # one node of a template, each time that it may be gone through
CHARACTER = 8  # of a text that is made or looked through
ITEM = 128  # of a list or an object
CALL = 1024  # of a macro or a method

# A second or two. A prompt of 8 MB takes nearly all of it in the vendors' templates that take most.
MOST = 2**30
MOST_TRIED = 2**23  # for a few words, when a template is tried out; vendors' take up to 2**18
PAIR = 2**11  # of messages: there are templates that look at all of them for each


_left: ContextVar[list[int]] = ContextVar("_left")


class Exhausted(Exception):
    """A template has done all the work that it may."""


@contextmanager
def allowed(units: int) -> Iterator[None]:
    """Let what is done within spend so many units."""
    token = _left.set([units])
    try:
        yield
    finally:
        _left.reset(token)


def most(messages: int) -> int:
    """What may be spent on a prompt of so many messages."""
    return MOST + PAIR * messages**2


def spend(units: int) -> None:
    """Count what is about to be done; raises Exhausted if that is too much."""
    left = _left.get()
    left[0] -= units
    if left[0] < 0:
        raise Exhausted("it works for too long or makes too much of what it is given")
