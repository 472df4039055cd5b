"""The definitions that a schema refers to, under names of our own, and how deep they lead."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from gateway.chat.json import Json, Object
from gateway.schema.refs import find

# Schemas in schemas, through references too. llguidance follows each at once, on its stack: a
# chain of 1,000 definitions ends its process.
MOST_REACHED = 500

_IN_PLACE = ("const", "enum", "allOf", "anyOf", "oneOf", "$ref")
_IN_ORDER = (
    *("prefixItems", "items", "additionalItems"),
    *("properties", "patternProperties", "additionalProperties"),
)


@dataclass
class Definitions:
    """`schemas` are the definitions by name, `origins` what refers to them in `root`."""

    root: Object
    schemas: Object = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    _names: dict[int, str] = field(default_factory=dict)
    _waiting: deque[tuple[str, Json]] = field(default_factory=deque)
    _ending: set[str] = field(default_factory=set)

    def refer(self, reference: str) -> str | None:
        """The reference to write in place of one in `root`; None if that leads nowhere."""
        node = find(reference, self.root)
        if not isinstance(node, dict | bool) or self._leads_round(reference):
            return None
        name = self._names.get(id(node)) if isinstance(node, dict) else None
        if name is None:
            name = f"d{len(self.origins)}"
            self.origins[name] = reference
            if isinstance(node, dict):
                self._names[id(node)] = name
            self._waiting.append((name, node))
        return f"#/$defs/{name}"

    def write(self, relaxed: Callable[[Json, str], Json]) -> None:
        """Fill `schemas` with what `relaxed` makes of each, and of those that it refers to."""
        while self._waiting:
            name, node = self._waiting.popleft()
            self.schemas[name] = relaxed(node, self.origins[name])

    def too_deep(self, root: Json) -> Iterator[Object]:
        """What refers to more than llguidance can follow, from the written `root` on."""
        met: set[str] = set()
        waiting: list[tuple[Json, int]] = [(root, 0)]
        while waiting:
            node, depth = waiting.pop()
            if isinstance(node, list):
                waiting += [(inner, depth) for inner in reversed(node)]
            if not isinstance(node, dict):
                continue
            if depth > MOST_REACHED and isinstance(node.get("$ref"), str):
                yield node
            inside = list(self._inside(node, met))
            waiting += [(inner, depth + 1) for inner in reversed(inside)]

    def _leads_round(self, reference: str) -> bool:
        """Whether a reference leads to nothing but references, for ever."""
        passed: set[str] = set()
        node = find(reference, self.root)
        while isinstance(node, dict) and isinstance(node.get("$ref"), str):
            if reference in passed or len(passed) > MOST_REACHED:
                return True
            if reference in self._ending:
                break
            passed.add(reference)
            reference = str(node["$ref"])
            node = find(reference, self.root)
        self._ending |= passed
        return False

    def _inside(self, node: Object, met: set[str]) -> Iterator[Json]:
        """What is in `node`, in the order that llguidance reads it; a definition only once."""
        group: list[str] = []
        for key in (*node, None):
            if key is not None and key not in _IN_PLACE:
                group.append(key)
                continue
            yield from (node[one] for one in sorted(group, key=_rank))
            group = []
            value = node[key] if key is not None else None
            name = value.removeprefix("#/$defs/") if isinstance(value, str) else None
            if key == "$ref" and name in self.schemas:
                if name not in met:
                    met.add(name)
                    yield self.schemas[name]
            elif key not in (None, "const", "enum"):
                yield value


def _rank(key: str) -> int:
    return _IN_ORDER.index(key) if key in _IN_ORDER else -1
