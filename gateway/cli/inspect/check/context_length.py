"""Whether a context is longer than the one that a model was trained for."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.cli.inspect.check.report import Report
from gateway.config.llama import LlamaOptions
from gateway.config.load import Entry
from gateway.models.gguf import Value


def check_context(report: Report, entry: Entry, metadata: Mapping[str, Value]) -> None:
    """Adds the longest context, and a note if that of the entry is longer."""
    longest = report.longest_context = longest_context(metadata, entry.llama)
    if not 0 < longest < entry.context:
        return
    scale, cure = round(longest / entry.context, 3), f"set `context: {longest}`"
    if not entry.embeddings:
        cure += (
            f", or extend it with `llama: {{rope_scaling: yarn, rope_freq_scale: {scale},"
            f" yarn_orig_ctx: {longest}}}`"
        )
    report.add(f"context is {entry.context} tokens, and the model was trained for {longest}", cure)


def longest_context(metadata: Mapping[str, Value], options: LlamaOptions) -> int:
    """The longest context in tokens that the model is made for, RoPE scaling included.

    0 if it is unknown, as with another base frequency. Source: the keys `context_length` and
    `rope.scaling` in ggml/docs/gguf.md.
    """
    known = {**metadata, **options.override_kv}
    prefix = known.get("general.architecture")
    trained = _number(known.get(f"{prefix}.context_length"))
    original = _number(known.get(f"{prefix}.rope.scaling.original_context_length")) or trained
    original = options.yarn_orig_ctx or original
    if options.rope_freq_base is not None:
        return 0
    if options.rope_scaling == "none":
        return int(original)
    factor = _number(known.get(f"{prefix}.rope.scaling.factor")) or 1
    factor = 1 / options.rope_freq_scale if options.rope_freq_scale else factor
    return int(max(trained, original * factor))


def _number(value: object) -> float:
    return value if isinstance(value, int | float) and value > 0 else 0
