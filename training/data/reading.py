"""Converts checked YAML of the catalogue to tools."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.chat.json import Json
from training.data.phrase import Phrase, phrase
from training.data.tool import Ask, Exchange, Outcome, Parameter, Tool
from training.data.values import Listed, Values, listed, span, spoken, without_article

Pools = Mapping[str, Values]


class UnknownPool(Exception):
    """A parameter names a pool of values that does not exist."""


def read_pools(data: Mapping[str, list[Json]]) -> dict[str, Values]:
    return {name: _listed(values) for name, values in data.items()}


def read_tool(data: Mapping[str, Any], domain: str, pools: Pools) -> Tool:
    """The tool of a YAML entry; raises UnknownPool."""
    answers = tuple(map(phrase, data.get("answers", [])))
    return Tool(
        data["name"],
        domain,
        data["description"],
        tuple(_parameter(name, one, pools) for name, one in data["parameters"].items()),
        tuple(_ask(ask) for ask in data["asks"]),
        tuple(_ask(ask, numbered=True) for ask in data.get("two", [])),
        tuple(read_exchange(pair) for pair in data.get("lacking", [])),
        tuple(_outcome(result, answers) for result in data["results"]),
        tuple(Outcome(result, (phrase(answer),), True) for result, answer in data["failures"]),
    )


def read_exchange(pair: list[str]) -> Exchange:
    return Exchange(phrase(pair[0]), phrase(pair[1]))


def read_values(given: Json, pools: Pools) -> Values:
    """A list of values, a range, or the pool of that name; raises UnknownPool."""
    if isinstance(given, list):
        return _listed(given)
    if found := span(str(given)):
        return found
    if str(given) not in pools:
        raise UnknownPool(f"no pool {given!r}; valid are {', '.join(sorted(pools)) or 'none'}")
    return pools[str(given)]


def _listed(values: list[Json]) -> Listed:
    return listed([*map(without_article, values)])


def _parameter(name: str, data: Mapping[str, Any], pools: Pools) -> Parameter:
    return Parameter(
        name,
        data["type"],
        data.get("description", ""),
        data.get("optional", False),
        tuple(data.get("enum", ())),
        _values(data, pools),
        _parameter("items", data["items"], pools) if "items" in data else None,
        span(data.get("size", "1..3")),
        tuple(_parameter(key, one, pools) for key, one in data.get("properties", {}).items()),
        tuple(map(phrase, data.get("ways", []))),
    )


def _values(data: Mapping[str, Any], pools: Pools) -> Values | None:
    if "values" in data:
        return read_values(data["values"], pools)
    if data["type"] == "boolean":
        return spoken([*data["said"]], data["said"]) if "said" in data else None
    return spoken(data["enum"], data.get("said", {})) if "enum" in data else None


def _ask(data: str | Mapping[str, Any], *, numbered: bool = False) -> Ask:
    if isinstance(data, str):
        return Ask(phrase(data, numbered=numbered), {})
    return Ask(phrase(data["ask"], numbered=numbered), data.get("with", {}))


def _outcome(data: Mapping[str, Any], answers: tuple[Phrase, ...]) -> Outcome:
    if set(data) == {"result", "answer"}:
        return Outcome(data["result"], (phrase(data["answer"]),), True)
    return Outcome(dict(data), answers, False)
