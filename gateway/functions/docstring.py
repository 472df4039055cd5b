"""A docstring in Google's style -> what it says of the function and of each parameter.

Source: https://google.github.io/styleguide/pyguide.html#383-functions-and-methods, as far as
https://huggingface.co/docs/transformers/chat_extras reads it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

ENTRY = re.compile(r"(?P<indent>[ \t]*)(?P<name>\w+):(?P<text>.*)")


@dataclass(frozen=True, slots=True)
class Docstring:
    """`returns` is None where there is no `Returns:` section."""

    description: str
    parameters: dict[str, str]
    returns: str | None


def read(text: str) -> Docstring:
    """The parts of a docstring, as `inspect.getdoc` gives it; a section's head has its own line.

    >>> read("Add up.\\n\\nArgs:\\n  a: One number\\n  b: Another").parameters
    {'a': 'One number', 'b': 'Another'}
    """
    text = text.strip()
    entries = _section(text, "Args", ends=("Returns", "Raises"))
    returns = _section(text, "Returns", ends=("Raises",))
    return Docstring(
        description=_before(text, ("Args", "Returns", "Raises")).strip(),
        parameters=_entries((entries or "").splitlines()),
        returns=None if returns is None else returns.strip(),
    )


def _section(text: str, head: str, ends: tuple[str, ...]) -> str | None:
    found = re.search(rf"\n\s*{head}:\n", text)
    return _before(text[found.end() :], ends) if found else None


def _before(text: str, heads: tuple[str, ...]) -> str:
    """What stands before the first of `heads`, wherever in a line that is."""
    return re.split(rf"(?:{'|'.join(heads)}):", text, maxsplit=1)[0]


def _entries(lines: Iterable[str]) -> dict[str, str]:
    """Descriptions by name; a line that names nothing, or stands deeper, goes on with the last."""
    said: dict[str, list[str]] = {}
    name, deeper = "", ("", "")
    for line in filter(str.strip, lines):
        entry = ENTRY.match(line)
        if entry and not (name and line.startswith(deeper)):
            name, indent, line = entry["name"], entry["indent"], entry["text"]
            deeper = (f"{indent} ", f"{indent}\t")
            said[name] = []
        if name:
            said[name].append(line.strip())
    return {name: " ".join(filter(None, parts)) for name, parts in said.items()}
