"""An application's start and shutdown, as ASGI has them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from fastapi import FastAPI
from fastapi.telemetry import _runtime

from gateway.api.server.lifespan import lifespan
from gateway.api.telemetry import telemetry
from gateway.errors import ConfigError
from tests.fakes import Script, scripted
from tests.served import served

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def failing(before: str = "", after: str = "") -> Lifespan:
    """A lifespan that fails at its start or at its end."""

    @asynccontextmanager
    async def fails(app: FastAPI) -> AsyncIterator[None]:
        app.state.steps = ["started"]
        if before:
            raise ConfigError(before)
        yield
        app.state.steps.append("ended")
        if after:
            raise ConfigError(after)

    return fails


async def test_the_application_runs_within_the_context() -> None:
    app = FastAPI(lifespan=failing())
    async with lifespan(app):
        assert app.state.steps == ["started"]
    assert app.state.steps == ["started", "ended"]


@pytest.mark.parametrize("step", ["before", "after"])
async def test_what_the_application_raises_is_raised(step: str) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        async with lifespan(FastAPI(lifespan=failing(**{step: "no such file"}))):
            assert step == "after"


async def test_an_exception_within_the_context_shuts_the_application_down() -> None:
    app = FastAPI(lifespan=failing())
    with pytest.raises(ValueError, match="a fault"):
        async with lifespan(app):
            raise ValueError("a fault")
    assert app.state.steps == ["started", "ended"]


def test_the_server_configures_the_export_of_telemetry(monkeypatch: pytest.MonkeyPatch) -> None:
    configured: list[bool] = []
    monkeypatch.setattr(
        _runtime,
        "_configure_from_environment",
        lambda config: configured.append(config["auto_configure"]),
    )
    with served(Script([scripted("Hi")])):
        assert configured == [telemetry()["auto_configure"]] == [True]
