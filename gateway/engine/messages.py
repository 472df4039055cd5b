"""All that crosses the pipe between the gateway and a worker, and how it is framed.

Messages travel as MessagePack behind a length of four bytes, big endian. A worker handles model
files that nobody has vouched for, so what it sends is data, never code.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from gateway.request import Sampling

LENGTH = struct.Struct("!I")


class Message(msgspec.Struct, frozen=True, tag=True):
    pass


class Start(Message, frozen=True):
    """Load a model. The first message a worker gets, once.

    `threads` None leaves it to the worker to compute with as many as go well.
    """

    path: str
    context: int
    gpu_layers: int = 0
    threads: int | None = None
    vocabulary_only: bool = False


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

    `max_tokens` None goes on to the end of the context. `fast_forward` False draws even those
    tokens that the grammar forces.
    """

    id: int
    prompt: list[str | int]
    sampling: Sampling
    grammar: str | None = None
    max_tokens: int | None = None
    top_logprobs: int | None = None
    fast_forward: bool = True
    interruption: Interruption | None = None


class Cancel(Message, frozen=True):
    id: int


class Special(msgspec.Struct, frozen=True):
    """A token that no ordinary text is read as; a control token is its template's alone."""

    id: int
    text: str
    control: bool


class Ready(Message, frozen=True):
    """The model is loaded. `context` is in tokens, as llama.cpp rounded it."""

    context: int
    trained_context: int
    description: str
    special: list[Special]
    bos: str
    eos: str
    templates: dict[str, str]


class Failed(Message, frozen=True):
    """The model can't be loaded."""

    reason: str


class Accepted(Message, frozen=True):
    """The prompt fits and the grammar holds; the answer will come."""

    id: int
    prompt_tokens: int


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


class Logprob(msgspec.Struct, frozen=True):
    """A token and the natural logarithm of its probability."""

    token: str
    bytes: list[int]
    logprob: float
    top: list[Logprob] = []


class Piece(Message, frozen=True):
    """What one step added to an answer; `finish` is "stop" or "length" at its end.

    `cached_tokens` says how much of the prompt needed no reading, `was_interrupted` whether the
    answer has been by now.
    """

    id: int
    text: str
    tokens: int
    cached_tokens: int = 0
    finish: str | None = None
    logprobs: list[Logprob] = []
    was_interrupted: bool = False


ToWorker: TypeAlias = Start | Generate | Cancel
OfJob: TypeAlias = Accepted | TooLong | Refused | Broken | Piece
FromWorker: TypeAlias = Ready | Failed | OfJob

_encode = msgspec.msgpack.Encoder().encode


def pack(messages: Sequence[ToWorker | FromWorker]) -> bytes:
    body = _encode(messages)
    return LENGTH.pack(len(body)) + body


unpack_to_worker = msgspec.msgpack.Decoder(list[ToWorker]).decode
unpack_from_worker = msgspec.msgpack.Decoder(list[FromWorker]).decode
