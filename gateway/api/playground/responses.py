"""The response schema of the OpenAPI document; the response is not built from it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel


class Description(BaseModel):
    """What the gateway is, and the paths of its routes; strangers do not get its version."""

    name: Literal["tool-gateway"]
    version: str | None = None
    documentation: str
    openapi: str
    models: str
    health: str
