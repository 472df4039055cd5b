"""The sides of the evaluation: the same weights with different settings."""

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
SERVED = "smollm2"  # the entry of models.yaml that is evaluated

Servers: TypeAlias = dict[str, Server]


@dataclass(frozen=True, slots=True)
class Side:
    """A way to serve the model, with or without a grammar, greedy or sampled."""

    name: str
    about: str
    overrides: Mapping[str, str] = field(default_factory=dict)  # of keys in models.yaml
    has_adapter: bool = False
    has_grammar: bool = True
    is_greedy: bool = True

    @property
    def choices(self) -> tuple[str, ...]:
        """The values of tool_choice to score; `required` needs a grammar."""
        return ("auto", "required") if self.has_grammar and self.is_greedy else ("auto",)

    def entry(self, served: dict[str, Any], adapter: Path) -> dict[str, Any]:
        """The models.yaml entry of this side; `served` is that of the evaluated model."""
        entry = {key: served[key] for key in ("source", "context", "template", "format")}
        entry |= {**self.overrides, "threads": "auto"}
        entry |= {"sampling": {"temperature": 0} if self.is_greedy else served["sampling"]}
        return entry | ({"lora": str(adapter.resolve())} if self.has_adapter else {})


PLAIN = {"template": "smollm2", "format": "hermes"}
WITH = Side("adapter", "adapter, its template, greedy", has_adapter=True)
WITHOUT = Side("base", "no adapter, template of the adapter, greedy")
SIDES = (
    WITH,
    Side(
        "adapter-sampled",
        "adapter, sampled as in models.yaml",
        has_adapter=True,
        is_greedy=False,
    ),
    Side("adapter-free", "adapter, no grammar", has_adapter=True, has_grammar=False),
    WITHOUT,
    Side("base-free", "no adapter, no grammar", has_grammar=False),
    Side("base-plain", "no adapter, template smollm2", PLAIN),
)


@contextmanager
def served(sides: Sequence[Side], adapter: Path = ADAPTER) -> Iterator[Servers]:
    """Servers by the name of the side: one gateway with grammars, and one without."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        config = Path(folder) / "models.yaml"
        config.write_text(yaml.safe_dump({"models": _entries(sides, adapter)}))
        found: Servers = {}
        for has_grammar in (True, False):
            names = [side.name for side in sides if side.has_grammar == has_grammar]
            if names:
                server = stack.enter_context(_gateway(config, has_grammar))
                found |= dict.fromkeys(names, server)
        yield found


def _entries(sides: Sequence[Side], adapter: Path) -> dict[str, Any]:
    models = yaml.safe_load((REPO / "models.yaml").read_text())["models"]
    return {side.name: side.entry(models[SERVED], adapter) for side in sides}


@contextmanager
def _gateway(config: Path, has_grammar: bool) -> Iterator[Server]:
    port = unused_port()
    command = [sys.executable, "-m", "training.evaluation.free", str(config), str(port)]
    if has_grammar:
        command = [str(Path(sys.executable).parent / "tool-gateway"), "serve"]
        command += ["--config", str(config), "--port", str(port)]
    with serving(command, port) as server:
        yield server
