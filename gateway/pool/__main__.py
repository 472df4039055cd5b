"""A process of a pool: `python -m gateway.pool`, started by `gateway/pool/process.py`.

It reads jobs from standard input and writes their steps and outcomes to the original standard
output, all pickled, behind their lengths. The first message is the `Budget` of each job. The
arguments are modules that jobs need; once they are imported, a first outcome says so. The process
ends when its input does.
"""

from __future__ import annotations

import importlib
import os
import pickle
import signal
import sys
import traceback
from collections.abc import Iterator
from typing import Any, BinaryIO

from gateway.pool.budget import Budget, OverBudget, limit_memory, limited_time
from gateway.pool.frames import LENGTH, frame
from gateway.pool.steps import announce_to

# A thread of llama.cpp that waits for a CPU stalls the others, so they go first.
NICENESS = 5


def main() -> None:
    os.nice(NICENESS)
    for number in (signal.SIGINT, signal.SIGTERM):
        # A process manager may signal every process; the gateway decides when this one ends.
        signal.signal(number, signal.SIG_IGN)
    outcomes = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what is printed goes to stderr
    messages = _messages(os.fdopen(os.dup(0), "rb"))
    budget: Budget = pickle.loads(next(messages))
    for module in sys.argv[1:]:
        importlib.import_module(module)
    announce_to(outcomes.write)
    limit_memory(budget)
    outcomes.write(frame(pickle.dumps(None)))
    for message in messages:
        with limited_time(budget):
            outcome = _outcome(message)
        outcomes.write(frame(outcome))


def _messages(pipe: BinaryIO) -> Iterator[bytes]:
    while head := pipe.read(LENGTH.size):
        yield pipe.read(*LENGTH.unpack(head))


def _outcome(job: bytes) -> bytes:
    """The pickled result of a job, or the exception that it raised."""
    try:
        result: Any = pickle.loads(job)()
    except MemoryError:
        result = OverBudget("it takes more memory than is allowed")
    except Exception as error:
        error.add_note("".join(traceback.format_exception(error)))
        result = error
    return pickle.dumps(result, pickle.HIGHEST_PROTOCOL)


if __name__ == "__main__":
    main()
