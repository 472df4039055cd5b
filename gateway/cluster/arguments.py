"""The arguments of the application, as `serve run` and a Serve config file give them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator


class Settings(BaseModel):
    """What each replica is told; a change replaces all of them.

    Paths must lead to the same file on each machine of the cluster.
    """

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    config: Path = Path("models.yaml")
    """The models.yaml of all replicas."""
    keys: Path | None = None
    """A file of API keys; requests then need one of them, or one of TOOL_GATEWAY_KEYS."""
    pin_cpus: bool = False
    """Bind each replica to as many CPUs of its own as its `num_cpus`."""
    log: Literal["text", "json"] = "text"
    """Log format."""

    @field_validator("config", "keys")
    @classmethod
    def absolute(cls, path: Path | None) -> Path | None:
        return path and path.absolute()


class Arguments(Settings):
    """The settings of the replicas, and their number."""

    replicas: int = Field(default=1, ge=1)
    """Replicas; with `max_replicas` the fewest."""
    max_replicas: int | None = Field(default=None, ge=1)
    """The most replicas that autoscaling may start; by default it starts none."""

    @property
    def settings(self) -> Settings:
        return Settings(**self.model_dump(include={*Settings.model_fields}))
