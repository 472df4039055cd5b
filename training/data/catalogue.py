"""Loads the catalogue of tools, and checks it: python -m training.data.catalogue FILES."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.data import fault
from training.data.document import Malformed, read
from training.data.form import faults, kind
from training.data.reading import Pools, UnknownPool, read_exchange, read_pools, read_tool
from training.data.tool import Exchange, Tool, coining

ROOT = Path(__file__).parent
HELD_OUT = ROOT / "held_out"
OTHERS = ("values", "talk", "manners", "clients", "rivals")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The material for conversations.

    `clients` are system messages; `rivals`, `general` and `knowing` are described in rivals.yaml.
    """

    tools: tuple[Tool, ...]
    talk: tuple[Exchange, ...]
    unserved: tuple[str, ...]
    before: tuple[str, ...]
    after: tuple[str, ...]
    clients: tuple[str, ...]
    rivals: tuple[frozenset[str], ...]
    general: frozenset[str]
    knowing: frozenset[str]


def load(folder: Path = ROOT) -> Catalogue:
    """Load the catalogue in `folder`, which must have passed the check."""
    pools = read_pools(_mapping(folder / "values.yaml"))
    rivals = _mapping(folder / "rivals.yaml")
    talk, manners = _mapping(folder / "talk.yaml"), _mapping(folder / "manners.yaml")
    tools = tuple(tool for path in tool_files(folder) for tool in _tools(path, pools))
    return Catalogue(
        coining(tools) if folder == ROOT else tools,
        tuple(read_exchange(pair) for pair in talk["talk"]),
        tuple(talk["unserved"]),
        tuple(manners["before"]),
        tuple(manners["after"]),
        tuple(_mapping(folder / "clients.yaml")["clients"]),
        tuple(frozenset(domains) for domains in rivals.get("rivals", [])),
        frozenset(rivals.get("general", [])),
        frozenset(rivals.get("knowing", [])),
    )


def tool_files(folder: Path) -> list[Path]:
    within = folder / "tools" if (folder / "tools").is_dir() else folder
    return sorted(path for path in within.glob("*.yaml") if kind(path) == "tools")


def mistakes(paths: Sequence[Path]) -> Iterator[str]:
    """Yields all faults in the files, each with its file and tool."""
    for path in paths:
        try:
            yield from (f"{path}: {found}" for found in _in_file(path.absolute()))
        except Malformed as error:
            yield from str(error).splitlines()
    yield from _across(paths)


def _in_file(path: Path) -> Iterator[str]:
    data: Any = read(path)
    if wrong := list(faults(data, kind(path))):
        yield from wrong
    elif kind(path) == "tools":
        pools = _pools_of(path)
        for tool in data:
            try:
                found = read_tool(tool, path.stem, pools)
            except UnknownPool as error:
                yield f"{tool['name']}: {error}"
            else:
                yield from (f"{found.name}: {one}" for one in fault.faults(found))


def _across(paths: Sequence[Path]) -> Iterator[str]:
    """Yields duplicate tool names and requests, over these and all other files."""
    known = {p.absolute() for p in (*tool_files(ROOT), *tool_files(HELD_OUT), *paths)}
    names: Counter[str] = Counter()
    asks: Counter[str] = Counter()
    for path in known:
        for tool in _readable(path):
            names[str(tool.get("name"))] += 1
            asks.update({str(ask).lower() for ask in tool.get("asks", [])})
    for path in paths:
        for tool in _readable(path.absolute()):
            if names[str(tool.get("name"))] > 1:
                yield f"{path}: {tool['name']}: duplicate tool name"
            for ask in {str(ask).lower() for ask in tool.get("asks", [])}:
                if asks[ask] > 1:
                    yield f"{path}: {tool['name']}: duplicate request {ask!r}"


def _readable(path: Path) -> list[dict[str, Any]]:
    if kind(path) != "tools":
        return []
    try:
        data = read(path)
    except Malformed:
        return []
    return [tool for tool in data if isinstance(tool, dict)] if isinstance(data, list) else []


def _pools_of(path: Path) -> Pools:
    folder = path.parent.parent if path.parent.name == "tools" else path.parent
    return read_pools(_mapping(folder / "values.yaml"))


def _tools(path: Path, pools: Pools) -> Iterator[Tool]:
    data: Any = read(path)
    return (read_tool(tool, path.stem, pools) for tool in data)


def _mapping(path: Path) -> Mapping[str, Any]:
    data: Any = read(path) if path.exists() else {}
    return data if isinstance(data, dict) else {}


def main(arguments: Sequence[str]) -> int:
    found = [*mistakes([Path(name) for name in arguments] or _all())]
    print("\n".join(found) or "No faults found.")
    return 1 if found else 0


def _all() -> list[Path]:
    others = [folder / f"{name}.yaml" for folder in (ROOT, HELD_OUT) for name in OTHERS]
    return [*tool_files(ROOT), *tool_files(HELD_OUT), *(path for path in others if path.exists())]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
