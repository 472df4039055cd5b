"""The response schemas of the OpenAPI document; responses are not built from these."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel


class Health(BaseModel):
    status: Literal["ok", "degraded"]
    loaded: list[str]
    states: dict[str, str]
    wrong: dict[str, str]
    memory_mb: dict[str, int]
    counts: dict[str, dict[str, int]]


class Liveness(BaseModel):
    status: Literal["ok"]


class Readiness(BaseModel):
    status: Literal["ok", "unavailable"]
    reason: str | None


class ModelState(BaseModel):
    id: str
    object: Literal["model"]
    state: str
