"""Reads cases from files, those of this package and a user's own.

A file of tools is a JSON list, as `tools` in a chat request. A file of cases has a JSON object on
each line: docs/evaluating-models.md describes its keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from gateway.errors import ConfigError
from gateway.evaluation.case import MAX_TOKENS, Case, Expected, Message
from gateway.schema.validate import violation
from gateway.schema.validation_limits import UncheckedSchema

T = TypeVar("T")

BUILT_IN = Path(__file__).parent / "cases"


def built_in(names: str = "*") -> list[Case]:
    """The cases of this package, or those of the files with these names, as a glob pattern."""
    files = sorted(BUILT_IN.glob(f"{names}.jsonl"))
    return [case for file in files for case in read_cases(file.with_suffix(".tools.json"), file)]


def read_cases(tools: Path, cases: Path) -> list[Case]:
    """The cases of a file, with the tools of another; raises ConfigError."""
    offered = _decode(_read(tools), list[_Tool], str(tools))
    by_name = {tool.function.name: msgspec.to_builtins(tool) for tool in offered}
    found = list(_cases(cases, by_name))
    if not found:
        raise ConfigError(f"{cases} has no cases")
    return found


class _Function(Struct, omit_defaults=True):
    name: str
    description: str = ""
    parameters: dict[str, Any] = {}
    strict: bool | None = None


class _Tool(Struct, tag_field="type", tag="function"):
    function: _Function


class _Line(Struct, forbid_unknown_fields=True):
    kind: str
    messages: str | list[Message]
    calls: tuple[Expected, ...]
    states: tuple[str, ...] = ()
    tools: list[str] | None = None
    tool_choice: str | dict[str, Any] = "auto"
    response_format: dict[str, Any] | None = None
    max_tokens: int = MAX_TOKENS


def _cases(path: Path, tools: Mapping[str, dict[str, Any]]) -> Iterator[Case]:
    for number, text in enumerate(_read(path).splitlines(), 1):
        if not text.strip():
            continue
        where = f"{path}:{number}"
        line = _decode(text, _Line, where)
        names = list(tools) if line.tools is None else line.tools
        if unknown := [name for name in names if name not in tools]:
            raise ConfigError(f"{where}: no tool {unknown[0]!r}; there are {', '.join(tools)}")
        case = _case(f"{path.stem}:{number}", line, [tools[name] for name in names])
        for call in case.calls:
            if wrong := _wrong(case, call):
                raise ConfigError(f"{where}: the expected call of {call.name!r} {wrong}")
        yield case


def _case(id: str, line: _Line, tools: Sequence[dict[str, Any]]) -> Case:
    text = line.messages
    messages = [{"role": "user", "content": text}] if isinstance(text, str) else text
    settings: dict[str, Any] = {"max_tokens": line.max_tokens}
    if tools:
        settings["tool_choice"] = line.tool_choice
    if line.response_format:
        settings["response_format"] = line.response_format
    return Case(id, line.kind, messages, tools, line.calls, line.states, settings)


def _wrong(case: Case, call: Expected) -> str:
    """Why no right answer can have this call; empty if one can."""
    schema = case.schema(call.name)
    if schema is False:
        return "is not of an offered tool"
    try:
        reason = None if call.arguments is None else violation(schema, call.arguments)
    except UncheckedSchema as error:
        reason = str(error)
    return f"has invalid arguments: {reason}" if reason else ""


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error


def _decode(data: bytes, type: type[T], where: str) -> T:
    try:
        return msgspec.json.decode(data, type=type)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ConfigError(f"{where}: {error}") from error
