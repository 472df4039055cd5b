"""llama.cpp as it is set up for a real model."""

from __future__ import annotations

from pathlib import Path

import llama_cpp as lib
import pytest

from gateway.engine.llama import Llama, processors
from gateway.engine.messages import Start

pytestmark = pytest.mark.model


@pytest.mark.parametrize(("asked", "given"), [(None, processors()), (1, 1), (3, 3)])
def test_threads_are_what_was_asked_or_one_for_each_processor(
    model_path: Path, asked: int | None, given: int
) -> None:
    llama = Llama(Start(str(model_path), 512, threads=asked))
    assert lib.llama_n_threads(llama._context) == given
    assert lib.llama_n_threads_batch(llama._context) == given
