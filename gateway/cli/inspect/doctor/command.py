"""The `doctor` command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.options import DEFAULT_CONFIG, ConfigPath

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gateway.cli.inspect.finding import Finding


def doctor(
    config: ConfigPath = DEFAULT_CONFIG,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to serve at.")] = 8000,
    online: Annotated[
        bool, typer.Option("--online", help="Also ask whether Hugging Face answers.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Check the machine and the installation: what computes, what is missing, and the cure.

    The status is 1 if there is a problem.
    """
    import json
    from dataclasses import asdict

    from gateway.cli.inspect.finding import Level, print_findings

    found = list(_findings(config, port, online=online))
    if as_json:
        print(json.dumps([asdict(finding) for finding in found]))
    else:
        print_findings(found)
    if any(finding.level is Level.PROBLEM for finding in found):
        raise typer.Exit(1)


def _findings(config: Path, port: int, *, online: bool) -> Iterator[Finding]:
    from gateway.cli.inspect.doctor import installation, llama_build, surroundings
    from gateway.cli.inspect.doctor.machine import Machine
    from gateway.cli.inspect.finding import Finding, Level
    from gateway.engine.backend import read_backend
    from gateway.errors import EngineDied

    machine = Machine()
    yield from machine.findings()
    try:
        backend = read_backend()
    except EngineDied as error:
        cure = llama_build.compile_command("-DGGML_NATIVE=ON")
        yield Finding("llama.cpp", error.message, Level.PROBLEM, cure)
    else:
        yield from llama_build.findings(backend, machine.gpus(), machine.instructions())
    yield from installation.findings(config)
    yield from surroundings.findings(port, online=online)
