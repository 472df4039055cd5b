"""The constraints of a model's requests: built within a budget of time and memory, and remembered.

Schemas that are small and plain are cheap by their form; what others cost shows when they are
compiled, so that is tried in a process that is killed if it takes too long.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import replace
from functools import partial

from gateway.chat.json import json_text
from gateway.chat.request import Request
from gateway.errors import BadRequest, Overloaded, SchemaTooComplex
from gateway.generate.constraint import (
    UNSUPPORTED,
    Build,
    Constraint,
    Outcome,
    build_constraint,
    relaxed,
    try_parts,
    try_tools,
    with_tool,
)
from gateway.models.model import ChatModel
from gateway.observe.trace import current
from gateway.pool.budget import OverBudget
from gateway.pool.pool import Runner
from gateway.pool.process import NotStarted
from gateway.schema.plain import MAX_PLAIN_VALUES, plain_values

MAX_NAMED = 3  # tools in an error


async def constraint_of(request: Request, model: ChatModel, answer_prefix: str) -> Constraint:
    """Returns the constraint of an answer that begins with `answer_prefix` in the prompt.

    Raises BadRequest as `Constraint` does, SchemaTooComplex if that takes more than the budget, and
    Overloaded if no process could be started for it.
    """
    request = replace(request, messages=())
    key = _key(request, answer_prefix, json_calls=model.entry.json_calls)
    outcome: Outcome | None = model.constraints.get(key)
    if outcome is None:
        build = partial(
            build_constraint,
            format=model.format,
            answer_prefix=answer_prefix,
            special=model.special,
            json_calls=model.entry.json_calls,
            holds_text=model.engine.features.holds_text,
        )
        if _is_plain(request):
            work = partial(build, request)
            outcome = model.constraints[key] = await model.serializer.run(work, len(key))
        else:
            outcome = await _built(partial(build, compiles=True), request, model, key)
    if isinstance(outcome, BadRequest):
        raise copy(outcome)
    return copy(outcome)


async def relax(
    constraint: Constraint, model: ChatModel, refusal: BadRequest, rejected: str | None
) -> None:
    """Relaxes `constraint` as its method does, within the budget; raises SchemaTooComplex too."""
    if refusal.code != UNSUPPORTED:
        raise refusal
    request = constraint.request
    try:
        async with _runner(model) as runner:
            if constraint.grammar != rejected:
                return  # relaxed meanwhile, for another answer to this request
            less = await runner.run(partial(relaxed, constraint, refusal, rejected))
    except OverBudget as error:
        raise _too_complex(request, error) from error
    less.share(model.special)
    constraint.become(less)
    key = _key(request, constraint.answer_prefix, json_calls=model.entry.json_calls)
    model.constraints[key] = copy(less)


async def _built(build: Build, request: Request, model: ChatModel, key: str) -> Outcome:
    async with _runner(model) as runner:
        known: Outcome | None = model.constraints.get(key)
        if known is not None:  # the same schemas came twice while no process was free
            return known
        try:
            outcome = await runner.run(partial(build, request))
        except OverBudget as error:
            outcome = await _refusal(build, request, runner, error)
    if isinstance(outcome, Constraint):
        outcome.share(model.special)
    model.constraints[key] = outcome
    return outcome


@asynccontextmanager
async def _runner(model: ChatModel) -> AsyncIterator[Runner]:
    """A runner of the pool; raises Overloaded for one that can't be started."""
    try:
        async with model.pool.runner(current().client) as runner:
            yield runner
    except NotStarted as error:
        raise Overloaded(str(error)) from error


def _is_plain(request: Request) -> bool:
    """Whether all schemas of `request` are so plain and small that they need no budget."""
    if any(tool.input_grammar for tool in request.callable_tools):
        return False
    schemas = [tool.parameters for tool in request.callable_tools]
    if request.response_schema is not None:
        schemas.append(request.response_schema)
    room = MAX_PLAIN_VALUES
    for schema in schemas:
        values = plain_values(schema, room)
        if values is None:
            return False
        room -= values
    return True


async def _refusal(
    build: Build, request: Request, runner: Runner, error: OverBudget
) -> SchemaTooComplex:
    """The error for `request`; it names the tool at fault, and the place in its schema."""
    tools = request.callable_tools
    if len(tools) > 1:
        name = await _longest_step(partial(try_tools, build, request), runner)
        tools = [tool for tool in tools if tool.name == name]
        if not tools:  # none by itself
            return _too_complex(request, error)
        request = with_tool(request, tools[0])
    if any(tool.is_custom for tool in tools):
        return _too_complex(request, error)
    pointer = await _longest_step(partial(try_parts, build, request), runner)
    return _too_complex(request, error, pointer)


async def _longest_step(work: Callable[[], None], runner: Runner) -> str:
    """The step of `work` that takes more than its share; empty if none does."""
    try:
        await runner.run(work)
    except OverBudget as error:
        return error.step
    return ""


def _too_complex(request: Request, error: OverBudget, pointer: str = "") -> SchemaTooComplex:
    names = [repr(tool.name) for tool in request.callable_tools]
    if not names:
        whose, param = "response_format", "response_format"
    else:
        more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
        whose = f"tool{'s' * (len(names) > 1)} {', '.join(names[:MAX_NAMED])}{more}"
        param = "tools"
    return SchemaTooComplex(
        f"{whose}: the JSON Schema is too complex to be compiled{pointer and f' at {pointer}'}:"
        f" {error}; see `limits.schema_cpu_s` in models.yaml",
        param=param,
    )


def _key(request: Request, answer_prefix: str, *, json_calls: bool) -> str:
    tools = [
        text
        for tool in request.callable_tools
        for text in (tool.name, tool.json, repr(tool.input_grammar))
    ]
    answer = "" if request.response_schema is None else json_text(request.response_schema)
    choice = request.tool_choice
    setting = repr((answer_prefix, choice.required, choice.parallel, json_calls))
    return "\n".join([setting, answer, *tools])
