"""The worker process of one model: `python -m gateway.worker`, started by `engine/client.py`.

Its life: read `EngineOptions`, load the model, run a loop, end. Messages arrive on standard input
and leave on the original standard output. The process ends when its input does, so it never
outlives the gateway.
"""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from gateway.engine.options import EngineOptions
from gateway.engine.protocol import (
    LENGTH,
    FromWorker,
    LoadFailed,
    Loading,
    ToWorker,
    pack,
    unpack_to_worker,
)
from gateway.worker.cpus import available_cpu_s, usable_cpus
from gateway.worker.embedding_loop import EmbeddingLoop
from gateway.worker.generation_loop import GenerationLoop
from gateway.worker.inbox import Inbox
from gateway.worker.llama.fingerprint import fingerprint
from gateway.worker.llama.load import LoadError
from gateway.worker.llama.model import Llama
from gateway.worker.loop import Loop, TokensOfTexts
from gateway.worker.outbox import Outbox
from gateway.worker.sampling.grammar_matcher import GrammarCompiler
from gateway.worker.scheduler.cache_disk import DiskCache
from gateway.worker.scheduler.cache_offload import CacheOffload
from gateway.worker.stats import REPORT_INTERVAL_S, StatsCounters, StatsReporter
from gateway.worker.thread_tuner import ThreadTuner


def main() -> None:
    """Runs a worker, until the gateway closes its pipe or is gone."""
    for number in (signal.SIGINT, signal.SIGTERM):
        # A process manager may signal every process; the gateway decides when a worker ends.
        signal.signal(number, signal.SIG_IGN)
    with suppress(BrokenPipeError):
        work(*_redirect())


def work(messages: Iterator[ToWorker], pipe: BinaryIO) -> None:
    """Reads `EngineOptions`, loads the model, runs the loop until the input ends.

    Raises BrokenPipeError if the gateway is gone.
    """
    options = next(messages, None)
    if not isinstance(options, EngineOptions):
        return

    outbox = Outbox(pipe)
    # It measures how busy the CPUs are while the model is loaded.
    tuner = ThreadTuner(usable_cpus(), available_cpu_s) if options.threads is None else None
    try:
        llama = Llama(options, on_progress=lambda share: outbox.post([Loading(share)]))
        counters = StatsCounters()
        compiler = GrammarCompiler(llama, counters) if _generates(options) else None
        loop = _loop(llama, options, compiler, tuner, counters)
    except LoadError as error:
        pipe.write(pack([LoadFailed(str(error), error.is_transient)]))
        return
    pipe.write(pack([llama.describe()]))
    gc.freeze()  # what is loaded lives to the end: the garbage collector need not scan it

    if loop:
        prepare = partial(_prepare, loop, compiler)
        _run(loop, Inbox(messages, prepare, loop.is_costly), outbox)
        loop.close()


def _redirect() -> tuple[Iterator[ToWorker], BinaryIO]:
    """The messages on standard input, and a pipe to the gateway; what is printed goes to stderr."""
    pipe = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    # A copy of sys.stdin, since Python aborts at exit while a thread still reads that.
    return _messages(os.fdopen(os.dup(0), "rb")), pipe


def _messages(pipe: BinaryIO) -> Iterator[ToWorker]:
    """The messages that arrive whole; a gateway that is killed may leave a part of one."""
    while len(head := pipe.read(LENGTH.size)) == LENGTH.size:
        [size] = LENGTH.unpack(head)
        if len(body := pipe.read(size)) < size:
            return
        yield from unpack_to_worker(body)


# -- loading


def _generates(options: EngineOptions) -> bool:
    return not (options.vocabulary_only or options.embeddings)


def _loop(
    llama: Llama,
    options: EngineOptions,
    compiler: GrammarCompiler | None,
    tuner: ThreadTuner | None,
    counters: StatsCounters,
) -> Loop[Any] | None:
    """The loop for the model's purpose; None if only its vocabulary was wanted."""
    if options.vocabulary_only:
        return None
    if compiler is None:
        return EmbeddingLoop(llama)
    offload = CacheOffload(
        options.cache_offload.memory_bytes,
        _disk_cache(options),
        can_truncate=llama.can_truncate_restored,
        submit=ThreadPoolExecutor(1).submit,
    )
    return GenerationLoop(llama, compiler.matcher, offload, thread_tuner=tuner, counters=counters)


def _disk_cache(options: EngineOptions) -> DiskCache | None:
    if options.cache_offload.folder is None:
        return None
    folder, max_bytes = Path(options.cache_offload.folder), options.cache_offload.folder_bytes
    try:
        return DiskCache(folder, fingerprint(options), max_bytes)
    except OSError as error:
        raise LoadError(f"prefix_cache.folder: {error}") from error


# -- running


def _prepare(
    loop: Loop[Any], compiler: GrammarCompiler | None, message: ToWorker
) -> TokensOfTexts | None:
    if compiler:
        compiler.prepare(message)
    return loop.prepare(message)


def _run(loop: Loop[Any], inbox: Inbox[TokensOfTexts | None], outbox: Outbox) -> None:
    """Take messages and do steps until the input ends."""
    reporter = StatsReporter(loop)
    while True:
        posts: list[FromWorker] = []
        for ready in inbox.take(wait_s=REPORT_INTERVAL_S if loop.is_idle else 0):
            if ready is None:
                return
            posts += loop.take(*ready)
        if not loop.is_idle:
            posts += loop.step()
        posts += reporter.read(is_idle=loop.is_idle and not inbox.is_preparing)
        outbox.post(posts)


if __name__ == "__main__":
    main()
