"""The sides of the evaluation: the same weights, served in several ways."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from bench.server import Server, serving, unused_port

REPO = Path(__file__).parents[2]
ADAPTER = REPO / "adapters" / "smollm2-135m-tools.gguf"
TEMPLATES = REPO / "templates"
SERVED = "smollm2"  # the entry of models.yaml that is evaluated

Servers: TypeAlias = dict[str, Server]


@dataclass(frozen=True, slots=True)
class Side:
    """`is_held` says that a grammar holds it, `is_greedy` that it is not sampled as served."""

    name: str
    about: str
    written: Mapping[str, str] = field(default_factory=dict)  # not as models.yaml says
    has_adapter: bool = False
    is_held: bool = True
    is_greedy: bool = True

    @property
    def choices(self) -> tuple[str, ...]:
        """Without a grammar, nothing makes a call come that is required."""
        return ("auto", "required") if self.is_held and self.is_greedy else ("auto",)

    def entry(self, served: dict[str, Any], adapter: Path) -> dict[str, Any]:
        """What models.yaml says of it, if it says `served` of the model that is evaluated."""
        entry = {key: served[key] for key in ("source", "context", "template", "format")}
        entry |= {**self.written, "threads": "auto"}
        entry |= {"sampling": {"temperature": 0} if self.is_greedy else served["sampling"]}
        return entry | ({"lora": str(adapter.resolve())} if self.has_adapter else {})


PLAIN = {"template": "smollm2", "format": "hermes"}
WITH = Side("adapter", "the adapter, its template, greedy", has_adapter=True)
WITHOUT = Side("base", "no adapter, the adapter's template, greedy")
SIDES = (
    WITH,
    Side("adapter-sampled", "sampled as models.yaml says", has_adapter=True, is_greedy=False),
    Side("adapter-free", "no grammar", has_adapter=True, is_held=False),
    WITHOUT,
    Side("base-free", "no adapter, no grammar", is_held=False),
    Side("base-plain", "no adapter, the template smollm2", PLAIN),
)


@contextmanager
def served(sides: Sequence[Side], adapter: Path = ADAPTER) -> Iterator[Servers]:
    """The gateways that serve `sides`, by their names: one with grammars, one without."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        (Path(folder) / "templates").symlink_to(TEMPLATES)
        config = Path(folder) / "models.yaml"
        config.write_text(yaml.safe_dump({"models": _entries(sides, adapter)}))
        found: Servers = {}
        for is_held in (True, False):
            names = [side.name for side in sides if side.is_held == is_held]
            if names:
                server = stack.enter_context(_gateway(config, is_held))
                found |= dict.fromkeys(names, server)
        yield found


def _entries(sides: Sequence[Side], adapter: Path) -> dict[str, Any]:
    models = yaml.safe_load((REPO / "models.yaml").read_text())["models"]
    return {side.name: side.entry(models[SERVED], adapter) for side in sides}


@contextmanager
def _gateway(config: Path, is_held: bool) -> Iterator[Server]:
    port = unused_port()
    command = [sys.executable, "-m", "training.evaluation.free", str(config), str(port)]
    if is_held:
        command = [str(Path(sys.executable).parent / "tool-gateway"), "serve"]
        command += ["--config", str(config), "--port", str(port)]
    with serving(command, port) as server:
        yield server
