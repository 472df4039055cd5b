"""Renders a hostile template in a process of its own, which imports little."""

from __future__ import annotations

import resource
from multiprocessing import get_context
from multiprocessing.connection import Connection

from gateway.formats.families import HERMES
from gateway.prompt.jinja import ChatTemplate

MAX_CPU_S = 60
MAX_BYTES = 3 * 2**30
MAX_WAIT_S = 300

CONTEXT = get_context("forkserver")
CONTEXT.set_forkserver_preload([__name__])


def tried(source: str) -> tuple[str, str]:
    """Renders a template in a process of its own; returns the type of an error, and the text."""
    mine, others = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=_try, args=(others, source))
    process.start()
    others.close()
    try:
        assert mine.poll(MAX_WAIT_S), "it hangs"
        result: tuple[str, str] = mine.recv()
        return result
    finally:
        process.kill()
        process.join()


def _try(pipe: Connection, source: str) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_S, MAX_CPU_S))
    resource.setrlimit(resource.RLIMIT_AS, (MAX_BYTES, MAX_BYTES))
    try:
        written = ChatTemplate(source, HERMES)
        pipe.send(("", written.render({"messages": [{"content": "Hello"}]}, is_trial=True)))
    except Exception as error:
        pipe.send((type(error).__name__, str(error)))
