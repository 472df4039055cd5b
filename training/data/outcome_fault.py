"""Finds faults in the results of a tool and in the answers that report them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gateway.chat.json import Json
from training.data.phrase import Phrase, brace_faults, name
from training.data.result import Outline, outline
from training.data.tool import Tool


def faults(tool: Tool) -> Iterator[str]:
    outlines = {id(one): outline(one.result) for one in (*tool.outcomes, *tool.failures)}
    templates = [outlines[id(one)] for one in tool.outcomes if not one.is_written]
    for outcome in (*tool.outcomes, *tool.failures):
        found = outlines[id(outcome)]
        yield from (f"result {outcome.result}: {fault}" for fault in _of_result(found, tool))
        for answer in outcome.answers:
            known = [found] if outcome.is_written else templates
            yield from (f"answer '{answer}': {fault}" for fault in _of_answer(answer, known, tool))
    for outcome in tool.outcomes:
        if not any(_fits(answer, outlines[id(outcome)], tool) for answer in outcome.answers):
            yield f"result {outcome.result}: no answer fits it if only required arguments are given"


def _of_result(found: Outline, tool: Tool) -> Iterator[str]:
    for path in found.slots - tool.leaves.keys():
        yield f"{{{name(path)}}} is not a parameter"
    for path, leaf in found.leaves.items():
        if path[-1] == "choose" and not isinstance(leaf, str):
            yield "`choose` needs a list or a range, and no other key"


def _of_answer(answer: Phrase, known: Sequence[Outline], tool: Tool) -> Iterator[str]:
    yield from brace_faults(answer)
    for path in answer.paths:
        if path[0] != "result":
            if path not in tool.leaves:
                yield f"{{{name(path)}}} is not a parameter"
        elif not any(path[1:] in one.leaves for one in known):
            yield f"no result has {{{name(path)}}}"
        elif any(_is_unsayable(one.leaves.get(path[1:], "")) for one in known):
            yield f"{{{name(path)}}} cannot be in a sentence: it is a boolean or an object"
    names_news = any(path[0] == "result" for path in answer.paths)
    if not names_news and known and all(one.varied for one in known):
        yield "it contains no value of the result"


def _is_unsayable(leaf: Json) -> bool:
    if isinstance(leaf, dict):
        return set(leaf) != {"choose"} or _is_unsayable(leaf["choose"])
    if isinstance(leaf, list):
        return any(map(_is_unsayable, leaf))
    return isinstance(leaf, bool) or leaf is None


def _fits(answer: Phrase, found: Outline, tool: Tool) -> bool:
    named = {path[1:] for path in answer.paths if path[0] == "result"}
    return (
        named <= set(found.leaves)
        and answer.paths - {("result", *p) for p in named} <= tool.required
    )
