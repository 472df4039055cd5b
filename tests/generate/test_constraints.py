"""Constraints are built within a budget, in the process that suits them, and remembered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import httpx
import pytest

from gateway.admission.api_keys import new_key
from gateway.pool.budget import Budget, OverBudget
from gateway.pool.pool import InThisProcess, Pool, ProcessPool, Runner
from gateway.pool.process import NotStarted
from tests.fakes import TOOLS, Script, app, chat, scripted, until

T = TypeVar("T")

OVER_BUDGET = OverBudget("it takes more than 2 s of CPU time")
STRING = {"type": "string"}
OVERLAPPING = {f"^abcdef{i}[a-z]*$": STRING for i in range(400)}

# Small requests whose schemas take minutes to compile, or to reduce to what can be compiled.
BOMBS: dict[str, dict[str, Any]] = {
    "patterns that overlap": {"patternProperties": OVERLAPPING},
    "properties": {"properties": {f"p{i}": STRING for i in range(10_000)}},
    "disjoint branches": {
        "properties": {
            "a": {"oneOf": [{"enum": [f"{i} {j}" for j in range(300)]} for i in range(64)]}
        }
    },
}


class Recording(InThisProcess):
    """Counts its jobs; each raises `error` if there is one."""

    def __init__(self, error: Exception | None = None):
        self.jobs = 0
        self._error = error

    async def run(self, work: Callable[[], T]) -> T:
        self.jobs += 1
        if self._error:
            raise self._error
        return await super().run(work)


class Stalled(InThisProcess):
    """Its jobs never end; `stalled` is their number."""

    def __init__(self) -> None:
        self.stalled = 0

    async def run(self, work: Callable[[], T]) -> T:
        self.stalled += 1
        try:
            await asyncio.Event().wait()
        finally:
            self.stalled -= 1
        raise AssertionError


@asynccontextmanager
async def serving(pool: Pool) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway whose model answers `Hi` to each request."""
    served = app(Script([scripted("Hi") for _ in range(20)]), pool=pool)
    async with served.router.lifespan_context(served):
        transport = httpx.ASGITransport(served)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway/v1") as client:
            yield client


def asks(parameters: Mapping[str, Any], name: str = "f") -> dict[str, Any]:
    return chat(tools=[{"type": "function", "function": {"name": name, "parameters": parameters}}])


async def post(client: httpx.AsyncClient, body: Mapping[str, Any]) -> httpx.Response:
    return await client.post("/chat/completions", json=body)


async def test_plain_schemas_need_no_other_process() -> None:
    pool = Recording()
    async with serving(pool) as client:
        assert (await post(client, chat(tools=TOOLS))).status_code == 200
    assert pool.jobs == 0


async def test_what_came_of_other_schemas_is_remembered() -> None:
    pool = Recording()
    async with serving(pool) as client:
        for _ in range(3):
            assert (await post(client, asks({"properties": {"a": {"pattern": "b"}}}))).is_success
        assert pool.jobs == 1
        assert (await post(client, asks({"properties": {"a": {"pattern": "c"}}}))).is_success
    assert pool.jobs == 2


async def test_a_process_that_does_not_start_is_tried_again() -> None:
    pool = Recording(NotStarted("a process could not be started: no memory"))
    async with serving(pool) as client:
        answers = [await post(client, asks({"patternProperties": OVERLAPPING})) for _ in range(2)]
    assert pool.jobs == 2
    for answer in answers:
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert "no memory" in answer.json()["error"]["message"]


async def test_a_refusal_is_remembered() -> None:
    pool = Recording(OVER_BUDGET)
    async with serving(pool) as client:
        answers = [await post(client, asks({"patternProperties": OVERLAPPING})) for _ in range(3)]
    assert pool.jobs == 2  # the second looks for the place in the schema
    for answer in answers:
        assert answer.status_code == 400
        error = answer.json()["error"]
        assert (error["code"], error["param"]) == ("schema_too_complex", "tools")
        assert "tool 'f'" in error["message"]
        assert "limits.schema_cpu_s" in error["message"]


