"""Security: counts the work of a template before it is done, as a thread can't be stopped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# Costs, in units of a few nanoseconds; memory that is not freed costs as much.
STEP = 16  # one node of a template, each time that it may be evaluated
CHARACTER = 8  # of a text that is made or searched
ITEM = 128  # of a list or an object
CALL = 1024  # of a macro or a method

# A second or two. A prompt of 8 MB takes nearly all of it in the vendors' slowest templates.
MAX_UNITS = 2**30
MAX_TRIAL_UNITS = 2**23  # for the short conversations of a trial; vendors' templates take 2**18
UNITS_PER_PAIR = 2**11  # of messages, as some templates look at all messages for each message


_left: ContextVar[list[int]] = ContextVar("_left")


class BudgetExceeded(Exception):
    """A template has used up its budget."""


@contextmanager
def limited_to(units: int) -> Iterator[None]:
    """Sets the budget of a `with` block."""
    token = _left.set([units])
    try:
        yield
    finally:
        _left.reset(token)


def max_units(message_count: int) -> int:
    """The budget for a prompt."""
    return MAX_UNITS + UNITS_PER_PAIR * message_count**2


def spend(units: int) -> None:
    """Counts work that is about to be done; raises BudgetExceeded if too little is left."""
    left = _left.get()
    left[0] -= units
    if left[0] < 0:
        raise BudgetExceeded("it works for too long or makes too much of its input")
