"""Reads YAML strictly: rejects unquoted values that YAML 1.1 reads as another type."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from gateway.chat.json import Json

TRAP = re.compile(
    r"(?i)yes|no|on|off|y|n|[-+]?[0-9_]+(:[0-9_.]+)+|\d{4}-\d\d?-\d\d?.*|0[0-9xob_].*"
)


class Malformed(Exception):
    """The file is not YAML, or has ambiguous values; the message names each place."""


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Reads ambiguous values as text, and records their places."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.traps: list[str] = []

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        if isinstance(node, yaml.ScalarNode) and node.tag != "tag:yaml.org,2002:str":
            if TRAP.fullmatch(node.value):
                self._note(node, f"{node.value!r} needs quotes: YAML reads it as {node.tag[18:]}")
                return node.value
        elif isinstance(node, yaml.MappingNode):
            self._check_keys(node)
        return super().construct_object(node, deep)

    def _check_keys(self, node: yaml.MappingNode) -> None:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._note(key, "a key is a list or an object: a text with {slots} needs quotes")
            elif key.value in seen:
                self._note(key, f"{key.value!r} is used twice")
            else:
                seen.add(key.value)

    def _note(self, node: Any, what: str) -> None:
        self.traps.append(f"line {node.start_mark.line + 1}: {what}")


def read(path: Path) -> Json:
    """The content of the file at `path`; raises Malformed."""
    return _read(path, path.stat().st_mtime_ns)


@cache
def _read(path: Path, changed_ns: int) -> Json:
    loader = Loader(path.read_text("utf-8"))
    try:
        data: Json = loader.get_single_data()
    except yaml.YAMLError as error:
        loader.traps.append(" ".join(str(error).split()))
    if loader.traps:
        raise Malformed("\n".join(f"{path}: {trap}" for trap in loader.traps))
    return data
