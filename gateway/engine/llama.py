"""llama.cpp, as the rest of the engine knows it; only `batch.py` and `sampler.py` import it too.

Source: llama.h of the llama.cpp that llama-cpp-python carries.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import llama_cpp as lib
import numpy as np

from gateway.engine.batch import Batch
from gateway.engine.messages import Ready, Special, Start
from gateway.engine.model import Logits
from gateway.engine.processors import processors
from gateway.engine.scheduler import Chunk

MOST_SEQUENCES = 16
MOST_BATCH = 512
WARNING = 3  # ggml_log_level
CONTINUED = 5


class LoadError(Exception):
    """Says which file can't be loaded and, as far as llama.cpp tells, why."""


class Llama:
    """One loaded model and its context: cells that hold what sequences have read."""

    slots = MOST_SEQUENCES
    batch = MOST_BATCH

    def __init__(self, start: Start):
        self._log = _Log()
        self._model = _load(start, self._log)
        self.vocab = lib.llama_model_get_vocab(self._model)
        self.vocab_size: int = lib.llama_vocab_n_tokens(self.vocab)
        self._pieces: dict[int, bytes] = {}
        if start.vocabulary_only:
            self.cells = start.context
            return
        self._context = _context(self._model, start, self._log)
        self._memory = lib.llama_get_memory(self._context)
        self._batch = Batch(MOST_BATCH)
        self._address, self._logits = 0, list[Logits]()
        self.cells = int(lib.llama_n_ctx(self._context))

    @property
    def forgets_tails(self) -> bool:
        """Whether a sequence can lose its end and keep its start; recurrent models can't."""
        model = self._model
        return not (lib.llama_model_is_recurrent(model) or lib.llama_model_is_hybrid(model))

    # -- the verbs

    def decode(self, chunks: Sequence[Chunk]) -> list[Logits | None]:
        """Read `chunks` in one forward pass; logits come after those that ask for them.

        The arrays are views that the next call overwrites, float32 of shape (vocabulary,).
        """
        self._batch.fill(chunks)
        if code := lib.llama_decode(self._context, self._batch.filled):
            tokens = self._batch.filled.n_tokens
            raise RuntimeError(f"llama_decode returned {code} for {tokens} tokens")
        rows = iter(self._rows())
        return [next(rows) if chunk.wants_logits else None for chunk in chunks]

    def copy(self, source: int, target: int, length: int) -> None:
        """Let `target` share the first `length` cells of `source`."""
        lib.llama_memory_seq_cp(self._memory, source, target, 0, length)

    def forget(self, slot: int, start: int) -> None:
        """Free the cells of `slot` from position `start` on."""
        if not lib.llama_memory_seq_rm(self._memory, slot, start, -1):
            raise RuntimeError(f"this model can't forget the end of a sequence ({start})")

    def set_threads(self, count: int) -> None:
        """Compute with so many from the next `decode` on."""
        lib.llama_set_n_threads(self._context, count, count)

    def _rows(self) -> list[Logits]:
        """llama.cpp's rows of logits, those of the tokens that asked for them first."""
        address = ctypes.addressof(lib.llama_get_logits(self._context).contents)
        if address != self._address:
            # There is room for a row of each sequence; see output_reserve in llama-context.cpp.
            numbers = (ctypes.c_float * (MOST_SEQUENCES * self.vocab_size)).from_address(address)
            whole = np.ctypeslib.as_array(numbers)
            self._address, self._logits = address, list(whole.reshape(MOST_SEQUENCES, -1))
        return self._logits

    # -- the vocabulary

    def tokenize(self, prompt: Iterable[str | int]) -> list[int]:
        """Spell plain text in ordinary tokens, whatever it says; numbers stand for themselves."""
        tokens: list[int] = []
        for part in prompt:
            tokens += [part] if isinstance(part, int) else self._spell(part)
        if lib.llama_vocab_get_add_bos(self.vocab):
            bos = lib.llama_vocab_bos(self.vocab)
            return tokens if tokens[:1] == [bos] else [bos, *tokens]
        return tokens

    def follow(self, parts: Iterable[str | int]) -> list[int]:
        """The same for what goes on from other tokens, so that nothing is put before it."""
        tokens: list[int] = []
        for part in parts:
            tokens += [part] if isinstance(part, int) else self._spell_on(part)
        return tokens

    def _spell_on(self, text: str) -> list[int]:
        tokens = self._spell(text)
        if not b"".join(map(self.piece, tokens)).startswith(b" " + text.encode()):
            return tokens
        # This vocabulary puts a space before a text; behind a newline nothing is joined with it.
        tokens = self._spell("\n" + text)
        return tokens[[self.piece(token) for token in tokens].index(b"\n") + 1 :]

    def _spell(self, text: str) -> list[int]:
        data = text.encode(errors="replace")
        room = len(data) + 8
        while True:
            tokens = (lib.llama_token * room)()
            count = lib.llama_tokenize(self.vocab, data, len(data), tokens, room, False, False)
            if count >= 0:
                return list(tokens[:count])
            room = -count

    def piece(self, token: int) -> bytes:
        """The bytes that `token` writes; special tokens write their own text."""
        if token not in self._pieces:
            self._pieces[token] = self._read_piece(token)
        return self._pieces[token]

    def _read_piece(self, token: int) -> bytes:
        room = 64
        while True:
            buffer = ctypes.create_string_buffer(room)
            size = lib.llama_token_to_piece(self.vocab, token, buffer, room, 0, True)
            if size >= 0:
                return buffer.raw[:size]
            room = -size

    def ends(self, token: int) -> bool:
        return bool(lib.llama_vocab_is_eog(self.vocab, token))

    def end_tokens(self) -> list[int]:
        return [token for token in range(self.vocab_size) if self.ends(token)]

    def describe(self) -> Ready:
        return Ready(
            context=self.cells,
            trained_context=self._trained_context(),
            description=self._metadata("general.name") or "a model without a name",
            special=list(self._special()),
            bos=self._text(lib.llama_vocab_bos(self.vocab)),
            eos=self._text(lib.llama_vocab_eos(self.vocab)),
            templates=self._templates(),
        )

    def _text(self, token: int) -> str:
        return "" if token < 0 else self.piece(token).decode(errors="replace")

    def _special(self) -> Iterable[Special]:
        """The tokens that llguidance's tokenizer takes for special, and no others."""
        for token in range(self.vocab_size):
            attributes = lib.llama_vocab_get_attr(self.vocab, token)
            control = bool(attributes & lib.LLAMA_TOKEN_ATTR_CONTROL)
            if control or attributes & lib.LLAMA_TOKEN_ATTR_USER_DEFINED:
                text = self._text(token)
                if text and (control or (text.startswith("<") and text.endswith(">"))):
                    yield Special(token, text, control)

    def _trained_context(self) -> int:
        architecture = self._metadata("general.architecture")
        return int(self._metadata(f"{architecture}.context_length") or 0)

    def _metadata(self, key: str) -> str:
        """A value of the GGUF's header, "" if it has none."""
        size = lib.llama_model_meta_val_str(self._model, key.encode(), None, 0)
        if size < 0:
            return ""
        return _string(lib.llama_model_meta_val_str, self._model, key.encode())

    def _templates(self) -> dict[str, str]:
        """The chat templates in the GGUF: `default`, and others under their names."""
        found = {}
        for i in range(lib.llama_model_meta_count(self._model)):
            key = _string(lib.llama_model_meta_key_by_index, self._model, i)
            name = key.removeprefix("tokenizer.chat_template")
            if name != key and not name.startswith("s"):
                text = _string(lib.llama_model_meta_val_str_by_index, self._model, i)
                found[name.removeprefix(".") or "default"] = text
        return found


