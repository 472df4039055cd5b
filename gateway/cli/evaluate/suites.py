"""Finds the cases that the options of `eval` ask for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gateway.errors import ConfigError
from gateway.evaluation.bfcl.suite import bfcl
from gateway.evaluation.case import spread
from gateway.evaluation.case_file import built_in, read_cases
from gateway.evaluation.run import Suite
from gateway.evaluation.score import causes

BRIEF = "home"  # the built-in cases with few tools, whose prompts are short


def suite_of(
    name: str | None, tools: Path | None, cases: Path | None, every: int, built_ins: str = "*"
) -> Suite:
    """Every so many cases of a suite, or of the files with tools and cases; raises ConfigError.

    Without any, they are those of the built-in files with names like `built_ins`.
    """
    suite = _suite(name, tools, cases, built_ins)
    return replace(suite, cases=spread(suite.cases, every))


def _suite(name: str | None, tools: Path | None, cases: Path | None, built_ins: str) -> Suite:
    if tools and cases and name is None:
        return Suite(cases.stem, read_cases(tools, cases), causes)
    if tools or cases:
        raise ConfigError("give --tools and --cases together, and without --suite")
    if name is None:
        return Suite("built-in", built_in(built_ins), causes)
    suite, _, categories = name.partition(":")
    if suite != "bfcl":
        raise ConfigError(f"no suite {suite!r}; there is bfcl, as bfcl or bfcl:multiple,parallel")
    return bfcl(categories.split(",") if categories else ())
