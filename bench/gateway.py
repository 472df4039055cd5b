"""Starts the gateway with the default model."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from bench.bare import SOURCE
from bench.server import Server, serving, unused_port

TEMPLATE = Path(__file__).parent.parent / "templates" / "smollm2.jinja"


@contextmanager
def gateway(context: int, threads: int | None, template: str = "") -> Iterator[Server]:
    """A running gateway; by default with `threads: auto` and the template smollm2.jinja."""
    entry: dict[str, Any] = {"context": context, "preload": True, "sampling": {"temperature": 0}}
    entry |= {"threads": threads} if threads else {}
    with gateway_of({"m": entry}, template) as server:
        yield server


@contextmanager
def gateway_of(
    models: Mapping[str, Mapping[str, Any]], template: str = "", **settings: Any
) -> Iterator[Server]:
    """A running gateway for entries of the default model, with other keys of models.yaml."""
    entry = {"source": SOURCE, "template": "t", "format": "hermes"}
    whole = {"models": {name: {**entry, **more} for name, more in models.items()}, **settings}
    with tempfile.TemporaryDirectory() as path:
        folder, port = Path(path), unused_port()
        (folder / "models.yaml").write_text(yaml.safe_dump(whole))
        (folder / "templates").mkdir()
        (folder / "templates" / "t.jinja").write_text(template or TEMPLATE.read_text())
        command = [str(Path(sys.executable).parent / "tool-gateway"), "serve"]
        command += ["--port", str(port), "--config", str(folder / "models.yaml")]
        with serving(command, port) as server:
            yield server
