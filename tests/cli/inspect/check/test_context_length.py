"""The longest context that a file and its options allow."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.cli.inspect.check.context_length import check_context, longest_context
from gateway.cli.inspect.check.report import Report
from gateway.config.llama import LlamaOptions
from gateway.config.load import Entry

FILE: dict[str, Any] = {"general.architecture": "llama", "llama.context_length": 8192}
YARN = {
    **FILE,
    "llama.rope.scaling.type": "yarn",
    "llama.rope.scaling.factor": 4.0,
    "llama.rope.scaling.original_context_length": 8192,
}


@pytest.mark.parametrize(
    ("metadata", "options", "longest"),
    [
        (FILE, {}, 8192),
        ({}, {}, 0),
        (YARN, {}, 32768),
        ({**YARN, "llama.context_length": 32768}, {}, 32768),
        ({**YARN, "llama.context_length": 32768}, {"rope_scaling": "none"}, 8192),
        (FILE, {"rope_scaling": "yarn", "rope_freq_scale": 0.25, "yarn_orig_ctx": 8192}, 32768),
        (FILE, {"rope_freq_scale": 0.5}, 16384),
        (FILE, {"rope_freq_base": 1e6}, 0),
        (FILE, {"override_kv": {"llama.context_length": 4096}}, 4096),
    ],
)
def test_rope_scaling_is_taken_into_account(
    metadata: dict[str, Any], options: dict[str, Any], longest: int
) -> None:
    assert longest_context(metadata, LlamaOptions(**options)) == longest


@pytest.mark.parametrize(("context", "notes"), [(8192, 0), (8193, 1)])
def test_a_longer_context_is_noted(context: int, notes: int) -> None:
    report = Report("m")
    check_context(report, Entry(source="x", context=context), FILE)
    assert (report.longest_context, len(report.findings)) == (8192, notes)


def test_the_advice_is_a_setting_that_ends_the_note() -> None:
    report = Report("m")
    check_context(report, Entry(source="x", context=32768), FILE)
    assert report.findings[0].cure == (
        "set `context: 8192`, or extend it with `llama: {rope_scaling: yarn,"
        " rope_freq_scale: 0.25, yarn_orig_ctx: 8192}`"
    )
    advised = LlamaOptions(rope_scaling="yarn", rope_freq_scale=0.25, yarn_orig_ctx=8192)
    assert longest_context(FILE, advised) == 32768
