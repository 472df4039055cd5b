"""The gateway's side of a worker process: starts it, sends requests, detects its death."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from signal import SIGKILL
from typing import TypeAlias, TypeVar

import msgspec
import psutil

from gateway.child import Child
from gateway.engine.engine import EngineInfo, EngineStats, Features
from gateway.engine.generation import Accepted, Delta, Embeddings, Generation, Tokens
from gateway.engine.options import EngineOptions
from gateway.engine.protocol import (
    LENGTH,
    Cancel,
    Detokenize,
    Embed,
    Failed,
    FromWorker,
    Generate,
    LoadFailed,
    Loading,
    Pieces,
    PromptTooLong,
    Rejected,
    Result,
    Tokenize,
    ToWorker,
    pack,
    unpack_from_worker,
)
from gateway.engine.watchdog import Watchdog
from gateway.errors import (
    BadRequest,
    ContextExceeded,
    EngineDied,
    GatewayError,
    ModelUnavailable,
    ModelUnusable,
)

Job: TypeAlias = Generate | Embed | Tokenize | Detokenize
OnLoading: TypeAlias = Callable[[float], None]
MAX_EMBED_CHARS = 2**18  # of the texts in one message; tokenizing them takes up to 0.5 s
MAX_PIECES = 2**13  # in one message; looking them up takes a millisecond
R = TypeVar("R", Embeddings, Tokens, Pieces)


def ignore(_: object) -> None:
    """For whom progress does not matter."""


class Client:
    """One worker process, from `start` to `stop`. Requests run concurrently, each as one job."""

    features = Features()

    def __init__(self, worker: Child, info: EngineInfo, hang_s: float = 300):
        self.info = info
        self.stats = EngineStats()
        self._worker = worker
        self._process = worker.process
        self._hang_s = hang_s
        self._has_hung = False
        self._watchdog = Watchdog(hang_s, self._kill_hung)
        self._ids = count(1)
        self._jobs: dict[int, asyncio.Queue[Result | None]] = {}
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, options: EngineOptions, on_loading: OnLoading = ignore) -> Client:
        """Starts a worker and loads its model; raises ModelUnusable with llama.cpp's reason.

        It is ModelUnavailable if there is no memory at present.

        Calls `on_loading` with how much is loaded, from 0 to 1.
        """
        worker = await Child.start("gateway.worker", model=options.name)
        with worker.working_for_caller():
            info = await _load(worker, options, on_loading)
        return cls(worker, info, options.hang_s)

    @property
    def is_alive(self) -> bool:
        return not self._reading.done()

    @property
    def resident_bytes(self) -> int:
        with suppress(psutil.Error):
            return int(psutil.Process(self._process.pid).memory_info().rss)
        return 0

    async def generate(self, request: Generation) -> AsyncGenerator[Accepted | Delta, None]:
        self._check_length(request.prompt)
        with self._job(Generate(next(self._ids), request)) as results:
            while True:
                match await results.get():
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
            raise BadRequest("this model generates text and makes no embeddings")
        for i, text in enumerate(inputs):
            if (tokens := self.info.min_tokens(text)) > self.info.context:
                raise BadRequest(
                    f"input {i} has at least {tokens} tokens; at most {self.info.context} are"
                    " allowed; shorten it",
                    code=ContextExceeded.code,
                )
        vectors, tokens, first = list[bytes](), 0, 0
        for part in _parts(inputs):  # other requests have their turns in between
            made = await self._reply(Embed(next(self._ids), part, first), Embeddings)
            vectors += made.vectors
            tokens += made.prompt_tokens
            first += len(part)
        return Embeddings(vectors, tokens)

    async def tokenize(self, prompt: list[str | int], *, add_special: bool = True) -> Tokens:
        self._check_length([part for part in prompt if isinstance(part, str)])
        return await self._reply(Tokenize(next(self._ids), prompt, add_special), Tokens)

    async def pieces(self, tokens: list[int]) -> list[bytes]:
        pieces = list[bytes]()
        for at in range(0, len(tokens), MAX_PIECES):  # no stream waits for many
            part = Detokenize(next(self._ids), tokens[at : at + MAX_PIECES])
            pieces += (await self._reply(part, Pieces)).pieces
        return pieces

    async def stop(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(asyncio.shield(self._reading), timeout=5)
        except TimeoutError:
            self._worker.kill()
            await self._reading

    async def _read(self) -> None:
        """Hands what the worker sends to the jobs, until the worker dies."""
        try:
            while True:
                messages = await _receive(self._process)
                self._watchdog.reset()
                for message in messages:
                    assert not isinstance(message, EngineInfo | Loading | LoadFailed)
                    if isinstance(message, EngineStats):
                        self.stats = message
                    elif results := self._jobs.get(message.id):
                        results.put_nowait(message.value)
        except EngineDied:
            pass
        finally:
            self._watchdog.stop()
            await _reap(self._worker)
            for results in self._jobs.values():
                results.put_nowait(None)

    async def _reply(self, request: Job, kind: type[R]) -> R:
        """Runs a job that has one result."""
        with self._job(request) as results:
            result = await results.get()
        if isinstance(result, kind):
            return result
        raise self._error(result)

    @contextmanager
    def _job(self, request: Job) -> Iterator[asyncio.Queue[Result | None]]:
        """Starts a job; its results arrive in the queue, None if the worker has died.

        Leaving the context before the job's end cancels it.
        """
        if not self.is_alive:
            raise self._death()
        results = self._jobs[request.id] = asyncio.Queue()
        self._watchdog.start()
        try:
            _send_request(self._process, request)
            with self._worker.working_for_caller():
                yield results
        except GatewayError:
            raise
        except BaseException:
            if self.is_alive:
                _send(self._process, Cancel(request.id))
            raise
        finally:
            del self._jobs[request.id]
            if not self._jobs:
                self._watchdog.stop()

    def _check_length(self, prompt: list[str | int]) -> None:
        """Raises ContextExceeded for a prompt so long that the worker need not tokenize it.

        The worker tokenizes between two forward passes, which all its streams wait for.
        """
        if (tokens := self.info.min_tokens(prompt)) >= self.info.context:
            raise ContextExceeded(tokens, self.info.context, is_minimum=True)

    def _error(self, result: Result | None) -> GatewayError:
        """Returns the error for a result that ends a job early."""
        match result:
            case PromptTooLong(prompt_tokens, context):
                return ContextExceeded(prompt_tokens, context)
            case Rejected(reason, code):
                return BadRequest(reason, code=code)
            case Failed(reason):
                return GatewayError(f"generation failed: {reason}")
            case None:
                return self._death()
        return GatewayError(f"unexpected result from the worker: {result}")

    def _kill_hung(self) -> None:
        self._has_hung = True
        self._worker.kill()

    def _death(self) -> EngineDied:
        if self._has_hung:
            return EngineDied(
                f"the model's worker was killed after {self._hang_s:g} s without a message;"
                " the next request starts another"
            )
        return EngineDied(
            f"the model's worker died with exit status {self._process.returncode};"
            " the next request starts another"
        )


def _died_loading(path: str, status: int | None) -> ModelUnusable:
    if status == -SIGKILL:
        return ModelUnavailable(
            f"the worker was killed while loading {path}, as systems do when memory runs out; a"
            " retry can help when there is more"
        )
    return ModelUnusable(f"the worker exited with status {status} while loading {path}")


def _parts(inputs: list[list[str | int]]) -> Iterator[list[list[str | int]]]:
    """Yields `inputs` in parts of at most `MAX_EMBED_CHARS` characters, or of one input."""
    part, size = list[list[str | int]](), 0
    for text in inputs:
        length = sum(len(piece) if isinstance(piece, str) else 1 for piece in text)
        if part and size + length > MAX_EMBED_CHARS:
            yield part
            part, size = [], 0
        part.append(text)
        size += length
    yield part


def _send_request(process: asyncio.subprocess.Process, request: Job) -> None:
    try:
        _send(process, request)
    except UnicodeEncodeError as error:
        raise BadRequest(f"the text contains an unpaired UTF-16 surrogate: {error}") from error


def _send(process: asyncio.subprocess.Process, message: ToWorker) -> None:
    assert process.stdin is not None
    process.stdin.write(pack([message]))


async def _load(worker: Child, options: EngineOptions, on_loading: OnLoading) -> EngineInfo:
    """Has the model loaded; otherwise ends the worker, and raises what `Client.start` raises."""
    try:
        _send(worker.process, options)
        first = await _receive_first(worker.process, options.hang_s, on_loading)
    except TimeoutError:
        worker.kill()
        await _reap(worker)
        raise ModelUnusable(
            f"loading {options.path} timed out after {options.hang_s:g} s without progress;"
            " raise `hang_s` in models.yaml"
        ) from None
    except EngineDied:
        raise _died_loading(options.path, await _reap(worker)) from None
    except BaseException:
        worker.kill()
        await _reap(worker)
        raise
    if isinstance(first, EngineInfo):
        return first
    await _reap(worker)
    if isinstance(first, LoadFailed):
        raise (ModelUnavailable if first.is_transient else ModelUnusable)(first.reason)
    raise ModelUnusable(f"the worker sent {first}")


async def _receive_first(
    process: asyncio.subprocess.Process, hang_s: float, on_loading: OnLoading
) -> FromWorker:
    """Returns the result of loading; raises TimeoutError if nothing is received for `hang_s`."""
    while True:
        first = (await asyncio.wait_for(_receive(process), hang_s))[0]
        if not isinstance(first, Loading):
            return first
        on_loading(first.share)


async def _receive(process: asyncio.subprocess.Process) -> list[FromWorker]:
    assert process.stdout is not None
    try:
        head = await process.stdout.readexactly(LENGTH.size)
        return unpack_from_worker(await process.stdout.readexactly(*LENGTH.unpack(head)))
    except (asyncio.IncompleteReadError, ConnectionError, msgspec.DecodeError) as error:
        raise EngineDied(f"the model's worker died: {error}") from error


async def _reap(worker: Child) -> int:
    """Waits a second for the worker to exit, then kills it; returns its exit status."""
    try:
        return await asyncio.wait_for(worker.finish(), timeout=1)
    except TimeoutError:
        worker.kill()
        return await worker.finish()
