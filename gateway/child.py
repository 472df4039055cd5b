"""A process that the gateway starts for a task of its own: `python -m MODULE`."""

from __future__ import annotations

import asyncio
import logging
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from contextvars import Context, copy_context

# How a child marks a line with its level, see sd-daemon(3). Other lines are warnings.
MARKS = {logging.ERROR: "<3>", logging.WARNING: "<4>"}
MAX_BYTES = 2**14
LOG_S = 1.0

log = logging.getLogger("gateway.child")


class Child:
    """The process, with pipes to its standard input and output.

    What it writes to standard error is logged, each line with `fields`.
    """

    def __init__(self, process: asyncio.subprocess.Process, **fields: str):
        self.process = process
        self._fields = fields
        self._callers: dict[object, Context] = {}
        # A context without the variables of whoever starts the process.
        self._logging = asyncio.create_task(self._log(), context=Context())

    @classmethod
    async def start(cls, module: str, *arguments: str, **fields: str) -> Child:
        """Starts `python -m module`; raises OSError."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # imports nothing from the current folder, which other people may write to
            "-m",
            module,
            *arguments,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            start_new_session=True,  # so that a terminal's signals end the gateway only
        )
        return cls(process, **fields)

    @contextmanager
    def working_for_caller(self) -> Iterator[None]:
        """Says that the process works for the caller.

        While there is one caller, lines are logged in its context, which has its request's id.
        """
        caller = object()
        self._callers[caller] = copy_context()
        try:
            yield
        finally:
            del self._callers[caller]

    def kill(self) -> None:
        if self.process.returncode is None:
            with suppress(ProcessLookupError):
                self.process.kill()

    async def finish(self) -> int:
        """Closes the input, drops the rest of the output, and returns the exit status.

        What the process has written to standard error is logged then.
        """
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin
        assert stdout
        stdin.close()
        await stdout.read()
        status = await self.process.wait()
        await asyncio.wait([self._logging], timeout=LOG_S)
        with suppress(ConnectionError):
            await stdin.wait_closed()
        return status

    async def _log(self) -> None:
        async for line in self._lines():
            level, text = _parsed(line.decode(errors="replace").rstrip())
            if text:
                self._context().run(log.log, level, "%s", text, extra=self._fields)

    async def _lines(self) -> AsyncIterator[bytes]:
        """Yields the lines of standard error; one longer than `MAX_BYTES` comes in parts."""
        assert self.process.stderr
        rest = b""
        while chunk := await self.process.stderr.read(MAX_BYTES):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                yield line
            if len(rest) >= MAX_BYTES:
                yield rest
                rest = b""
        yield rest

    def _context(self) -> Context:
        match [*self._callers.values()]:
            case [only]:
                return only
        return Context()


def _parsed(line: str) -> tuple[int, str]:
    for level, mark in MARKS.items():
        if line.startswith(mark):
            return level, line.removeprefix(mark)
    return logging.WARNING, line
