"""A GGUF file with a corrupt byte is served or fails without effect on other models."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import gguf
import pytest

from tests.e2e.talk import embedded
from tests.faults.gateway import Ending, running

pytestmark = pytest.mark.model

AT_ONCE = 2
UNUSABLE = {"model_unusable", "model_too_large"}
SETTINGS = 2000  # bytes that contain the hyperparameters; the vocabulary follows


@dataclass(frozen=True, slots=True)
class Place:
    name: str
    at: int
    flip: int

    def corrupt(self, whole: Path, file: Path) -> None:
        """Copies `whole` to `file` and changes the byte at this place."""
        shutil.copyfile(whole, file)
        with file.open("r+b") as data:
            data.seek(self.at)
            [byte] = data.read(1)
            data.seek(self.at)
            data.write(bytes([byte ^ self.flip]))


def places(whole: Path) -> Iterator[Place]:
    """Yields fifty places in all parts of a GGUF file."""
    reader, chance = gguf.GGUFReader(whole), Random(7)
    infos, data = int(reader.tensors[0].field.offset), int(reader.data_offset)
    end = whole.stat().st_size
    parts = {
        "header": (8, 0, 24),
        "settings": (12, 24, SETTINGS),
        "vocabulary": (8, SETTINGS, infos),
        "tensors": (12, infos, data),
        "weights": (10, data, end),
    }
    for part, (count, start, stop) in parts.items():
        for i in range(count):
            yield Place(f"{part}-{i}", chance.randrange(start, stop), chance.randrange(1, 256))


async def test_corrupt_byte_affects_only_its_model(tmp_path: Path) -> None:
    found, whole = [*places(embedded())], embedded()
    entry = {"template": "gguf", "context": 256, "hang_s": 20, "idle_s": 0.1}
    models = {place.name: {**entry, "source": f"{place.name}.gguf"} for place in found}
    with running(tmp_path, {"m": {"context": 256}, **models}) as gateway:
        before, door = await gateway.rest("m"), asyncio.Semaphore(AT_ONCE)

        async def ask(place: Place) -> Ending:
            async with door:
                file = tmp_path / f"{place.name}.gguf"
                place.corrupt(whole, file)
                try:
                    # A corrupt model may generate nothing that a grammar admits.
                    return await gateway.ask(place.name, response_format=None)
                finally:
                    file.unlink()

        endings = await asyncio.gather(*map(ask, found))
        told = dict(zip(found, endings, strict=True))
        assert {p: e for p, e in told.items() if not is_proper(p, e)} == {}
        await gateway.recovers(before, "m")


def is_proper(place: Place, ending: Ending) -> bool:
    """Returns whether the answer finished, or failed with an error that names the file or model."""
    if ending.finish:
        return True
    named = place.name if ending.code == "model_too_large" else f"{place.name}.gguf"
    return ending.status == 424 and ending.code in UNUSABLE and named in ending.message
