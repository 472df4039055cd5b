"""The response schemas of the OpenAPI document; responses are not built from these."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel

from gateway.api.openai.responses import Fault


class CaptureSummary(BaseModel):
    """`status` is null while the request runs; `ms` is how long it has taken so far."""

    id: str
    time: str
    model: str
    endpoint: str
    status: int | None
    is_done: bool
    ms: float
    calls: int
    first_words: str


class CaptureList(BaseModel):
    """The latest requests, the newest first."""

    object: Literal["list"]
    data: list[CaptureSummary]


class CapturedRequest(BaseModel):
    """What is recorded of a request: docs/captures.md describes all fields."""

    version: int
    id: str
    time: str
    endpoint: str
    model: str
    request: Any
    attempts: list[dict[str, Any]]
    events: list[dict[str, Any]]
    response: dict[str, Any]
    error: Fault | None
    timings: dict[str, float | None]
    versions: dict[str, str]
