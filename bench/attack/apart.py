"""Attackers in a process of their own: what they compute holds up no client in this one."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from types import TracebackType
from typing import TypeAlias

from bench.attack.attack import End
from bench.attack.attacker import Attacker
from bench.attack.attacks import ATTACKS
from bench.attack.fuzz import Found, Fuzzer

SPAN_S, PATIENCE_S = 2.0, 10.0

# The tries of an attack, and the outcomes of its connections.
Tried: TypeAlias = tuple[int, Counter[str]]

_ready: Attacker | None = None  # in the other process


class Apart:
    """A process that attacks, in a context."""

    def __enter__(self) -> Apart:
        self._process = ProcessPoolExecutor(1, get_context("spawn"))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._process.shutdown()

    def prepare(self, name: str, port: int) -> None:
        """Write the body of the attack `name` on the server at `port`, which may take seconds."""
        self._process.submit(_prepare, name, port).result()

    def attack(self) -> Tried:
        """Carry out the attack that is prepared, for `SPAN_S`."""
        return self._process.submit(_attack).result()

    def fuzz(self, port: int, seed: int, span_s: float) -> Found:
        """Send random bodies for `span_s`."""
        return self._process.submit(_fuzz, port, seed, span_s).result()


def _prepare(name: str, port: int) -> None:
    global _ready
    _ready = Attacker(ATTACKS[name], port, SPAN_S)


def _attack() -> Tried:
    assert _ready
    _ready.start()
    _ready.wait(SPAN_S if _ready.attack.end is End.HOLD else PATIENCE_S)
    _ready.stop()
    return _ready.tries, _ready.outcomes


def _fuzz(port: int, seed: int, span_s: float) -> Found:
    fuzzer = Fuzzer(port, seed)
    fuzzer.start()
    time.sleep(span_s)
    return fuzzer.stop()
