"""The child process: drain the inbox, step, post. `python -m gateway.worker`.

Messages come in on standard input and go out on what standard output was at the start; the
process ends when its input does, so it never outlives the gateway.
"""

from __future__ import annotations

import gc
import importlib.metadata
import os
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import BinaryIO

from gateway.engine.engine import EngineStats
from gateway.engine.options import EngineOptions
from gateway.engine.protocol import (
    LENGTH,
    FromWorker,
    LoadFailed,
    ToWorker,
    pack,
    unpack_to_worker,
)
from gateway.worker.cpus import processors, unused_s
from gateway.worker.embedding import Embedder
from gateway.worker.llama.load import LoadError
from gateway.worker.llama.model import Llama
from gateway.worker.loop import Worker
from gateway.worker.outbox import Outbox
from gateway.worker.sampling.grammar_matcher import Grammars
from gateway.worker.scheduler.cache_disk import Folder
from gateway.worker.scheduler.cache_offload import Archive
from gateway.worker.stats import Counts, Meter
from gateway.worker.thread_tuner import Threads


def main() -> None:
    for ending in (signal.SIGINT, signal.SIGTERM):  # both may reach all; the gateway says when
        signal.signal(ending, signal.SIG_IGN)
    outbox = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    inbox: SimpleQueue[ToWorker | None] = SimpleQueue()
    # Not sys.stdin: Python aborts at exit if a thread still reads from that.
    arriving = _messages(os.fdopen(os.dup(0), "rb"))
    start = next(arriving, None)
    if not isinstance(start, EngineOptions):
        return
    try:
        llama = Llama(start, partial(Outbox(outbox).post, [EngineStats()]))
        counts, has_no_grammar = Counts(), start.vocabulary_only or start.embeddings
        grammars = None if has_no_grammar else Grammars(llama, counts)
        worker = None if start.vocabulary_only else _worker(llama, start, grammars, counts)
    except LoadError as error:
        outbox.write(pack([LoadFailed(str(error))]))
        return
    outbox.write(pack([llama.describe()]))
    gc.freeze()  # what is loaded stays, and need not be looked through again
    Thread(target=_fill, args=(inbox, arriving, grammars), daemon=True).start()
    if worker:
        _serve(worker, inbox, Outbox(outbox))
        if isinstance(worker, Worker):
            worker.close()


def _worker(
    llama: Llama, start: EngineOptions, grammars: Grammars | None, counts: Counts
) -> Worker | Embedder:
    if grammars is None:
        return Embedder(llama)
    kept, folder = start.cache_offload.memory_bytes, _folder(start)
    archive = Archive(kept, folder, forgets_tails=llama.forgets_restored_tails)
    threads = Threads(processors(), unused_s) if start.threads is None else None
    return Worker(llama, grammars.matcher, archive, threads=threads, counts=counts)


def _folder(start: EngineOptions) -> Folder | None:
    if start.cache_offload.folder is None:
        return None
    files = [os.stat(path) for path in (start.path, *(path for path, _ in start.lora))]
    sizes = [(file.st_size, file.st_mtime_ns) for file in files]
    key = repr((start.digest, sizes, importlib.metadata.version("llama-cpp-python")))
    try:
        return Folder(Path(start.cache_offload.folder), key, start.cache_offload.folder_bytes)
    except OSError as error:
        raise LoadError(f"prefix_cache.folder: {error}") from error


def _serve(worker: Worker | Embedder, inbox: SimpleQueue[ToWorker | None], outbox: Outbox) -> None:
    meter = Meter(worker)
    while True:
        posts: list[FromWorker] = []
        for message in _arrived(inbox, wait=worker.is_idle):
            if message is None:
                return
            posts += worker.take(message)
        if not worker.is_idle:
            posts += worker.step()
        posts += meter.read()
        outbox.post(posts)


def _arrived(inbox: SimpleQueue[ToWorker | None], *, wait: bool) -> Iterator[ToWorker | None]:
    if wait:
        yield inbox.get()
    while True:
        try:
            yield inbox.get_nowait()
        except Empty:
            return


def _fill(
    inbox: SimpleQueue[ToWorker | None], arriving: Iterator[ToWorker], grammars: Grammars | None
) -> None:
    """Hand on what arrives, once its grammar is compiled: here nobody's stream waits for that."""
    try:
        for message in arriving:
            if grammars:
                grammars.prepare(message)
            inbox.put(message)
    finally:
        inbox.put(None)


def _messages(pipe: BinaryIO) -> Iterator[ToWorker]:
    while head := pipe.read(LENGTH.size):
        yield from unpack_to_worker(pipe.read(*LENGTH.unpack(head)))


if __name__ == "__main__":
    main()
