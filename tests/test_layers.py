"""Which room may import which. A new arrow is a decision: docs/decisions.md says why."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

GATEWAY = Path(__file__).parent.parent / "gateway"

# Each room, bottom up, and the rooms below it that it may import.
ROOMS = {
    "errors": "",
    "lru": "",
    "concurrency": "",
    "child": "",
    "chat": "",
    "config": "errors",
    "hub": "child config errors",
    "formats": "chat",
    "schema": "chat lru",
    "engine": "chat child errors",
    "parsing": "chat formats schema",
    "grammar": "chat errors formats lru parsing schema",
    "worker": "chat child engine grammar lru",
    "admission": "config errors",
    "pool": "admission child",
    "observe": "chat engine",
    "prompt": "chat errors formats lru parsing",
    "remote": "chat config engine errors formats grammar lru prompt",
    "models": "admission concurrency config engine errors formats hub lru observe pool prompt"
    " remote",
    "generate": "chat concurrency engine errors formats grammar lru models observe parsing pool"
    " prompt schema",
    "functions": "chat",
    "evaluation": "chat errors schema",
    "api": "admission chat concurrency config engine errors generate models observe schema",
    "app": "admission api config engine generate models observe pool",
    "cli": "admission api app chat config engine errors evaluation formats functions generate hub"
    " models observe parsing prompt",
    "cluster": "admission api app chat config errors formats models observe",
}

# A library, and the only places that may import it.
OWNERS = {
    "llama_cpp": "worker/llama worker/sampling/sampler",
    "llguidance": "grammar/bounds remote/grammar worker/sampling",
    "jsonschema": "",
    "jsonschema_rs": "schema/metaschema schema/validate",
    "referencing": "schema/refs",
    "psycopg": "api/responses/stored/postgres",
    "sqlite3": "api/responses/stored/sqlite",
    "jinja2": "prompt/jinja prompt/sandbox",
    "yaml": "config/load",
    "fastapi": "api app cluster",
    "starlette": "api cluster",
    "sse_starlette": "api/sse",
    "uvicorn": "api/server",
    "h11": "api/server",
    "httpx": "cli/evaluate cli/inspect/doctor/surroundings cli/server/running_gateway"
    " evaluation/client remote",
    "opentelemetry": "api/telemetry app cluster/ingress observe/spans",
    "prometheus_client": "api/metrics cli/server/status_table cluster/merge observe/metrics",
    "psutil": "cli/inspect/doctor/machine engine/client",
    "pythonjsonlogger": "observe/logs",
    "ray": "cluster",
    "huggingface_hub": "cli/inspect/doctor/surroundings hub",
    "httpx2": "hub",
    "subprocess": "cli/chat/own_gateway engine/backend",
    "multiprocessing": "",
}
MAX_LOOSE_FILES = 6  # at the top of the package
MAX_FILES = 14  # in a folder


@cache
def modules() -> list[tuple[str, str]]:
    """Returns each module, as `engine/client`, with each name that it imports."""
    return [*imports()]


def imports() -> Iterator[tuple[str, str]]:
    """Yields each module, as `engine/client`, with each name that it imports."""
    for path in sorted(GATEWAY.rglob("*.py")):
        module = path.relative_to(GATEWAY).with_suffix("").as_posix()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{module} has a relative import"
                whole = [f"{node.module}.{alias.name}" for alias in node.names]
                yield from (
                    (module, name)
                    for name in (whole if node.module == "gateway" else [str(node.module)])
                )
            elif isinstance(node, ast.Import):
                yield from ((module, alias.name) for alias in node.names)


def room(module: str) -> str:
    return module.split("/")[0]


def test_rooms_are_listed_bottom_up() -> None:
    found = {room(p.relative_to(GATEWAY).with_suffix("").as_posix()) for p in GATEWAY.rglob("*.py")}
    assert found - {"__init__"} == set(ROOMS)
    names = list(ROOMS)
    for at, (name, below) in enumerate(ROOMS.items()):
        assert set(below.split()) <= set(names[:at]), name


def test_no_room_imports_a_room_that_it_may_not() -> None:
    wrong = []
    for module, name in modules():
        if name.startswith("gateway."):
            target = name.split(".")[1]
            if target != room(module) and target not in ROOMS[room(module)].split():
                wrong.append(f"{module} imports {name}")
    assert not wrong


@pytest.mark.parametrize("library", OWNERS)
def test_a_library_is_imported_only_by_its_owners(library: str) -> None:
    owners = OWNERS[library].split()
    wrong = [
        module
        for module, name in modules()
        if name.split(".")[0] == library
        and not any(module == owner or module.startswith(f"{owner}/") for owner in owners)
    ]
    assert not wrong


def test_folders_stay_small() -> None:
    files = Counter(p.parent for p in GATEWAY.rglob("*.py") if p.name != "__init__.py")
    assert files.pop(GATEWAY) <= MAX_LOOSE_FILES
    assert {path: count for path, count in files.items() if count > MAX_FILES} == {}


def test_only_the_worker_imports_what_runs_in_the_worker() -> None:
    wrong = [
        m for m, name in modules() if name.startswith("gateway.worker") and room(m) != "worker"
    ]
    assert not wrong
