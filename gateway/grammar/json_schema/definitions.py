"""The definitions that a schema refers to: renamed, and limited in depth."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from gateway.chat.json import Json, Object
from gateway.schema.refs import find

# Subschemas within subschemas, also through references. llguidance follows each at once, on its
# stack: a chain of 1,000 definitions overflows it, which ends the process.
MAX_DEPTH = 500

# In which order llguidance compiles the keywords of a schema.
_IN_PLACE = ("const", "enum", "allOf", "anyOf", "oneOf", "$ref")
_IN_ORDER = (
    *("prefixItems", "items", "additionalItems"),
    *("properties", "patternProperties", "additionalProperties"),
)


@dataclass
class Definitions:
    """The definitions of the schema `root`.

    `schemas` has them by their new names, `origins` the references in `root` that led to them.
    """

    root: Object
    schemas: Object = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    _names: dict[int, str] = field(default_factory=dict)
    _queue: deque[tuple[str, Json]] = field(default_factory=deque)
    _not_circular: set[str] = field(default_factory=set)

    def refer(self, reference: str) -> str | None:
        """The reference to write in place of one in `root`; None if that has no target."""
        node = find(reference, self.root)
        if not isinstance(node, dict | bool) or self._is_circular(reference):
            return None
        name = self._names.get(id(node)) if isinstance(node, dict) else None
        if name is None:
            name = f"d{len(self.origins)}"
            self.origins[name] = reference
            if isinstance(node, dict):
                self._names[id(node)] = name
            self._queue.append((name, node))
        return f"#/$defs/{name}"

    def write(self, relaxed: Callable[[Json, str], Json]) -> None:
        """Fill `schemas`: `relaxed` rewrites each definition, and may refer to more of them."""
        while self._queue:
            name, node = self._queue.popleft()
            self.schemas[name] = relaxed(node, self.origins[name])

    def too_deep(self, root: Json) -> Iterator[Object]:
        """Yields the schemas whose `$ref` llguidance can't follow, from the rewritten `root` on."""
        visited: set[str] = set()
        stack: list[tuple[Json, int]] = [(root, 0)]
        while stack:
            node, depth = stack.pop()
            if isinstance(node, list):
                stack += [(inner, depth) for inner in reversed(node)]
            if not isinstance(node, dict):
                continue
            if depth > MAX_DEPTH and isinstance(node.get("$ref"), str):
                yield node
            inside = list(self._inside(node, visited))
            stack += [(inner, depth + 1) for inner in reversed(inside)]

    def _is_circular(self, reference: str) -> bool:
        """Whether a reference leads only to references, without end."""
        passed: set[str] = set()
        node = find(reference, self.root)
        while isinstance(node, dict) and isinstance(node.get("$ref"), str):
            if reference in passed or len(passed) > MAX_DEPTH:
                return True
            if reference in self._not_circular:
                break
            passed.add(reference)
            reference = str(node["$ref"])
            node = find(reference, self.root)
        self._not_circular |= passed
        return False

    def _inside(self, node: Object, visited: set[str]) -> Iterator[Json]:
        """The subschemas of `node`, in the order of llguidance; a definition only once."""
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
                if name not in visited:
                    visited.add(name)
                    yield self.schemas[name]
            elif key not in (None, "const", "enum"):
                yield value


def _rank(key: str) -> int:
    return _IN_ORDER.index(key) if key in _IN_ORDER else -1
