"""All that crosses the pipe between the gateway and a worker, and how it is framed.

Messages travel as MessagePack behind a length of four bytes, big endian. A worker handles model
files that nobody has vouched for, so what it sends is data, never code.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from gateway.chat.events import Logprob
from gateway.chat.request import Sampling
from gateway.engine.options import Options

LENGTH = struct.Struct("!I")


class Message(msgspec.Struct, frozen=True, tag=True):
    pass


class Keeping(msgspec.Struct, frozen=True):
    """Where prefixes go that leave the context: memory, then a folder; how much each may take."""

    memory_bytes: int = 0
    folder: str | None = None
    folder_bytes: int = 0


class Start(Message, frozen=True):
    """Load a model. The first message a worker gets, once.

    `lora` has the adapters, each a path and a scale. With `embeddings` the worker makes vectors
    of texts and writes none. `threads` None leaves it to the worker to compute with as many as go
    well. Who hears nothing from it for `hang_s`, while it has something to do, ends it.
    """

    path: str
    context: int
    gpu_layers: int = 0
    threads: int | None = None
    vocabulary_only: bool = False
    keeping: Keeping = Keeping()
    options: Options = Options()
    lora: tuple[tuple[str, float], ...] = ()
    embeddings: bool = False
    hang_s: float = 300.0

    @property
    def digest(self) -> str:
        """The same for two starts after which tokens are read alike: a key to what is kept."""
        alike = msgspec.structs.replace(self, threads=None, keeping=Keeping(), hang_s=0)
        return hashlib.sha256(_encode_in_order(alike)).hexdigest()


class Interruption(msgspec.Struct, frozen=True):
    """Write `insert`, which must close it, when a passage of the answer is open for too long.

    A passage begins with one of `opens`, where the answer starts or where an earlier passage
    ended, and ends with one of `closes`; white space before them counts for nothing. `is_open`
    says that the prompt has begun one. All passages together have `most_tokens`.
    """

    most_tokens: int
    opens: list[str]
    closes: list[str]
    insert: list[str | int]
    is_open: bool = False


class Generate(Message, frozen=True):
    """Continue a prompt: plain text is spelled out, a number is one special token.

    `max_tokens` None goes on to the end of the context. `fast_forward` False writes one by one
    what the grammar forces; the text is the same. So many `draft_tokens` are guessed from what the
    prompt has said already, and kept if the model agrees. `echo` asks for the prompt's own text.
    """

    id: int
    prompt: list[str | int]
    sampling: Sampling
    grammar: str | None = None
    max_tokens: int | None = None
    top_logprobs: int | None = None
    fast_forward: bool = True
    draft_tokens: int = 0
    interruption: Interruption | None = None
    echo: bool = False


class Embed(Message, frozen=True):
    """Make a vector of each input, which is spelled as a prompt is."""

    id: int
    inputs: list[list[str | int]]


class Cancel(Message, frozen=True):
    id: int


class Special(msgspec.Struct, frozen=True):
    """A token that no ordinary text is read as; a control token is its template's alone."""

    id: int
    text: str
    control: bool


class Ready(Message, frozen=True):
    """The model is loaded. `context` is in tokens, as llama.cpp rounded it.

    `dimensions` is the length of the vectors that it makes, 0 if it writes text; `context` is
    then the longest input.
    """

    context: int
    trained_context: int
    description: str
    special: list[Special]
    bos: str
    eos: str
    templates: dict[str, str]
    dimensions: int = 0


class Failed(Message, frozen=True):
    """The model can't be loaded."""

    reason: str


class Accepted(Message, frozen=True):
    """The prompt fits and the grammar holds; the answer will come."""

    id: int
    prompt_tokens: int
    prompt: str = ""


class TooLong(Message, frozen=True):
    id: int
    prompt_tokens: int
    context: int


class Refused(Message, frozen=True):
    """What was asked can't be answered; `code` is for the one who asked."""

    id: int
    reason: str
    code: str | None = None


class Broken(Message, frozen=True):
    """A fault ended this answer; the others go on."""

    id: int
    reason: str


class Missed(msgspec.Struct, frozen=True):
    """Why no more of a prompt was cached: from token `at` on what was read and what is asked."""

    at: int
    read: str
    asked: str


class Ending(msgspec.Struct, frozen=True):
    """What only the end of an answer tells, of an engine that runs elsewhere.

    `is_plain` says that the last piece is text, whatever it looks like.
    """

    prompt_tokens: int = 0
    notes: list[str] = []
    is_plain: bool = False


class Piece(Message, frozen=True):
    """What one step added to an answer; `finish` is "stop" or "length" at its end.

    `cached_tokens` says how much of the prompt needed no reading, `was_interrupted` whether the
    answer has been by now. The first may say what of the prompt was `missed`. `forced` of the
    `tokens` were not sampled, as nothing else could come.
    """

    id: int
    text: str
    tokens: int
    cached_tokens: int = 0
    finish: str | None = None
    logprobs: list[Logprob] = []
    was_interrupted: bool = False
    missed: Missed | None = None
    forced: int = 0
    ending: Ending | None = None


class Embedded(Message, frozen=True):
    """A vector of length 1 for each input, in their order: float32, little endian."""

    id: int
    vectors: list[bytes]
    prompt_tokens: int


class Stats(Message, frozen=True):
    """What a worker is doing, and what it has done since its start; that it gets on, at least.

    Sequences that run and that wait for cells; cells in use, also by prefixes that stand idle, and
    how many of those there are; tokens a second, of all answers, since the last such message.
    """

    running: int = 0
    waiting: int = 0
    cells_used: int = 0
    idle_prefixes: int = 0
    tokens_per_s: float = 0.0
    steps: int = 0
    tokens: int = 0
    masks: int = 0
    mask_s: float = 0.0


ToWorker: TypeAlias = Start | Generate | Embed | Cancel
OfJob: TypeAlias = Accepted | TooLong | Refused | Broken | Piece | Embedded
FromWorker: TypeAlias = Ready | Failed | Stats | OfJob

_encode = msgspec.msgpack.Encoder().encode
_encode_in_order = msgspec.msgpack.Encoder(order="deterministic").encode


def pack(messages: Sequence[ToWorker | FromWorker]) -> bytes:
    body = _encode(messages)
    return LENGTH.pack(len(body)) + body


unpack_to_worker = msgspec.msgpack.Decoder(list[ToWorker]).decode
unpack_from_worker = msgspec.msgpack.Decoder(list[FromWorker]).decode
