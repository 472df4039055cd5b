"""Loads a GGUF file into a llama.cpp model and context, or says why that fails."""

from __future__ import annotations

import ctypes
import logging
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import llama_cpp as lib

from gateway.child import MARKS
from gateway.engine.options import EngineOptions
from gateway.worker.llama import reproducible
from gateway.worker.llama.devices import devices
from gateway.worker.llama.offload import is_placement
from gateway.worker.llama.parameters import OptionError, context_parameters, model_parameters

NO_MEMORY = re.compile(r"out of memory|(fail|unable|cannot).* allocate", re.IGNORECASE)
LEVEL_WARN, LEVEL_ERROR, LEVEL_CONT = 3, 4, 5  # ggml_log_level
LEVELS = {LEVEL_WARN: logging.WARNING, LEVEL_ERROR: logging.ERROR}
# llama.cpp warns of an override whose type differs from the file's, and ignores it.
IGNORED_OVERRIDE = "Bad metadata override type"


class LoadError(Exception):
    """Names the file that can't be loaded and, as far as llama.cpp logs it, the reason.

    A retry can help if it `is_transient`.
    """

    def __init__(self, reason: str, *, is_transient: bool = False):
        super().__init__(reason)
        self.is_transient = is_transient


class Log:
    """Collects llama.cpp's warnings and errors, since its functions return no reasons.

    They also go to standard error, marked with their level. `placements` are the lines that say
    where the layers of models are.
    """

    latest: ClassVar[Log | None] = None  # llama.cpp may call the callback at any time: keep it

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.placements: list[str] = []
        self._level = 0
        self._is_in_line = False  # on standard error
        self._callback = lib.llama_log_callback(self._add)
        lib.llama_log_set(self._callback, None)
        Log.latest = self

    @property
    def lacks_memory(self) -> bool:
        """Whether main memory, or a device's, was too small for an allocation."""
        return any(NO_MEMORY.search(line) for line in self.warnings)

    def _add(self, level: int, text: bytes, _: object) -> None:
        self._level = self._level if level == LEVEL_CONT else level
        line = text.decode(errors="replace")
        if self._level >= LEVEL_WARN:
            self.warnings.append(line.strip())
            self._write(line, is_continued=level == LEVEL_CONT)
        elif is_placement(line):
            self.placements.append(line)

    def _write(self, text: str, *, is_continued: bool) -> None:
        """Writes at once, since llama.cpp may abort the process."""
        begun = "\n" if self._is_in_line and not is_continued else ""
        is_in_line = self._is_in_line and is_continued
        for line in text.splitlines(keepends=True):
            begun += line if is_in_line else MARKS[LEVELS[self._level]] + line
            is_in_line = not line.endswith("\n")
        self._is_in_line = is_in_line
        print(begun, end="", file=sys.stderr, flush=True)


def load_model(options: EngineOptions, log: Log, on_progress: Callable[[float], None]) -> object:
    """The model in a file; calls `on_progress` with the share that is loaded. Raises LoadError.

    What `on_progress` raises ends the loading, and is raised here.
    """
    if not Path(options.path).is_file():
        raise LoadError(f"there is no file {options.path}")
    if options.reproducible == "always":
        reproducible.set_environment()
    try:
        parameters, kept = model_parameters(options, devices())
    except OptionError as error:
        raise LoadError(str(error)) from error

    stopped: list[Exception] = []

    def progress(share: float, _: object) -> bool:
        try:
            on_progress(share)
        except Exception as error:  # an exception does not pass through llama.cpp
            stopped.append(error)
        return not stopped

    parameters.progress_callback = callback = lib.llama_progress_callback(progress)
    model = lib.llama_model_load_from_file(options.path.encode(), parameters)
    del kept, callback
    if stopped:
        raise stopped[0]
    if not model:
        reason = "; ".join(log.warnings[:3])
        raise LoadError(
            f"llama.cpp can't load {options.path}: {reason}", is_transient=log.lacks_memory
        )
    if ignored := [line for line in log.warnings if IGNORED_OVERRIDE in line]:
        raise LoadError(f"llama.override_kv: {ignored[0].partition(IGNORED_OVERRIDE)[2].strip()}")
    return model


def open_context(
    model: object, options: EngineOptions, threads: int, log: Log, *, is_reproducible: bool
) -> object:
    """A context for `model`, with its adapters applied. Raises LoadError."""
    parameters = context_parameters(options, threads, is_reproducible=is_reproducible)
    parameters.n_seq_max *= seqs_per_slot(model)
    context = lib.llama_init_from_model(model, parameters)
    if not context:
        reason = "; ".join(log.warnings[-3:])
        raise LoadError(
            f"llama.cpp can't create a context for {options.path}: {reason}",
            is_transient=log.lacks_memory,
        )
    if options.embeddings:
        _check_pooling(context, options)
    if options.lora:
        adapters = [_adapter(model, path, log) for path, _ in options.lora]
        scales = (ctypes.c_float * len(adapters))(*(scale for _, scale in options.lora))
        pointers = (lib.llama_adapter_lora_p_ctypes * len(adapters))(*adapters)
        lib.llama_set_adapters_lora(context, pointers, len(adapters), scales)
    return context


def can_truncate(model: object) -> bool:
    """Whether the end of a sequence can be removed; not the state of a recurrent model."""
    return not (lib.llama_model_is_recurrent(model) or lib.llama_model_is_hybrid(model))


def seqs_per_slot(model: object) -> int:
    """How many llama.cpp sequences must share the cells of a slot so that none is lost.

    llama.cpp reuses the cells of a single sequence that are outside its sliding window, even while
    others are free; but a prefix of it, or a truncated sequence, still needs them.
    Source: llama_kv_cache::find_slot.
    """
    return 2 if can_truncate(model) and lib.llama_model_n_swa(model) else 1


def _adapter(model: object, path: str, log: Log) -> ctypes._Pointer[ctypes.c_void_p]:
    if not Path(path).is_file():
        raise LoadError(f"lora: there is no file {path}")
    adapter: ctypes._Pointer[ctypes.c_void_p] = lib.llama_adapter_lora_init(model, path.encode())
    if not adapter:
        raise LoadError(f"lora: llama.cpp can't apply {path}: {'; '.join(log.warnings[-1:])}")
    if lib.llama_adapter_get_alora_n_invocation_tokens(adapter):
        raise LoadError(f"lora: {path} is an activated LoRA (aLoRA), which is not supported")
    return adapter


def _check_pooling(context: object, options: EngineOptions) -> None:
    """llama-server also refuses to embed without pooling."""
    match lib.llama_pooling_type(context):
        case lib.LLAMA_POOLING_TYPE_NONE:
            raise LoadError(
                f"llama.pooling: {options.path} does not name a pooling type; set it to mean, cls"
                " or last, as the model's card says"
            )
        case lib.LLAMA_POOLING_TYPE_RANK:
            raise LoadError(f"embeddings: {options.path} is a reranker and makes no embeddings")
