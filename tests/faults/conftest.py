"""The gateway that the fault tests share."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tests.e2e.talk import embedded
from tests.faults.gateway import Gateway, running

PREFIX_CACHE = {"memory_mb": 1, "folder": "prefixes"}


@pytest.fixture(scope="package")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway for four models, which the fault tests share.

    `m` has a short `hang_s`, `copy` a separate file and `cached` a folder for prefixes. The folder
    of `barred` can't be created, because its path is a file.
    """
    folder = tmp_path_factory.mktemp("faults")
    shutil.copyfile(embedded(), folder / "copy.gguf")
    models = {
        "m": {"hang_s": 5},
        "copy": {"source": "copy.gguf"},
        "barred": {"prefix_cache": {"memory_mb": 1, "folder": "copy.gguf"}},
        "cached": {"context": 512, "prefix_cache": PREFIX_CACHE},
    }
    with running(folder, models) as gateway:
        yield gateway
