"""The `check` command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.options import DEFAULT_CONFIG, ConfigPath, entry_name, load_config
from gateway.config.shipped import STARTER
from gateway.errors import ConfigError

if TYPE_CHECKING:
    from gateway.config.load import Config


def check(
    models: Annotated[
        list[str] | None, typer.Argument(help="Models of models.yaml; by default all.")
    ] = None,
    config: ConfigPath = DEFAULT_CONFIG,
    template: Annotated[
        Path | None,
        typer.Option(help="Inspect one chat template instead: a Jinja file, or a GGUF."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the reports as JSON.")] = False,
) -> None:
    """Check models.yaml, its chat templates and its files; downloads nothing.

    The status is 1 if a model cannot be served.
    """
    if template is not None:
        from gateway.cli.inspect.check.chat_template import print_report

        print_report(template, Path() if config == STARTER else config.parent)
        return

    import asyncio
    import json
    from dataclasses import asdict

    from gateway.cli.inspect.check.models import inspect_all
    from gateway.cli.inspect.check.table import print_reports
    from gateway.cli.inspect.finding import Level

    loaded = load_config(config)
    reports = asyncio.run(inspect_all(_names(models, loaded), loaded))
    if as_json:
        print(json.dumps([{"level": one.level, **asdict(one)} for one in reports]))
    else:
        print_reports(reports)
    failed = [report for report in reports if report.level is Level.PROBLEM]
    if failed:
        raise ConfigError(f"{len(failed)} of {len(reports)} models cannot be served")


def _names(given: list[str] | None, loaded: Config) -> list[str]:
    """The names of the entries that are meant; raises ConfigError for one that there is not."""
    if not given:
        return list(loaded.models)
    return list(dict.fromkeys(entry_name(loaded, model) for model in given))
