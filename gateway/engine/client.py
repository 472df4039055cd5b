"""The gateway's side of a worker: start it, ask it, notice when it dies."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator
from itertools import count
from typing import Protocol

import msgspec

from gateway.engine.messages import (
    LENGTH,
    Accepted,
    BadGrammar,
    Cancel,
    Failed,
    FromWorker,
    Generate,
    OfJob,
    Piece,
    Ready,
    Start,
    TooLong,
    ToWorker,
    pack,
    unpack_from_worker,
)
from gateway.errors import BadRequest, ContextExceeded, EngineDied, ModelUnusable


class Engine(Protocol):
    """What generates text: a worker, or a script in the tests."""

    def generate(self, asked: Generate) -> AsyncGenerator[Accepted | Piece, None]:
        """`Accepted`, then `Piece`s up to one with a `finish`. Closing the iterator cancels.

        Raises BadRequest for a prompt that is too long or a grammar that can't be compiled, and
        EngineDied when the worker is lost.
        """
        ...


class Client:
    """One worker process. `start` it, `generate` with it, `stop` it."""

    def __init__(self, process: asyncio.subprocess.Process, ready: Ready):
        self.ready = ready
        self._process = process
        self._ids = count(1)
        self._jobs: dict[int, asyncio.Queue[OfJob | None]] = {}
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, start: Start) -> Client:
        """Bring up a worker with a model; raises ModelUnusable with llama.cpp's reason."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "gateway.engine.worker",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            _send(process, start)
            first = (await _receive(process))[0]
        except BaseException:
            _kill(process)
            raise
        match first:
            case Ready():
                return cls(process, first)
            case Failed(reason):
                await process.wait()
                raise ModelUnusable(reason)
        raise EngineDied(f"the worker began with {first!r}")

    @property
    def is_alive(self) -> bool:
        return not self._reading.done()

    async def generate(self, asked: Generate) -> AsyncGenerator[Accepted | Piece, None]:
        if not self.is_alive:
            raise self._death()
        asked = msgspec.structs.replace(asked, id=next(self._ids))
        inbox = self._jobs[asked.id] = asyncio.Queue()
        finished = False
        try:
            _send(self._process, asked)
            while not finished:
                match await inbox.get():
                    case Accepted() as accepted:
                        yield accepted
                    case Piece() as piece:
                        finished = piece.finish is not None
                        yield piece
                    case TooLong(_, prompt_tokens, context):
                        finished = True
                        raise ContextExceeded(prompt_tokens, context)
                    case BadGrammar(_, reason):
                        finished = True
                        raise BadRequest(reason, code="unsupported_schema")
                    case None:
                        raise self._death()
        finally:
            del self._jobs[asked.id]
            if not finished and self.is_alive:
                _send(self._process, Cancel(asked.id))

    async def stop(self) -> None:
        """End the worker; what it was still writing is lost."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), timeout=5)
        except TimeoutError:
            _kill(self._process)
        await self._reading

    async def _read(self) -> None:
        """Hand out what the worker posts, until it dies."""
        try:
            while True:
                for message in await _receive(self._process):
                    assert not isinstance(message, Ready | Failed)
                    if inbox := self._jobs.get(message.id):
                        inbox.put_nowait(message)
        except EngineDied:
            _kill(self._process)
            await self._process.wait()
            for inbox in self._jobs.values():
                inbox.put_nowait(None)

    def _death(self) -> EngineDied:
        code = self._process.returncode
        return EngineDied(f"the model's worker died (exit status {code}); a new one will start")


def _send(process: asyncio.subprocess.Process, message: ToWorker) -> None:
    assert process.stdin is not None
    process.stdin.write(pack([message]))


async def _receive(process: asyncio.subprocess.Process) -> list[FromWorker]:
    assert process.stdout is not None
    try:
        head = await process.stdout.readexactly(LENGTH.size)
        return unpack_from_worker(await process.stdout.readexactly(*LENGTH.unpack(head)))
    except (asyncio.IncompleteReadError, ConnectionError, msgspec.DecodeError) as error:
        raise EngineDied(f"the model's worker died: {error}") from error


def _kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