class _Log:
    """Keeps llama.cpp's complaints: its functions return no reasons."""

    def __init__(self) -> None:
        self.complaints: list[str] = []
        self._level = 0
        self._callback = lib.llama_log_callback(self._take)
        lib.llama_log_set(self._callback, None)

    def _take(self, level: int, text: bytes, _: object) -> None:
        self._level = self._level if level == CONTINUED else level
        if self._level >= WARNING:
            line = text.decode(errors="replace")
            self.complaints.append(line.strip())
            sys.stderr.write(line)


def _load(start: Start, log: _Log) -> object:
    if not Path(start.path).is_file():
        raise LoadError(f"there is no file {start.path}")
    parameters = lib.llama_model_default_params()
    parameters.n_gpu_layers = start.gpu_layers
    parameters.vocab_only = start.vocabulary_only
    model = lib.llama_model_load_from_file(start.path.encode(), parameters)
    if not model:
        raise LoadError(f"llama.cpp can't load {start.path}: {'; '.join(log.complaints[:3])}")
    return model


def _context(model: object, start: Start, log: _Log) -> object:
    parameters = lib.llama_context_default_params()
    parameters.n_ctx = start.context
    parameters.n_batch = MOST_BATCH
    parameters.n_seq_max = MOST_SEQUENCES
    parameters.kv_unified = True  # sequences share cells, so a prefix is copied for free
    parameters.swa_full = True  # else a window forgets the prefixes that are kept
    parameters.n_threads = parameters.n_threads_batch = start.threads or processors()
    context = lib.llama_init_from_model(model, parameters)
    if not context:
        raise LoadError(f"no context for {start.path}: {'; '.join(log.complaints[-3:])}")
    return context


def _string(read: Callable[..., int], *arguments: object) -> str:
    """Call a function that writes a string to a buffer and returns its length."""
    room = 256
    while True:
        buffer = ctypes.create_string_buffer(room)
        size = read(*arguments, buffer, room)
        if size < room:
            return buffer.value.decode(errors="replace")
        room = size + 1
