"""GET /health, GET /livez, GET /readyz: what monitors and orchestrators poll, without a key."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from gateway.admission.admission import Admission
from gateway.models.handle import State
from gateway.models.memory_estimate import MB
from gateway.models.registry import Registry

router = APIRouter()


@router.head("/health", include_in_schema=False)
@router.get("/health")
async def health(http: Request) -> dict[str, Any]:
    """Report the health of the gateway and its models; the status code is always 200."""
    registry: Registry = http.app.state.registry
    found = {name: registry.status(name) for name in registry.config.models}
    wrong = {name: status.reason for name, status in found.items() if status.reason}
    if registry.config_error:
        wrong["models.yaml"] = registry.config_error
    if http.state.is_anonymous:  # a reason may quote a path or a secret
        wrong = dict.fromkeys(wrong, "send an API key to see the reason")
    return {
        "status": "degraded" if wrong else "ok",
        "loaded": [name for name in found if registry.is_loaded(name)],
        "states": {name: status.state for name, status in found.items()},
        "progress": {name: status.progress for name, status in found.items() if status.progress},
        "wrong": wrong,
        "memory_mb": {
            "models": registry.memory.reserved_bytes // MB,
            "most": registry.memory.total_bytes // MB,
        },
        "counts": registry.tallies(),
    }


@router.head("/livez", include_in_schema=False)
@router.get("/livez")
async def livez() -> dict[str, str]:
    """Say that the process answers, also while it shuts down."""
    return {"status": "ok"}


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz")
async def readyz(http: Request) -> JSONResponse:
    """Return 200 if requests are accepted and the preloaded models are loaded, else 503."""
    reason = _unready(http.app.state.registry, http.app.state.admission)
    answer = {"status": "unavailable" if reason else "ok", "reason": reason or None}
    return JSONResponse(answer, 503 if reason else 200)


def _unready(registry: Registry, admission: Admission) -> str:
    """Why the gateway is not ready; "" if it is.

    A preloaded model that was unloaded since is loaded by the next request, so it counts as ready.
    """
    if admission.is_closed:
        return "the gateway is shutting down"
    preloaded = [name for name, entry in registry.config.models.items() if entry.preload]
    states = {name: registry.status(name).state for name in preloaded}
    pending = [f"{n} ({s})" for n, s in states.items() if s in (State.LOADING, State.FAILED)]
    return f"preloaded models are not loaded: {', '.join(pending)}" if pending else ""
