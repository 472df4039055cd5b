"""A file -> a model and a context of llama.cpp's, or the reason why there is none."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import llama_cpp as lib

from gateway.engine.options import EngineOptions
from gateway.worker.llama.devices import devices
from gateway.worker.llama.parameters import OptionError, context_parameters, model_parameters

WARNING = 3  # ggml_log_level
CONTINUED = 5
# llama.cpp warns of a value of another type than the file's, and goes on without it.
UNUSED = "Bad metadata override type"


class LoadError(Exception):
    """Says which file can't be loaded and, as far as llama.cpp tells, why."""


class Log:
    """Keeps llama.cpp's complaints: its functions return no reasons."""

    latest: ClassVar[Log | None] = None  # llama.cpp calls it even when nobody else knows it

    def __init__(self) -> None:
        self.complaints: list[str] = []
        self._level = 0
        self._callback = lib.llama_log_callback(self._take)
        lib.llama_log_set(self._callback, None)
        Log.latest = self

    def _take(self, level: int, text: bytes, _: object) -> None:
        self._level = self._level if level == CONTINUED else level
        if self._level >= WARNING:
            line = text.decode(errors="replace")
            self.complaints.append(line.strip())
            sys.stderr.write(line)


def load_model(start: EngineOptions, log: Log, getting_on: Callable[[], None]) -> object:
    """`getting_on` is called now and then while the file is read."""
    if not Path(start.path).is_file():
        raise LoadError(f"there is no file {start.path}")
    try:
        parameters, kept = model_parameters(start, devices())
    except OptionError as error:
        raise LoadError(str(error)) from error

    def progress(*_: object) -> bool:
        getting_on()
        return True

    parameters.progress_callback = callback = lib.llama_progress_callback(progress)
    model = lib.llama_model_load_from_file(start.path.encode(), parameters)
    del kept, callback
    if not model:
        raise LoadError(f"llama.cpp can't load {start.path}: {'; '.join(log.complaints[:3])}")
    if unused := [line for line in log.complaints if UNUSED in line]:
        raise LoadError(f"llama.override_kv: {unused[0].partition(UNUSED)[2].strip()}")
    return model


def open_context(model: object, start: EngineOptions, threads: int, log: Log) -> object:
    """A context for `model`, the adapters applied."""
    parameters = context_parameters(start, threads)
    parameters.n_seq_max *= sharers(model)
    context = lib.llama_init_from_model(model, parameters)
    if not context:
        raise LoadError(f"no context for {start.path}: {'; '.join(log.complaints[-3:])}")
    if start.embeddings:
        _check_pooling(context, start)
    if start.lora:
        adapters = [_adapter(model, path, log) for path, _ in start.lora]
        scales = (ctypes.c_float * len(adapters))(*(scale for _, scale in start.lora))
        pointers = (lib.llama_adapter_lora_p_ctypes * len(adapters))(*adapters)
        lib.llama_set_adapters_lora(context, pointers, len(adapters), scales)
    return context


def forgets_tails(model: object) -> bool:
    """Whether a sequence can lose its end and keep its start; recurrent models can't."""
    return not (lib.llama_model_is_recurrent(model) or lib.llama_model_is_hybrid(model))


def sharers(model: object) -> int:
    """How many of llama.cpp's sequences must share a slot's cells, so that they are kept.

    Of a sequence on its own, llama.cpp gives away the cells that a sliding window has passed, even
    while others are free; but a prefix of it, or a later one after a cut, still needs them.
    Source: llama_kv_cache::find_slot.
    """
    return 2 if forgets_tails(model) and lib.llama_model_n_swa(model) else 1


def _adapter(model: object, path: str, log: Log) -> ctypes._Pointer[ctypes.c_void_p]:
    if not Path(path).is_file():
        raise LoadError(f"lora: there is no file {path}")
    adapter: ctypes._Pointer[ctypes.c_void_p] = lib.llama_adapter_lora_init(model, path.encode())
    if not adapter:
        raise LoadError(f"lora: llama.cpp can't apply {path}: {'; '.join(log.complaints[-1:])}")
    if lib.llama_adapter_get_alora_n_invocation_tokens(adapter):
        raise LoadError(f"lora: {path} is to be switched on amid a prompt, which is not supported")
    return adapter


def _check_pooling(context: object, start: EngineOptions) -> None:
    """llama-server too refuses to embed without pooling."""
    match lib.llama_pooling_type(context):
        case lib.LLAMA_POOLING_TYPE_NONE:
            raise LoadError(
                f"llama.pooling: {start.path} does not say how the vectors of its tokens become"
                " one; set it to mean, cls or last, as the model's card says"
            )
        case lib.LLAMA_POOLING_TYPE_RANK:
            raise LoadError(f"embeddings: {start.path} ranks texts, and makes no vectors of them")
