"""Parses Google-style docstrings: the description, the parameters and the return value.

Source: https://google.github.io/styleguide/pyguide.html#383-functions-and-methods, in the
subset that https://huggingface.co/docs/transformers/chat_extras supports.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

ENTRY = re.compile(r"(?P<indent>[ \t]*)(?P<name>\w+):(?P<text>.*)")


@dataclass(frozen=True, slots=True)
class Docstring:
    """The sections of a docstring; `returns` is None without a `Returns:` section."""

    description: str
    parameters: dict[str, str]
    returns: str | None


def parse(text: str) -> Docstring:
    """Parses a docstring that `inspect.getdoc` returned; a section heading needs its own line.

    >>> parse("Add up.\\n\\nArgs:\\n  a: One number\\n  b: Another").parameters
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
    """The text before the first of `heads`, which may be anywhere in a line."""
    return re.split(rf"(?:{'|'.join(heads)}):", text, maxsplit=1)[0]


def _entries(lines: Iterable[str]) -> dict[str, str]:
    """Descriptions by name; a line without a name, or with more indent, continues the last one."""
    texts: dict[str, list[str]] = {}
    name, deeper = "", ("", "")
    for line in filter(str.strip, lines):
        entry = ENTRY.match(line)
        if entry and not (name and line.startswith(deeper)):
            name, indent, line = entry["name"], entry["indent"], entry["text"]
            deeper = (f"{indent} ", f"{indent}\t")
            texts[name] = []
        if name:
            texts[name].append(line.strip())
    return {name: " ".join(filter(None, parts)) for name, parts in texts.items()}
