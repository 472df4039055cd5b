"""The messages on the pipe between the gateway and a worker, and how they are framed.

A frame is a MessagePack list of messages behind its length: four bytes, big endian. The worker
loads untrusted model files, so what it sends is data, never code.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from gateway.engine.engine import EngineInfo, EngineStats
from gateway.engine.generation import Accepted, Delta, Embeddings, Generation, Tokens, Value
from gateway.engine.options import EngineOptions

LENGTH = struct.Struct("!I")


class Message(msgspec.Struct, frozen=True, tag=True):
    """A message that is no value of the engine seam. Job ids occur in messages only."""


class Generate(Message, frozen=True):
    """Start a job that generates text; `Accepted` and `Delta`s come back."""

    id: int
    request: Generation


class Embed(Message, frozen=True):
    """Start a job that makes one embedding of each input; `Embeddings` come back.

    `first` is the number of the first input in errors.
    """

    id: int
    inputs: list[list[str | int]]
    first: int = 0


class Tokenize(Message, frozen=True):
    """Start a job that tokenizes a prompt; `Tokens` come back at once.

    `add_special` adds the tokens that the model expects around every text, such as BOS.
    """

    id: int
    prompt: list[str | int]
    add_special: bool = True


class Detokenize(Message, frozen=True):
    """Start a job that returns the text of tokens; `Pieces` come back at once."""

    id: int
    tokens: list[int]


class Cancel(Message, frozen=True):
    """End a job without a reply."""

    id: int


class Loading(Message, frozen=True):
    """How much of the model's file is loaded, from 0 to 1."""

    share: float


class LoadFailed(Message, frozen=True):
    """The model can't be loaded, or with `is_transient` not at present."""

    reason: str
    is_transient: bool = False


class PromptTooLong(Value, frozen=True):
    """Ends a job: the prompt leaves no room for an answer in the context."""

    prompt_tokens: int
    context: int


class Rejected(Value, frozen=True):
    """Ends a job: the request is at fault; `code` is the API's error code."""

    reason: str
    code: str | None = None


class Pieces(Value, frozen=True):
    """The bytes of each token; of a special token, those of its name."""

    pieces: list[bytes]


class Failed(Value, frozen=True):
    """Ends a job: an internal error of the worker; other jobs go on."""

    reason: str


Result: TypeAlias = (
    Accepted | Delta | Embeddings | Tokens | Pieces | PromptTooLong | Rejected | Failed
)


class Reply(Message, frozen=True):
    """A value of one job."""

    id: int
    value: Result


ToWorker: TypeAlias = EngineOptions | Generate | Embed | Tokenize | Detokenize | Cancel
FromWorker: TypeAlias = EngineInfo | Loading | LoadFailed | EngineStats | Reply

_encode = msgspec.msgpack.Encoder().encode


def pack(messages: Sequence[ToWorker | FromWorker]) -> bytes:
    """Returns the frame of `messages`."""
    body = _encode(messages)
    return LENGTH.pack(len(body)) + body


unpack_to_worker = msgspec.msgpack.Decoder(list[ToWorker]).decode
unpack_from_worker = msgspec.msgpack.Decoder(list[FromWorker]).decode
