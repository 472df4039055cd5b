"""The gateway's side of a worker: start it, ask it, notice when it dies."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager, suppress
from itertools import count

import msgspec
import psutil

from gateway.engine.engine import EngineInfo, EngineStats, Features
from gateway.engine.generation import Accepted, Delta, Embeddings, Generation
from gateway.engine.options import EngineOptions
from gateway.engine.protocol import (
    LENGTH,
    Cancel,
    Embed,
    Failed,
    FromWorker,
    Generate,
    LoadFailed,
    PromptTooLong,
    Rejected,
    Result,
    ToWorker,
    pack,
    unpack_from_worker,
)
from gateway.engine.watchdog import Vigil
from gateway.errors import BadRequest, ContextExceeded, EngineDied, GatewayError, ModelUnusable


class Client:
    """One worker process. `start` it, `generate` with it, `stop` it."""

    features = Features()

    def __init__(self, process: asyncio.subprocess.Process, info: EngineInfo, hang_s: float = 300):
        self.info = info
        self._hang_s = hang_s
        self._hung = False
        self._vigil = Vigil(hang_s, self._give_up)
        self.stats = EngineStats()
        self._process = process
        self._ids = count(1)
        self._jobs: dict[int, asyncio.Queue[Result | None]] = {}
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, options: EngineOptions) -> Client:
        """Starts a worker that loads a model; raises ModelUnusable with llama.cpp's reason."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "gateway.worker",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            _send(process, options)
            first = await _first(process, options.hang_s)
        except TimeoutError:
            _kill(process)
            await _end(process)
            told = f"nothing was heard for {options.hang_s:g} s while {options.path} was loaded"
            raise ModelUnusable(f"{told}; `hang_s` in models.yaml may be more") from None
        except EngineDied:
            await _end(process)
            status = process.returncode
            raise ModelUnusable(f"{options.path} ends its worker (exit status {status})") from None
        except BaseException:
            await _end(process)
            raise
        if isinstance(first, EngineInfo):
            return cls(process, first, options.hang_s)
        await _end(process)
        reason = first.reason if isinstance(first, LoadFailed) else f"the worker sent {first}"
        raise ModelUnusable(reason)

    @property
    def is_alive(self) -> bool:
        return not self._reading.done()

    @property
    def resident_bytes(self) -> int:
        """The memory that the worker has at the moment; pages of a mapped file count too."""
        with suppress(psutil.Error):
            return int(psutil.Process(self._process.pid).memory_info().rss)
        return 0

    async def generate(self, request: Generation) -> AsyncGenerator[Accepted | Delta, None]:
        with self._job(Generate(next(self._ids), request)) as inbox:
            while True:
                match await inbox.get():
                    case Accepted() as accepted:
                        yield accepted
                    case Delta(finish=None) as delta:
                        yield delta
                    case Delta() as last:
                        break
                    case other:
                        raise self._error(other)
        yield last

    async def embed(self, inputs: list[list[str | int]]) -> Embeddings:
        if not self.info.dimensions:
            raise BadRequest("this model writes text and makes no embeddings")
        with self._job(Embed(next(self._ids), inputs)) as inbox:
            match await inbox.get():
                case Embeddings() as embeddings:
                    return embeddings
                case other:
                    raise self._error(other)

    async def stop(self) -> None:
        """End the worker; what it was still writing is lost."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(asyncio.shield(self._reading), timeout=5)
        except TimeoutError:
            _kill(self._process)
            await self._reading

    async def _read(self) -> None:
        """Hand out what the worker posts, until it dies."""
        try:
            while True:
                messages = await _receive(self._process)
                self._vigil.heard()
                for message in messages:
                    assert not isinstance(message, EngineInfo | LoadFailed)
                    if isinstance(message, EngineStats):
                        self.stats = message
                    elif inbox := self._jobs.get(message.id):
                        inbox.put_nowait(message.value)
        except EngineDied:
            pass
        finally:
            self._vigil.end()
            await _end(self._process)
            for inbox in self._jobs.values():
                inbox.put_nowait(None)

    @contextmanager
    def _job(self, asked: Generate | Embed) -> Iterator[asyncio.Queue[Result | None]]:
        """Ask, and take in what is posted of it; who leaves before the end cancels."""
        if not self.is_alive:
            raise self._death()
        inbox = self._jobs[asked.id] = asyncio.Queue()
        self._vigil.begin()
        try:
            _ask(self._process, asked)
            yield inbox
        except GatewayError:
            raise
        except BaseException:
            if self.is_alive:
                _send(self._process, Cancel(asked.id))
            raise
        finally:
            del self._jobs[asked.id]
            if not self._jobs:
                self._vigil.end()

    def _error(self, end: Result | None) -> GatewayError:
        """What ends a job that is not done."""
        match end:
            case PromptTooLong(prompt_tokens, context):
                return ContextExceeded(prompt_tokens, context)
            case Rejected(reason, code):
                return BadRequest(reason, code=code)
            case Failed(reason):
                return GatewayError(f"the answer broke off: {reason}")
            case None:
                return self._death()
        return GatewayError(f"the worker answered otherwise than it was asked: {end}")

    def _give_up(self) -> None:
        self._hung = True
        _kill(self._process)

    def _death(self) -> EngineDied:
        if self._hung:
            silent = f"nothing was heard from the model's worker for {self._hang_s:g} s"
            return EngineDied(f"{silent}, so it was ended; a new one will start")
        code = self._process.returncode
        return EngineDied(f"the model's worker died (exit status {code}); a new one will start")


def _ask(process: asyncio.subprocess.Process, asked: Generate | Embed) -> None:
    try:
        _send(process, asked)
    except UnicodeEncodeError as error:
        raise BadRequest(f"the text holds half a character: {error}") from error


def _send(process: asyncio.subprocess.Process, message: ToWorker) -> None:
    assert process.stdin is not None
    process.stdin.write(pack([message]))


async def _first(process: asyncio.subprocess.Process, hang_s: float) -> FromWorker:
    """What comes of loading; raises TimeoutError when nothing is heard for `hang_s`."""
    while True:
        first = (await asyncio.wait_for(_receive(process), hang_s))[0]
        if not isinstance(first, EngineStats):
            return first


async def _receive(process: asyncio.subprocess.Process) -> list[FromWorker]:
    assert process.stdout is not None
    try:
        head = await process.stdout.readexactly(LENGTH.size)
        return unpack_from_worker(await process.stdout.readexactly(*LENGTH.unpack(head)))
    except (asyncio.IncompleteReadError, ConnectionError, msgspec.DecodeError) as error:
        raise EngineDied(f"the model's worker died: {error}") from error


async def _end(process: asyncio.subprocess.Process) -> None:
    """See the process out and its pipes closed; it has a second to go by itself."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        await asyncio.wait_for(process.communicate(), timeout=1)
    except TimeoutError:
        _kill(process)
        await process.communicate()
    with suppress(ConnectionError):
        await process.stdin.wait_closed()


def _kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
