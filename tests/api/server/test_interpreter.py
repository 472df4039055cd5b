"""The settings of the interpreter with which the event loop waits little."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator

import pytest

from gateway.api.server.interpreter import SWITCH_S, YOUNG_OBJECTS, set_up_interpreter


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    switch_s, thresholds = sys.getswitchinterval(), gc.get_threshold()
    yield
    sys.setswitchinterval(switch_s)
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def test_threads_give_way_soon() -> None:
    before_s = sys.getswitchinterval()
    set_up_interpreter()
    assert sys.getswitchinterval() == pytest.approx(SWITCH_S)
    assert before_s > SWITCH_S


def test_garbage_is_searched_among_new_objects_only() -> None:
    set_up_interpreter()
    assert gc.get_threshold()[0] == YOUNG_OBJECTS
    assert gc.get_freeze_count()


def test_decoding_a_large_body_searches_no_old_objects() -> None:
    """A body may have `limits.structure` objects, each of which the collector follows."""
    set_up_interpreter()
    gc.collect()
    full = gc.get_stats()[2]["collections"]
    kept: list[list[int]] = [[] for _ in range(150_000)]
    assert gc.get_stats()[2]["collections"] == full
    del kept
