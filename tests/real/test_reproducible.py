from __future__ import annotations

import pytest

from tests.real.fetch import PATH
from tests.worker.test_reproducible import check, load

pytestmark = pytest.mark.real


def test_an_answer_of_k_quants_is_the_same_to_the_last_bit_whatever_else_runs() -> None:
    assert check(load(PATH, reproducible="always"), schedule=1, requests=6)
