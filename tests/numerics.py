"""How llama.cpp computes in the tests that load a model: `make test-numerics` runs all variants.

Other threads, batches and kernels add numbers up in another order. The last bits of the logits
differ, and so do the words that a model chooses. No test may depend on these.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.engine.options import EngineOptions, Options

VARIABLE = "TOOL_GATEWAY_TEST_NUMERICS"


@dataclass(frozen=True, slots=True)
class Numerics:
    """Settings of llama.cpp, and what is added to the seed of each sampled answer.

    One thread is the default, as the tests share the machine, and threads that wait for each
    other do so by spinning.
    """

    threads: int = 1
    flash_attn: str = "auto"
    ubatch_size: int = 512
    more_seed: int = 0


VARIANTS = {
    "default": Numerics(),
    "one-thread": Numerics(threads=1, flash_attn="off", ubatch_size=16, more_seed=1000),
    "two-threads": Numerics(threads=2, flash_attn="on", ubatch_size=512, more_seed=2000),
    # The Makefile runs this one with a llama.cpp that was compiled for AVX2 alone.
    "avx2": Numerics(more_seed=3000),
}
NAME = os.environ.get(VARIABLE, "default")
if NAME not in VARIANTS:
    raise LookupError(f"{VARIABLE}: no variant {NAME!r}; there are {', '.join(VARIANTS)}")
NUMERICS = VARIANTS[NAME]


def llama_options(**given: Any) -> Options:
    """The variant's settings, but for those that a test is about."""
    ours = {"flash_attn": NUMERICS.flash_attn, "ubatch_size": NUMERICS.ubatch_size}
    return Options(**{**ours, **given})


def engine_options(path: Path | str, context: int, **given: Any) -> EngineOptions:
    """Options of a worker with the variant's settings, but for those that a test is about."""
    return EngineOptions(
        str(path), context, **{"threads": NUMERICS.threads, "llama": llama_options(), **given}
    )


def entry(**given: Any) -> dict[str, Any]:
    """An entry of models.yaml with the variant's settings, but for those that are given."""
    llama = {"flash_attn": NUMERICS.flash_attn, "ubatch_size": NUMERICS.ubatch_size}
    return {
        "threads": NUMERICS.threads,
        **given,
        "llama": {**llama, **given.get("llama", {})},
    }


def seed(number: int) -> int:
    """A seed for what is sampled, another in each variant."""
    return number + NUMERICS.more_seed
