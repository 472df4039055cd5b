"""llama.cpp, as the rest of the engine knows it: what a loaded model can be asked to do.

Source: llama.h of the llama.cpp that llama-cpp-python carries.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable, Sequence

import llama_cpp as lib
import numpy as np

from gateway.engine.engine import EngineInfo, SpecialToken
from gateway.engine.options import EngineOptions
from gateway.worker.cpus import processors
from gateway.worker.interfaces import Logits, Vector
from gateway.worker.llama.batch import Batch
from gateway.worker.llama.load import Log, forgets_tails, load_model, open_context, sharers
from gateway.worker.scheduler.batch_plan import Chunk


class Llama:
    """One loaded model and its context: cells that hold what sequences have read."""

    def __init__(self, start: EngineOptions, getting_on: Callable[[], None] = lambda: None):
        self._log = Log()
        self._model = load_model(start, self._log, getting_on)
        self.vocab = lib.llama_model_get_vocab(self._model)
        self.vocab_size: int = lib.llama_vocab_n_tokens(self.vocab)
        self.dimensions = int(lib.llama_model_n_embd_out(self._model)) if start.embeddings else 0
        self._pieces: dict[int, bytes] = {}
        vocabulary = range(self.vocab_size)
        self._ends = {token for token in vocabulary if lib.llama_vocab_is_eog(self.vocab, token)}
        self._special = {special.id: special for special in self._find_special()}
        if start.vocabulary_only:
            self.cells = start.context
            return
        threads = start.threads or processors()
        self._context = open_context(self._model, start, threads, self._log)
        self._memory = lib.llama_get_memory(self._context)
        self._sharers = sharers(self._model)
        self.slots = int(lib.llama_n_seq_max(self._context)) // self._sharers
        self.batch = int(lib.llama_n_batch(self._context))
        self._batch = Batch(self.batch, self.slots, self._sharers)
        self._address, self._logits = 0, list[Logits]()
        self.cells = int(lib.llama_n_ctx(self._context))

    @property
    def forgets_tails(self) -> bool:
        """Whether a sequence can lose its end and keep its start; recurrent models can't."""
        return forgets_tails(self._model)

    @property
    def forgets_restored_tails(self) -> bool:
        """The same for what was saved: of layers with a sliding window only that is saved."""
        return self.forgets_tails and self._sharers == 1

    # -- the verbs

    def decode(self, chunks: Sequence[Chunk]) -> list[list[Logits]]:
        """Read `chunks` in one forward pass; the logits that each asks for.

        The arrays are views that the next call overwrites, float32 of shape (vocabulary,).
        """
        self._batch.fill(chunks)
        if code := lib.llama_decode(self._context, self._batch.filled):
            tokens = self._batch.filled.n_tokens
            raise RuntimeError(f"llama_decode returned {code} for {tokens} tokens")
        rows = iter(self._rows(sum(chunk.logits for chunk in chunks)))
        return [[next(rows) for _ in range(chunk.logits)] for chunk in chunks]

    def copy(self, source: int, target: int, length: int) -> None:
        """Let `target` share the first `length` cells of `source`."""
        for sequence in self._sequences(target):
            lib.llama_memory_seq_cp(self._memory, source, sequence, 0, length)

    def forget(self, slot: int, start: int) -> None:
        """Free the cells of `slot` from position `start` on."""
        for sequence in self._sequences(slot):
            if not lib.llama_memory_seq_rm(self._memory, sequence, start, -1):
                raise RuntimeError(f"this model can't forget the end of a sequence ({start})")

    def save(self, slot: int) -> bytearray:
        """What reading has left in the cells of `slot`, as far as what follows needs it."""
        size = lib.llama_state_seq_get_size(self._context, slot)
        data = bytearray(size)
        buffer = (ctypes.c_uint8 * size).from_buffer(data)
        if lib.llama_state_seq_get_data(self._context, buffer, size, slot) != size:
            raise RuntimeError(f"llama.cpp did not save the {size} bytes of sequence {slot}")
        return data

    def restore(self, slot: int, data: bytearray) -> bool:
        """Put back what was saved, into free cells; whether that worked."""
        buffer = (ctypes.c_uint8 * len(data)).from_buffer(data)
        if not lib.llama_state_seq_set_data(self._context, buffer, len(data), slot):
            self.forget(slot, 0)
            return False
        for sequence in self._sequences(slot)[1:]:
            lib.llama_memory_seq_cp(self._memory, slot, sequence, -1, -1)
        return True

    def _sequences(self, slot: int) -> range:
        """The sequences of llama.cpp's that share the cells of `slot`; it is the first."""
        return range(slot, self.slots * self._sharers, self.slots)

    def set_threads(self, count: int) -> None:
        """Compute with so many from the next `decode` on."""
        lib.llama_set_n_threads(self._context, count, count)

    def _rows(self, count: int) -> list[Logits]:
        """llama.cpp's rows of logits, in the order of the tokens that asked for them."""
        if not count:
            return []
        address = ctypes.addressof(lib.llama_get_logits(self._context).contents)
        if address != self._address or count > len(self._logits):
            numbers = (ctypes.c_float * (count * self.vocab_size)).from_address(address)
            whole = np.ctypeslib.as_array(numbers)
            self._address, self._logits = address, list(whole.reshape(count, -1))
        return self._logits

    # -- embeddings

    @property
    def longest(self) -> int:
        """Tokens of the longest text that can be embedded: it is read at once, from position 0."""
        return min(self.batch, self.cells, int(lib.llama_model_n_ctx_train(self._model)))

    def embed(self, texts: Sequence[Sequence[int]]) -> list[Vector]:
        """Read whole texts in one forward pass; each one's vector, float32 of `dimensions`."""
        if self._memory:
            lib.llama_memory_clear(self._memory, False)
        batch = _whole(texts)
        code = lib.llama_decode(self._context, batch)
        lib.llama_batch_free(batch)
        if code:
            raise RuntimeError(f"llama_decode returned {code} for {len(texts)} texts")
        return [self._vector(slot) for slot in range(len(texts))]

    def _vector(self, slot: int) -> Vector:
        address = lib.llama_get_embeddings_seq(self._context, slot)
        return np.ctypeslib.as_array(address, (self.dimensions,)).copy()

    def closing(self) -> list[int]:
        """What the vocabulary puts behind a whole text: an end, a separator, or nothing."""
        framed = self._spell("", framed=True)
        opens = framed[:1] == [lib.llama_vocab_bos(self.vocab)]
        return framed[1:] if opens and lib.llama_vocab_get_add_bos(self.vocab) else framed

    # -- the vocabulary

    def tokenize(self, prompt: Iterable[str | int | list[int]]) -> list[int]:
        """Spell plain text in ordinary tokens, whatever it says; numbers stand for themselves."""
        tokens: list[int] = []
        for part in prompt:
            match part:
                case int():
                    tokens.append(part)
                case list():
                    tokens += part
                case str() if not tokens or self.is_special(tokens[-1]):
                    tokens += self._spell(part)
                case str():
                    tokens += self._spell_on(part)
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
        after = self._spell("\n" + text)
        pieces = [self.piece(token) for token in after]
        return after[pieces.index(b"\n") + 1 :] if b"\n" in pieces else tokens

    def _spell(self, text: str, *, framed: bool = False) -> list[int]:
        data = text.encode(errors="replace")
        room = len(data) + 8
        while True:
            tokens = (lib.llama_token * room)()
            count = lib.llama_tokenize(self.vocab, data, len(data), tokens, room, framed, False)
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
        return token in self._ends

    def is_special(self, token: int) -> bool:
        """Whether it is one that no ordinary text is read as."""
        return token in self._special

    def end_tokens(self) -> list[int]:
        return sorted(self._ends)

    def describe(self) -> EngineInfo:
        return EngineInfo(
            context=self.longest if self.dimensions else self.cells,
            trained_context=self._trained_context(),
            description=self._metadata("general.name") or "a model without a name",
            special_tokens=list(self._special.values()),
            bos=self._text(lib.llama_vocab_bos(self.vocab)),
            eos=self._text(lib.llama_vocab_eos(self.vocab)),
            chat_templates=self._templates(),
            dimensions=self.dimensions,
        )

    def _text(self, token: int) -> str:
        return "" if token < 0 else self.piece(token).decode(errors="replace")

    def _find_special(self) -> Iterable[SpecialToken]:
        """The tokens that llguidance's tokenizer takes for special, and no others."""
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


def _whole(texts: Sequence[Sequence[int]]) -> object:
    """A batch of whole texts, each a sequence of its own; the caller frees it."""
    batch, at = lib.llama_batch_init(sum(map(len, texts)), 0, 1), 0
    for slot, tokens in enumerate(texts):
        for position, token in enumerate(tokens):
            batch.token[at] = token
            batch.pos[at] = position
            batch.n_seq_id[at] = 1
            batch.seq_id[at][0] = slot
            batch.logits[at] = True
            at += 1
    batch.n_tokens = at
    return batch


def _string(read: Callable[..., int], *arguments: object) -> str:
    """Call a function that writes a string to a buffer and returns its length."""
    room = 256
    while True:
        buffer = ctypes.create_string_buffer(room)
        size = read(*arguments, buffer, room)
        if size < room:
            return buffer.value.decode(errors="replace")
        room = size + 1
