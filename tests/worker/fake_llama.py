"""A fake model that fails where llama.cpp would, and a fake grammar matcher."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import TypedDict, Unpack

import msgspec
import numpy as np

from gateway.chat.request import Sampling
from gateway.engine.generation import Delta, Generation, Interruption
from gateway.engine.protocol import FromWorker, Generate, Reply
from gateway.worker.interfaces import GrammarError, GrammarMatcher, Logits, Mask
from gateway.worker.sampling.thinking_watch import ThinkingWatch
from gateway.worker.scheduler.batch_plan import BatchItem

VOCABULARY = 32
END = 0
COPIER = 31
GREEDY = Sampling(temperature=0)


class FakeLlama:
    """A KV cache of tokens. The next token is a hash of those that the slot really holds."""

    vocab_size = VOCABULARY

    def __init__(
        self,
        cells: int = 256,
        slots: int = 16,
        batch: int = 512,
        can_truncate: bool = True,
        can_truncate_restored: bool = True,
        loses_saved: bool = False,
        is_reproducible: bool = False,
    ):
        self.kv_cells = cells
        self.slots = slots
        self.batch_size = batch
        self.can_truncate = can_truncate
        self.can_truncate_restored = can_truncate and can_truncate_restored
        self.loses_saved = loses_saved
        self.is_reproducible = is_reproducible
        self.batches: list[list[BatchItem]] = []
        self.threads: list[int] = []
        self.used = 0  # cells; one that several slots share counts once
        self._free = [*range(cells)]  # a heap
        self._held: list[list[Cell]] = [[] for _ in range(slots)]
        self._min_prefix = [0] * slots  # restored without the state of what is before them

    def decode(self, items: Sequence[BatchItem]) -> list[list[Logits]]:
        self.batches.append(list(items))
        assert 0 < sum(len(item.tokens) for item in items) <= self.batch_size
        assert len({item.slot for item in items}) == len(items), "a slot occurs twice in a batch"
        for item in items:
            assert item.tokens, "an item without tokens"
            held = self._held[item.slot]
            assert item.start == len(held), "a gap, or a position twice"
            assert len(item.tokens) <= len(self._free), "llama_decode returned 1"
            held += [self._new_cell(token) for token in item.tokens]
        return [self._logits(item.slot, item.logits) for item in items]

    def copy(self, source: int, target: int, length: int) -> None:
        assert source != target
        assert not self._held[target], "the target's own cells would be mixed with the source's"
        assert 0 < length <= len(self._held[source])
        assert self.can_truncate or length == len(self._held[source]), "a state has no parts"
        assert length >= self._min_prefix[source], "what is before the window was not saved"
        self._min_prefix[target] = self._min_prefix[source]
        self._held[target] = self._held[source][:length]
        for cell in self._held[target]:
            cell.sharers += 1

    def truncate(self, slot: int, length: int) -> None:
        assert length < len(self._held[slot]), "nothing to truncate"
        assert self.can_truncate or length == 0, "this model can't truncate a sequence"
        assert length == 0 or length >= self._min_prefix[slot], (
            "what is before the window was not saved"
        )
        self._min_prefix[slot] = self._min_prefix[slot] if length else 0
        for cell in self._held[slot][length:]:
            cell.sharers -= 1
            if not cell.sharers:
                self.used -= 1
                heappush(self._free, cell.index)
        del self._held[slot][length:]

    def set_threads(self, count: int) -> None:
        self.threads.append(count)

    def save(self, slot: int) -> bytearray:
        assert self._held[slot], "nothing to save"
        return bytearray(self.holds(slot))

    def restore(self, slot: int, data: bytearray) -> bool:
        assert not self._held[slot], "the target's own cells would be mixed with the saved ones"
        if self.loses_saved:
            return False
        assert len(data) <= len(self._free), "failed to find cells"
        self._held[slot] = [self._new_cell(token) for token in data]
        self._min_prefix[slot] = 0 if self.can_truncate_restored else len(data)
        return True

    def tokenize(
        self, prompt: Iterable[str | int | list[int]], *, add_special: bool = True
    ) -> list[int]:
        parts = ([part] if isinstance(part, int) else part for part in prompt)
        return [token for part in parts if isinstance(part, list) for token in part]

    def tokenize_continuation(self, parts: Iterable[str | int]) -> list[int]:
        return self.tokenize(parts)

    def is_special(self, token: int) -> bool:
        return True

    def piece(self, token: int) -> bytes:
        return f"{token} ".encode()

    def is_end(self, token: int) -> bool:
        return token == END

    def holds(self, slot: int) -> list[int]:
        return [cell.token for cell in self._held[slot]]

    def _new_cell(self, token: int) -> Cell:
        self.used += 1
        return Cell(token, heappop(self._free))

    def _logits(self, slot: int, count: int) -> list[Logits]:
        held = self.holds(slot)
        if self.is_reproducible:  # attention adds up in the order of the cells
            held = [cell.token for cell in sorted(self._held[slot], key=lambda cell: cell.index)]
        ends = range(len(held) - count + 1, len(held) + 1)
        return [np.eye(VOCABULARY, dtype=np.float32)[predict(held[:end])] for end in ends]


class Rest(TypedDict, total=False):
    grammar: str | None
    max_tokens: int | None
    fast_forward: bool
    draft_tokens: int
    top_logprobs: int | None
    interruption: Interruption | None
    echo: bool


@dataclass(slots=True, eq=False)
class Cell:
    token: int
    index: int
    sharers: int = 1


class FakeMatcher:
    """Forces 1, 2, 3 after each multiple of five; after 30, `ending`, which completes the answer.

    An answer starts with `beginning`.
    """

    def __init__(self, ending: Sequence[int] = (1, 2, 3), beginning: Sequence[int] = ()) -> None:
        self.failure = ""
        self._due = list(beginning)
        self._ending = list(ending)
        self._is_ending = False

    @property
    def is_finished(self) -> bool:
        return self._is_ending and not self._due

    def try_accept(self, token: int) -> bool:
        if self._due:
            if token != self._due[0]:
                return False
            del self._due[0]
        elif token == 30:
            self._due, self._is_ending = list(self._ending), True
        elif token % 5 == 0 and token != END:
            self._due = [1, 2, 3]
        return True

    def can_accept(self, tokens: Sequence[int]) -> bool:
        ahead = deepcopy(self)
        return all(map(ahead.try_accept, tokens))

    def can_end_with(self, tokens: Sequence[int]) -> bool:
        return self.can_accept(tokens) and not self._due and not tokens

    def mask(self) -> Mask:
        mask = np.zeros(VOCABULARY, np.bool_)
        mask[self._due[0]] = True
        return mask

    def accept_forced(self) -> list[int]:
        tokens, self._due = self._due, []
        return tokens


class GivesUp(FakeMatcher):
    """Follows its grammar up to the first multiple of five, and no further."""

    def try_accept(self, token: int) -> bool:
        if token % 5 == 0:
            self.failure = "too complex"
        return bool(self.failure) or super().try_accept(token)


class Stuck(FakeMatcher):
    """Fails at the first multiple of five."""

    def try_accept(self, token: int) -> bool:
        if token % 5 == 0:
            raise GrammarError("too complex")
        return super().try_accept(token)


def matcher_for(grammar: str) -> GrammarMatcher:
    match grammar:
        case "fives":
            return FakeMatcher()
        case "fives, then an end token":
            return FakeMatcher([1, END, 2])
        case "seven, then fives":
            return FakeMatcher(beginning=[7])
        case "gives up":
            return GivesUp()
        case "stuck":
            return Stuck()
    raise GrammarError(f"no grammar {grammar}")


def predict(tokens: list[int]) -> int:
    """A hash. After a prompt that starts with COPIER mostly what followed the last token before."""
    hashed = hash(tuple(tokens))
    if tokens[0] == COPIER and tokens[-1] in tokens[:-1] and hashed % 8:
        return tokens[len(tokens) - tokens[-2::-1].index(tokens[-1]) - 1]
    return hashed % VOCABULARY


def alone(job: Generate, cells: int) -> tuple[list[int], str]:
    """The tokens and the finish of a greedy request that runs alone, computed without an engine."""
    request = job.request
    tokens = [part for part in request.prompt if isinstance(part, int)]
    answer: list[int] = []
    room = cells - len(tokens)
    max_tokens = room if request.max_tokens is None else min(room, request.max_tokens)
    matcher = matcher_for(request.grammar) if request.grammar else None
    watch = ThinkingWatch(request.interruption) if request.interruption else None
    due: list[int] = []
    while len(answer) < max_tokens:
        if request.interruption and watch and watch.is_due and not due:
            due = [part for part in request.interruption.insert if isinstance(part, int)]
            due = due if not matcher or matcher.can_accept(due) else []
        token = due.pop(0) if due else predict(tokens + answer)
        if matcher and not matcher.try_accept(token):
            token = int(matcher.mask().argmax())
            assert matcher.try_accept(token)
        if token == END:
            return answer, "stop"
        answer.append(token)
        if watch:
            watch.feed(f"{token} ".encode())
        if matcher and matcher.is_finished:
            return answer, "stop"
    return answer, "length"


def ask(id: int, prompt: list[int], **rest: Unpack[Rest]) -> Generate:
    return Generate(id, Generation(list(prompt), GREEDY, **rest))


def changed(job: Generate, **given: Unpack[Rest]) -> Generate:
    """`job` with other values in its request."""
    return Generate(job.id, msgspec.structs.replace(job.request, **given))


def delta_of(post: FromWorker) -> Delta:
    """The delta of a reply."""
    assert isinstance(post, Reply), post
    assert isinstance(post.value, Delta), post
    return post.value


def deltas_of(posts: Iterable[FromWorker]) -> list[tuple[int, Delta]]:
    """The deltas among `posts`, each with its job's id."""
    return [(p.id, p.value) for p in posts if isinstance(p, Reply) and isinstance(p.value, Delta)]
