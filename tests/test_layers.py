"""Who may import whom. The walls of the house: a new import here is a decision."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

GATEWAY = Path(__file__).parent.parent / "gateway"

# A room, and the rooms that it may import from; its own folder always.
ROOMS = {
    "turns": "",
    "errors": "",
    "kept": "",
    "desk": "",
    "request": "turns",
    "stop": "turns",
    "outcomes": "turns",
    "trace": "engine outcomes turns",
    "metrics": "outcomes trace",
    "logs": "trace",
    "guard": "request turns",
    "history": "request turns",
    "said": "kept request",
    "options": "",
    "limits": "options",
    "relay": "",
    "keys": "errors",
    "queue": "errors",
    "allowance": "errors keys queue",
    "admission": "config errors queue",
    "server": "admission errors",
    "functions": "turns",
    "config": "errors limits options remote",
    "source": "errors",
    "gguf": "errors",
    "footprint": "engine errors gguf",
    "use": "",
    "failure": "errors",
    "model": "config desk engine prompt remote request said use wire",
    "seat": "config model use",
    "memory": "errors footprint seat",
    "capabilities": "config prompt wire",
    "wire": "errors kept turns",
    "engine": "errors kept request",
    "sandbox": "",
    "jinja": "errors sandbox turns wire",
    "fitting": "request",
    "needs": "fitting request turns wire",
    "prompt": "errors guard history jinja needs request said turns wire",
    "recognize": "errors needs prompt request turns wire",
    "report": "errors needs prompt recognize request turns wire",
    "constraint": "errors kept request turns wire",
    "budget": "constraint engine guard request turns wire",
    "remote": "constraint engine errors guard kept options prompt request turns wire",
    "start": "config engine footprint source",
    "assembly": "config engine errors model prompt recognize remote wire",
    "registry": "assembly capabilities config desk engine errors failure footprint memory metrics"
    " model seat start trace wire",
    "upkeep": "admission config errors registry wire",
    "parts": "engine turns",
    "transcript": "constraint engine parts request stop turns wire",
    "answer": "budget constraint engine errors model parts prompt request said together trace"
    " transcript wire",
    "together": "",
    "completion": "answer engine errors guard model parts request stop together trace turns",
    "readings": "admission metrics model registry seat",
    "ps": "errors",
    "api": "admission allowance answer completion engine errors footprint keys kept limits metrics"
    " model parts readings registry relay request trace turns",
    "app": "admission api config engine footprint keys metrics model registry upkeep",
    "replay": "api errors parts prompt recognize turns wire",
    "catalog": "turns wire",
    "manual": "admission allowance api config limits options queue server",
    "cli": "api app assembly catalog config constraint engine errors keys logs model prompt ps"
    " replay report request server source start wire",
}

# A library, and the only places that may import it.
KEEPERS = {
    "llama_cpp": "engine/batch engine/devices engine/llama engine/load engine/parameters"
    " engine/sampler",
    "llguidance": "engine/bounds engine/matcher remote/grammar",
    "jinja2": "jinja sandbox",
    "yaml": "config",
    "fastapi": "api app server",
    "starlette": "api",
    "sse_starlette": "api",
    "uvicorn": "server",
    "httpx": "ps remote",
    "prometheus_client": "api/metrics metrics ps readings",
    "psutil": "engine/client",
    "pythonjsonlogger": "logs",
    "huggingface_hub": "source",
    "subprocess": "",
    "multiprocessing": "",
}


def modules() -> Iterator[tuple[str, str]]:
    """Each module as `engine/llama`, and each name that it imports."""
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


def test_every_file_stands_in_a_known_room() -> None:
    found = {room(p.relative_to(GATEWAY).with_suffix("").as_posix()) for p in GATEWAY.rglob("*.py")}
    assert found - {"__init__"} == set(ROOMS)


def test_no_room_imports_from_a_room_above_it() -> None:
    wrong = []
    for module, name in modules():
        if name.startswith("gateway."):
            target = name.split(".")[1]
            if target != room(module) and target not in ROOMS[room(module)].split():
                wrong.append(f"{module} imports {name}")
    assert not wrong


@pytest.mark.parametrize("library", KEEPERS)
def test_a_library_is_imported_only_by_its_keepers(library: str) -> None:
    keepers = KEEPERS[library].split()
    wrong = [
        module
        for module, name in modules()
        if name.split(".")[0] == library
        and not any(module == k or room(module) == k for k in keepers)
    ]
    assert not wrong
