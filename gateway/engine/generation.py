"""A request to an engine, and the values that an engine streams in reply.

All are msgspec structs, so that the worker's pipe carries them as they are. Arrays are smaller and
faster to decode than maps, and there is one `Delta` for each token.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from gateway.chat.events import Logprob
from gateway.chat.request import Sampling


class Interruption(msgspec.Struct, frozen=True):
    """Inserts `insert` into an answer when a passage of it, such as a thought, becomes too long.

    A passage begins with one of `opens`, at the start of the answer or where an earlier passage
    ended, and ends with one of `closes`; white space before them is ignored. `is_open` says that
    the prompt has begun one. All passages together may have `max_tokens`. `insert` must close the
    passage.
    """

    max_tokens: int
    opens: list[str]
    closes: list[str]
    insert: list[str | int]
    is_open: bool = False


class Fallback(msgspec.Struct, frozen=True):
    """What an answer does if the model draws a token that its grammar does not allow.

    A mask would choose for the model between alternatives that it all finds improbable. So as long
    as the answer also fits `grammar`, whose answers are some of the request's grammar, that one
    continues it. Otherwise the first of `endings` that completes the answer ends it; an ending is
    a text, or special tokens and texts, like a prompt. Only if there is none, the mask decides.
    """

    grammar: str | None = None
    endings: list[list[str | int]] = []


class Opening(msgspec.Struct, frozen=True):
    """Asks how probable it is that the answer begins as `grammar` describes.

    At each token, all tokens that begin or continue such an opening have a probability, before any
    mask and sampling setting. The product of these counts, up to the token that completes the
    opening or leaves it. White space before it does not count. With a `threshold`, the answer
    begins so if the probability is at least that, and otherwise keeps to the grammar of `Fallback`.
    Passages such as thoughts come first: each begins with one of `opens` and ends with one of
    `closes`, and `is_open` says that the prompt has begun one.
    """

    grammar: str
    threshold: float | None = None
    opens: list[str] = []
    closes: list[str] = []
    is_open: bool = False


class Generation(msgspec.Struct, frozen=True):
    """A request to continue a prompt: a text is tokenized, a number is one token.

    With `max_tokens` None the answer may run to the end of the context. `fast_forward` False
    decodes the tokens that the grammar forces one by one; the text is the same. Up to
    `draft_tokens` are drafted from the prompt and verified in one forward pass. `echo` asks for
    the text of the prompt, `token_details` for the `details` of each `Delta`; an engine that can't
    tell these ignores it. A `reproducible` prompt is tokenized as if no answer came before.
    """

    prompt: list[str | int]
    sampling: Sampling
    grammar: str | None = None
    max_tokens: int | None = None
    top_logprobs: int | None = None
    fast_forward: bool = True
    draft_tokens: int = 0
    interruption: Interruption | None = None
    echo: bool = False
    fallback: Fallback = Fallback()
    opening: Opening | None = None
    token_details: bool = False
    reproducible: bool = False


class Value(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """One of the values that an engine streams or returns."""


class Accepted(Value, frozen=True):
    """The prompt fits into the context and the grammar compiles, so an answer follows.

    `prompt` is the text of the prompt if the request has `echo`.
    """

    prompt_tokens: int
    prompt: str = ""


class Opened(msgspec.Struct, frozen=True, array_like=True):
    """How probable it was that the answer begins as an `Opening` describes, and whether it does.

    `probability` is None if the answer ended before.
    """

    probability: float | None
    is_so: bool


class CacheMiss(msgspec.Struct, frozen=True):
    """Where a prompt leaves the longest cached prefix: the token's position, and both texts."""

    position: int
    cached: str
    requested: str


class TokenDetail(msgspec.Struct, frozen=True, array_like=True):
    """A generated token, and what it adds to the text.

    `probability` is the model's, before any mask and sampling setting; None for a token that was
    decoded without its logits, as forced tokens are. A forced token was not sampled.
    """

    id: int
    text: str
    is_special: bool
    is_forced: bool
    probability: float | None


class Delta(Value, frozen=True):
    """What one step adds to an answer; `finish` is "stop" or "length" in the last one.

    `cached_tokens` counts the prompt tokens that were in the KV cache. `was_interrupted` is true
    from the interruption on. Of the `tokens`, `forced` were not sampled: the grammar allowed
    nothing else. The first delta may have a `cache_miss`. `opening` tells about the
    request's `Opening`, once it is known. From where a grammar proved too complex to be followed,
    `grammar_failure` says why. `details` has the tokens if the request asks for `token_details`.
    """

    text: str
    tokens: int
    cached_tokens: int = 0
    finish: str | None = None
    logprobs: tuple[Logprob, ...] = ()
    was_interrupted: bool = False
    cache_miss: CacheMiss | None = None
    forced: int = 0
    opening: Opened | None = None
    grammar_failure: str = ""
    details: tuple[TokenDetail, ...] = ()


class PromptUsage(msgspec.Struct, frozen=True):
    """The length of the prompt, from an engine that knows it only when the answer is complete."""

    prompt_tokens: int


class Tokens(Value, frozen=True):
    """The tokens of a prompt, of which the first `cached` are in the KV cache."""

    ids: list[int]
    cached: int = 0


class Embeddings(Value, frozen=True):
    """A vector of length 1 for each input, in their order: float32, little endian."""

    vectors: list[bytes]
    prompt_tokens: int


Output: TypeAlias = Accepted | Delta | PromptUsage
