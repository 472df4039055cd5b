"""Settings of the interpreter with which the event loop waits little for threads and garbage."""

from __future__ import annotations

import gc
import sys

# After as long, a thread leaves the interpreter to one that waits for it. By default it is 5 ms,
# and the event loop waits so often that a response takes several of these.
SWITCH_S = 0.0005
# New objects, less those that were freed, after which the youngest are searched for garbage. All
# objects are searched after a hundred times as many: 70,000 by default, which one large body has.
YOUNG_OBJECTS = 10_000


def set_up_interpreter() -> None:
    """Applies the settings; what is in memory is never searched for garbage."""
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)
    sys.setswitchinterval(SWITCH_S)