async def test_the_same_schemas_at_once_are_compiled_once() -> None:
    pool = OneAtATime()
    async with serving(pool) as client:
        body = asks({"patternProperties": OVERLAPPING})
        answers = await asyncio.gather(*(post(client, body) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {400}
    assert pool.jobs == 2


class OneAtATime(Recording):
    def __init__(self) -> None:
        super().__init__(OVER_BUDGET)
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def runner(self, client: str = "") -> AsyncIterator[Runner]:
        async with self._lock:
            await asyncio.sleep(0.01)  # until all requests wait
            yield self


class Asked(InThisProcess):
    """Records the clients that it lends a runner to."""

    def __init__(self) -> None:
        self.clients = list[str]()

    @asynccontextmanager
    async def runner(self, client: str = "") -> AsyncIterator[Runner]:
        self.clients.append(client)
        yield self


@pytest.mark.parametrize(("names", "client"), [((), "127.0.0.1"), (("alice",), "alice")])
async def test_the_turn_is_that_of_the_key_or_else_of_the_address(
    names: Sequence[str], client: str
) -> None:
    pool, made = Asked(), [new_key(name) for name in names]
    served = app(Script([scripted("Hi")]), pool=pool, keys=[key for _, key in made])
    async with served.router.lifespan_context(served):
        transport = httpx.ASGITransport(served)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway/v1") as http:
            headers = [("Authorization", f"Bearer {secret}") for secret, _ in made]
            body = asks({"properties": {"a": {"pattern": "b"}}})
            assert (await http.post("/chat/completions", json=body, headers=headers)).is_success
    assert pool.clients == [client]


@pytest.mark.parametrize("bomb", BOMBS)
async def test_a_schema_that_takes_too_long_is_refused(bomb: str) -> None:
    async with serving(ProcessPool(Budget(0.3, 512))) as client:
        answer = await post(client, asks(BOMBS[bomb]))
        assert answer.json()["error"]["code"] == "schema_too_complex"
        assert "0.3 s" in answer.json()["error"]["message"]
        assert (await post(client, asks({"properties": {"a": {"pattern": "b"}}}))).is_success


FAST: dict[str, Any] = {"properties": {"a": {"pattern": "b"}}}
SLOW: dict[str, Any] = {"properties": {"a": STRING, "b/c": {"patternProperties": OVERLAPPING}}}


async def too_complex(**asked: Any) -> dict[str, Any]:
    """The error of a request whose schemas take more than the budget."""
    async with serving(ProcessPool(Budget(0.6, 512))) as client:
        error: dict[str, Any] = (await post(client, chat(**asked))).json()["error"]
    assert error["code"] == "schema_too_complex"
    return error


async def test_the_tool_at_fault_is_named_and_the_place_in_its_schema() -> None:
    schemas = {"one": FAST, "two": SLOW, "three": FAST}
    tools = [tool for name, one in schemas.items() for tool in asks(one, name)["tools"]]
    error = await too_complex(tools=tools)
    assert error["message"].startswith("tool 'two': the JSON Schema is too complex to be compiled")
    assert "at #/properties/b~1c: " in error["message"]
    assert error["param"] == "tools"


async def test_the_place_in_the_schema_of_an_answer_is_named() -> None:
    schema = {"$defs": {"d": {"patternProperties": OVERLAPPING}}, "allOf": [{"$ref": "#/$defs/d"}]}
    held = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    error = await too_complex(response_format=held)
    assert error["message"].startswith("response_format: ")
    assert "at #/allOf: " in error["message"]


async def test_tools_that_are_too_complex_together_are_named_together() -> None:
    tools = [tool for i in range(3) for tool in asks(FAST, f"f{i}")["tools"]]
    pool = Recording(OVER_BUDGET)
    async with serving(pool) as client:
        answer = await post(client, chat(tools=tools))
    assert "tools 'f0', 'f1', 'f2': " in answer.json()["error"]["message"]
    assert pool.jobs == 2


async def test_others_are_served_while_a_schema_is_compiled() -> None:
    async with serving(ProcessPool(Budget(600, 512))) as client:
        bomb = asyncio.create_task(post(client, asks({"patternProperties": OVERLAPPING})))
        await asyncio.sleep(0.1)
        for body in (chat(), chat(tools=TOOLS), asks({"properties": {"a": {"pattern": "b"}}})):
            assert (await post(client, body)).is_success
        assert not bomb.done()
        bomb.cancel()
        await asyncio.wait({bomb})


async def test_a_client_that_hangs_up_ends_the_work() -> None:
    pool = Stalled()
    async with serving(pool) as client:
        asking = asyncio.create_task(post(client, asks({"patternProperties": OVERLAPPING})))
        await until(lambda: pool.stalled)
        asking.cancel()
        await until(lambda: not pool.stalled)
        assert (await post(client, chat())).is_success
