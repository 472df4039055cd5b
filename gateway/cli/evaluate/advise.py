"""Compares settings of a model, and says which serve it best."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rich.console import Console

from gateway.cli.evaluate.scoring import outcomes
from gateway.cli.evaluate.servers import OwnServer
from gateway.cli.evaluate.table import table
from gateway.cli.evaluate.variants import Variant, with_other_keys, with_other_templates
from gateway.cli.inspect.vocabulary_only import template_of
from gateway.errors import ConfigError, GatewayError
from gateway.evaluation.answer_file import AnswerFile
from gateway.evaluation.run import Suite
from gateway.evaluation.scorecard import Row, total
from gateway.hub.source import fetch


@dataclass(frozen=True, slots=True)
class Trial:
    """The total of a variant; without one, `failure` says why."""

    variant: Variant
    total: Row | None
    failure: str = ""

    @property
    def rank(self) -> tuple[int, int]:
        """More right answers are better, then fewer spurious calls."""
        return (self.total.right, -self.total.spurious) if self.total else (-1, 0)


async def compare(
    server: OwnServer, suite: Suite, answers: Path | None, max_tokens: int | None
) -> list[Trial]:
    """A trial of each variant: first of templates and formats, then, of the best, of other keys.

    The first is the entry as it is. Raises ConfigError if its model is not a GGUF that generates.
    """

    async def run(variants: Iterable[Variant]) -> list[Trial]:
        return [await _trial(server, variant, suite, answers, max_tokens) for variant in variants]

    entry, folder = server.entry, server.config.folder
    if entry.is_remote or entry.embeddings:
        raise ConfigError(f"--advise needs a GGUF that generates text; {server.name} is none")
    path = await fetch(entry.source, folder)
    own, vocabulary = await template_of(path)
    trials = await run(with_other_templates(entry, own, vocabulary, folder))
    return trials + await run(with_other_keys(best(trials).variant))


def best(trials: Sequence[Trial]) -> Trial:
    """The best trial; of those that are equally good, the first."""
    return max(trials, key=lambda trial: trial.rank)


async def _trial(
    server: OwnServer, variant: Variant, suite: Suite, answers: Path | None, max_tokens: int | None
) -> Trial:
    print(f"--- {variant}", file=sys.stderr)
    changed = replace(server, entry=variant.entry)
    kept = AnswerFile(answers, changed.about)
    asked = replace(suite, streams=False)
    try:
        found = await outcomes(changed, server.name, asked, kept, max_tokens)
    except GatewayError as error:
        return Trial(variant, None, error.message)
    return Trial(variant, total(found))


def print_advice(name: str, trials: Sequence[Trial]) -> None:
    """Prints a row for each variant, and the keys to set in models.yaml."""
    titles = ("VARIANT", "RIGHT", "", "SPURIOUS", "CUT OFF", "SECONDS")
    Console(width=None if sys.stdout.isatty() else 200).print(table(titles, map(_cells, trials), 1))
    chosen = best(trials)
    if not chosen.variant.changes:
        print("\nNothing is better than the settings in models.yaml.")
        return
    print(f"\nThe best settings. In models.yaml:\n\nmodels:\n  {name}:")
    print(*(f"    {line}" for line in chosen.variant.lines), sep="\n")


def _cells(trial: Trial) -> tuple[str, ...]:
    row = trial.total
    if row is None:
        return (f"{trial.variant}: {trial.failure}", *[""] * 5)
    right = f"{row.right} of {row.cases}"
    counts = (f"{row.spurious or ''}", f"{row.cut_off or ''}", f"{row.seconds:.1f}")
    return (str(trial.variant), right, f"{row.percent:.0f} %", *counts)


def advice_json(name: str, trials: Sequence[Trial]) -> str:
    """The trials and the keys to set, as JSON."""
    rows = [
        {
            "changes": trial.variant.changes,
            "total": trial.total and asdict(trial.total),
            "failure": trial.failure,
        }
        for trial in trials
    ]
    return json.dumps({"model": name, "trials": rows, "advice": best(trials).variant.changes})
