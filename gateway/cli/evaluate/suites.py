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


def suite_of(name: str | None, tools: Path | None, cases: Path | None, every: int) -> Suite:
    """Every so many cases of a suite, or of the files with tools and cases; raises ConfigError."""
    suite = _suite(name, tools, cases)
    return replace(suite, cases=spread(suite.cases, every))


def _suite(name: str | None, tools: Path | None, cases: Path | None) -> Suite:
    if tools and cases and name is None:
        return Suite(cases.stem, read_cases(tools, cases), causes)
    if tools or cases:
        raise ConfigError("give --tools and --cases together, and without --suite")
    if name is None:
        return Suite("built-in", built_in(), causes)
    suite, _, categories = name.partition(":")
    if suite != "bfcl":
        raise ConfigError(f"no suite {suite!r}; there is bfcl, as bfcl or bfcl:multiple,parallel")
    return bfcl(categories.split(",") if categories else ())
