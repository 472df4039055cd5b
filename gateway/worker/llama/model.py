"""A loaded llama.cpp model behind the interfaces `Model` and `Encoder`.

Source: llama.h of the llama.cpp that llama-cpp-python ships.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate

import llama_cpp as lib
import numpy as np

from gateway.engine.engine import EngineInfo, SpecialToken
from gateway.engine.options import EngineOptions
from gateway.worker.cpus import usable_cpus
from gateway.worker.interfaces import Logits, Vector
from gateway.worker.llama.batch import Batch
from gateway.worker.llama.devices import devices, instructions
from gateway.worker.llama.fingerprint import fingerprint
from gateway.worker.llama.load import (
    LoadError,
    Log,
    can_truncate,
    load_model,
    open_context,
    seqs_per_slot,
)
from gateway.worker.llama.offload import read_offload
from gateway.worker.llama.reproducible import inexact, is_exact, obstacle
from gateway.worker.scheduler.batch_plan import BatchItem
from gateway.worker.scheduler.sequence import Sequence as Computation

MAX_DESCRIPTION = 256  # bytes

# Returns a number, which costs less than a pointer object.
_logits_address = ctypes.cast(
    lib.llama_get_logits, ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)
)


class Llama:
    """One loaded model and its context, which has the KV cache. Raises LoadError.

    With `vocabulary_only` it tokenizes, and does nothing else.
    """

    def __init__(
        self, options: EngineOptions, on_progress: Callable[[float], None] = lambda _: None
    ):
        self._options = options
        self._log = Log()
        self._model = load_model(options, self._log, on_progress)
        self._offload = read_offload(self._log.placements, devices())
        self._threads = options.threads or usable_cpus()
        self.vocab = lib.llama_model_get_vocab(self._model)
        self.vocab_size: int = lib.llama_vocab_n_tokens(self.vocab)
        self.dimensions = int(lib.llama_model_n_embd_out(self._model)) if options.embeddings else 0
        self._pieces: dict[int, bytes] = {}
        vocabulary = range(self.vocab_size)
        self._end_tokens = {
            token for token in vocabulary if lib.llama_vocab_is_eog(self.vocab, token)
        }
        self._special = {special.id: special for special in self._find_special()}
        if options.vocabulary_only:
            self.kv_cells = options.context
            self._not_reproducible = ""
            return
        fault = obstacle(options, self._model, [*devices()])
        self._open(is_reproducible=not fault)
        if not fault and not is_exact(self._all_logits, self.vocab_size):
            fault = inexact(options)
            lib.llama_free(self._context)
            self._open(is_reproducible=False)
        if fault and options.reproducible == "always":
            raise LoadError(f"reproducible: {fault}")
        self._not_reproducible = fault

    def _open(self, *, is_reproducible: bool) -> None:
        self._context = open_context(
            self._model, self._options, self._threads, self._log, is_reproducible=is_reproducible
        )
        self._memory = lib.llama_get_memory(self._context)
        self._seqs_per_slot = seqs_per_slot(self._model)
        self.slots = int(lib.llama_n_seq_max(self._context)) // self._seqs_per_slot
        self.batch_size = int(lib.llama_n_batch(self._context))
        self._batch = Batch(self.batch_size, self.slots, self._seqs_per_slot)
        self._logits_address, self._logits = 0, list[Logits]()
        self.kv_cells = int(lib.llama_n_ctx(self._context))
        self.is_reproducible = is_reproducible

    @property
    def can_truncate(self) -> bool:
        """Whether the end of a sequence can be removed; not the state of a recurrent model."""
        return can_truncate(self._model)

    @property
    def can_truncate_restored(self) -> bool:
        """The same for a restored sequence: sliding-window layers save only their window."""
        return self.can_truncate and self._seqs_per_slot == 1

    # -- the KV cache

    def decode(self, items: Sequence[BatchItem]) -> list[list[Logits]]:
        """Compute `items` in one forward pass; the logits of each.

        The arrays are float32 of shape (vocabulary,): views that the next call overwrites.
        """
        self._batch.fill(items)
        if code := lib.llama_decode(self._context, self._batch.filled):
            tokens = self._batch.filled.n_tokens
            raise RuntimeError(f"llama_decode returned {code} for {tokens} tokens")
        counts = [item.logits for item in items]
        rows = self._rows(sum(counts))
        return [
            rows[end - count : end] for count, end in zip(counts, accumulate(counts), strict=True)
        ]

    def _all_logits(self, pieces: Sequence[list[int]]) -> Logits:
        """The logits of each token of a text that is computed piece by piece."""
        sequence = Computation(0, [token for piece in pieces for token in piece])
        rows: list[Logits] = []
        for piece in pieces:
            item = BatchItem(sequence, 0, sequence.computed, piece, len(piece))
            rows += [row.copy() for row in self.decode([item])[0]]
            sequence.computed += len(piece)
        self.truncate(0, 0)
        return np.stack(rows)

    def copy(self, source: int, target: int, length: int) -> None:
        """Share the first `length` cells of slot `source` with slot `target`."""
        for seq_id in self._seq_ids(target):
            lib.llama_memory_seq_cp(self._memory, source, seq_id, 0, length)

    def truncate(self, slot: int, length: int) -> None:
        """Free the cells of `slot` behind its first `length` tokens."""
        for seq_id in self._seq_ids(slot):
            if not lib.llama_memory_seq_rm(self._memory, seq_id, length, -1):
                raise RuntimeError(f"llama.cpp can't truncate a sequence of this model to {length}")

    def save(self, slot: int) -> bytearray:
        """The state of `slot`, as far as later tokens depend on it."""
        size = lib.llama_state_seq_get_size(self._context, slot)
        data = bytearray(size)
        buffer = (ctypes.c_uint8 * size).from_buffer(data)
        if lib.llama_state_seq_get_data(self._context, buffer, size, slot) != size:
            raise RuntimeError(f"llama.cpp did not save the {size} bytes of sequence {slot}")
        return data

    def restore(self, slot: int, data: bytearray) -> bool:
        """Load a saved state into an empty slot; whether there were cells for it."""
        buffer = (ctypes.c_uint8 * len(data)).from_buffer(data)
        if not lib.llama_state_seq_set_data(self._context, buffer, len(data), slot):
            self.truncate(slot, 0)
            return False
        for seq_id in self._seq_ids(slot)[1:]:
            lib.llama_memory_seq_cp(self._memory, slot, seq_id, -1, -1)
        return True

    def _seq_ids(self, slot: int) -> range:
        """The llama.cpp sequences that share the cells of `slot`; the first has its number."""
        return range(slot, self.slots * self._seqs_per_slot, self.slots)

    def set_threads(self, count: int) -> None:
        """Use `count` threads from the next `decode` on."""
        lib.llama_set_n_threads(self._context, count, count)

    def _rows(self, count: int) -> list[Logits]:
        """llama.cpp's rows of logits, in the order of the tokens that have them."""
        if not count:
            return []
        address = _logits_address(self._context)
        if address != self._logits_address or count > len(self._logits):
            numbers = (ctypes.c_float * (count * self.vocab_size)).from_address(address)
            whole = np.ctypeslib.as_array(numbers)
            self._logits_address, self._logits = address, list(whole.reshape(count, -1))
        return self._logits

    # -- embeddings

    @property
    def max_input_tokens(self) -> int:
        """The longest text that can be embedded, in tokens: it must fit into one batch."""
        return min(self.batch_size, self.kv_cells, int(lib.llama_model_n_ctx_train(self._model)))

    def embed(self, texts: Sequence[Sequence[int]]) -> list[Vector]:
        """The vector of each text, from one forward pass; float32 of shape (dimensions,)."""
        if self._memory:
            lib.llama_memory_clear(self._memory, False)
        batch = _batch_of(texts)
        code = lib.llama_decode(self._context, batch)
        lib.llama_batch_free(batch)
        if code:
            raise RuntimeError(f"llama_decode returned {code} for {len(texts)} texts")
        return [self._vector(seq_id) for seq_id in range(len(texts))]

    def _vector(self, seq_id: int) -> Vector:
        address = lib.llama_get_embeddings_seq(self._context, seq_id)
        return np.ctypeslib.as_array(address, (self.dimensions,)).copy()

    def suffix_tokens(self) -> list[int]:
        """What the vocabulary adds to the end of a text: an end token, a separator, or nothing."""
        added = self._tokenize("", add_special=True)
        has_bos = added[:1] == [lib.llama_vocab_bos(self.vocab)]
        return added[1:] if has_bos and lib.llama_vocab_get_add_bos(self.vocab) else added

    # -- the vocabulary

    def tokenize(
        self, prompt: Iterable[str | int | list[int]], *, add_special: bool = True
    ) -> list[int]:
        """Tokenize a prompt. Text never becomes special tokens; numbers are tokens already.

        `add_special` adds the BOS token that the model expects, unless the prompt begins with it.
        """
        tokens: list[int] = []
        for part in prompt:
            match part:
                case int():
                    tokens.append(part)
                case list():
                    tokens += part
                case str() if not tokens or self.is_special(tokens[-1]):
                    tokens += self._tokenize(part)
                case str():
                    tokens += self._tokenize_after(part)
        if add_special and lib.llama_vocab_get_add_bos(self.vocab):
            bos = lib.llama_vocab_bos(self.vocab)
            return tokens if tokens[:1] == [bos] else [bos, *tokens]
        return tokens

    def tokenize_continuation(self, parts: Iterable[str | int]) -> list[int]:
        """Tokenize what follows other tokens: without a BOS token or a space before it."""
        tokens: list[int] = []
        for part in parts:
            tokens += [part] if isinstance(part, int) else self._tokenize_after(part)
        return tokens

    def _tokenize_after(self, text: str) -> list[int]:
        tokens = self._tokenize(text)
        if not b"".join(map(self.piece, tokens)).startswith(b" " + text.encode()):
            return tokens
        # This vocabulary adds a space before a text. After a newline it does not.
        after = self._tokenize("\n" + text)
        pieces = [self.piece(token) for token in after]
        return after[pieces.index(b"\n") + 1 :] if b"\n" in pieces else tokens

    def _tokenize(self, text: str, *, add_special: bool = False) -> list[int]:
        data = text.encode(errors="replace")
        room = len(data) + 8
        while True:
            tokens = (lib.llama_token * room)()
            count = lib.llama_tokenize(
                self.vocab, data, len(data), tokens, room, add_special, False
            )
            if count >= 0:
                return list(tokens[:count])
            room = -count

    def piece(self, token: int) -> bytes:
        """The bytes of `token`; for a special token those of its name."""
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

    def is_end(self, token: int) -> bool:
        """Whether `token` ends a generation, such as EOS and EOT."""
        return token in self._end_tokens

    def is_special(self, token: int) -> bool:
        """Whether no text is tokenized as `token`."""
        return token in self._special

    def end_tokens(self) -> list[int]:
        return sorted(self._end_tokens)

    def describe(self) -> EngineInfo:
        return EngineInfo(
            context=self.max_input_tokens if self.dimensions else self.kv_cells,
            trained_context=self._trained_context(),
            description=self._metadata("general.name") or "a model without a name",
            special_tokens=list(self._special.values()),
            bos=self._text(lib.llama_vocab_bos(self.vocab)),
            eos=self._text(lib.llama_vocab_eos(self.vocab)),
            chat_templates=self._templates(),
            dimensions=self.dimensions,
            max_token_bytes=self._max_token_bytes(),
            compute=self._offload.describe(self._threads, instructions()),
            weights=self._weights(),
            offloaded_layers=self._offload.offloaded,
            fingerprint=fingerprint(self._options),
            not_reproducible=self._not_reproducible,
        )

    def _weights(self) -> str:
        """The quantization and the size, such as "Q4_1, 97 MB"."""
        text = ctypes.create_string_buffer(MAX_DESCRIPTION)
        lib.llama_model_desc(self._model, text, MAX_DESCRIPTION)
        quantization = text.value.decode(errors="replace").split(" ", 2)[2:]
        return ", ".join([*quantization, f"{lib.llama_model_size(self._model) / 1e6:,.0f} MB"])

    def _max_token_bytes(self) -> int:
        """The most bytes of text that a token stands for; 0 if the tokenizer leaves out some.

        SentencePiece and byte-level BPE leave out none. WordPiece, for one, does.
        """
        if lib.llama_vocab_type(self.vocab) not in (
            lib.LLAMA_VOCAB_TYPE_SPM,
            lib.LLAMA_VOCAB_TYPE_BPE,
        ):
            return 0
        return max(len(self._read_piece(token)) for token in range(self.vocab_size))

    def _text(self, token: int) -> str:
        return "" if token < 0 else self.piece(token).decode(errors="replace")

    def _find_special(self) -> Iterable[SpecialToken]:
        """The tokens that llguidance's tokenizer considers special, and no others."""
        for token in range(self.vocab_size):
            attributes = lib.llama_vocab_get_attr(self.vocab, token)
            control = bool(attributes & lib.LLAMA_TOKEN_ATTR_CONTROL)
            if control or attributes & lib.LLAMA_TOKEN_ATTR_USER_DEFINED:
                text = self._text(token)
                if text and (control or (text.startswith("<") and text.endswith(">"))):
                    yield SpecialToken(token, text, control)

    def _trained_context(self) -> int:
        architecture = self._metadata("general.architecture")
        return int(self._metadata(f"{architecture}.context_length") or 0)

    def _metadata(self, key: str) -> str:
        """A metadata value of the GGUF file; "" if it has none."""
        size = lib.llama_model_meta_val_str(self._model, key.encode(), None, 0)
        if size < 0:
            return ""
        return _string(lib.llama_model_meta_val_str, self._model, key.encode())

    def _templates(self) -> dict[str, str]:
        """The chat templates in the GGUF file by name; the main one is `default`."""
        found = {}
        for i in range(lib.llama_model_meta_count(self._model)):
            key = _string(lib.llama_model_meta_key_by_index, self._model, i)
            name = key.removeprefix("tokenizer.chat_template")
            if name != key and not name.startswith("s"):
                text = _string(lib.llama_model_meta_val_str_by_index, self._model, i)
                found[name.removeprefix(".") or "default"] = text
        return found


def _batch_of(texts: Sequence[Sequence[int]]) -> object:
    """A batch of whole texts, each in its own sequence; the caller frees it."""
    batch, at = lib.llama_batch_init(sum(map(len, texts)), 0, 1), 0
    for seq_id, tokens in enumerate(texts):
        for position, token in enumerate(tokens):
            batch.token[at] = token
            batch.pos[at] = position
            batch.n_seq_id[at] = 1
            batch.seq_id[at][0] = seq_id
            batch.logits[at] = True
            at += 1
    batch.n_tokens = at
    return batch


def _string(read: Callable[..., int], *arguments: object) -> str:
    """Call a function of llama.cpp that writes a string to a buffer and returns its length."""
    room = 256
    while True:
        buffer = ctypes.create_string_buffer(room)
        size = read(*arguments, buffer, room)
        if size < room:
            return buffer.value.decode(errors="replace")
        room = size + 1
