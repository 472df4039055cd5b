"""The settings of a model that `eval --advise` compares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.config import shipped
from gateway.config.load import Entry
from gateway.errors import ConfigError
from gateway.formats.families import FAMILIES
from gateway.models.build import template_source
from gateway.prompt.detect_format import detect_format, formats_of
from gateway.prompt.inspect import with_same_turns
from gateway.prompt.template import Vocabulary

# Notations that models know from elsewhere: JSON in tags, bare JSON, XML, Python.
NOTATIONS = ("hermes", "llama3", "qwen_coder", "llama4")
THRESHOLDS = (0.2, 0.5, 0.8)


@dataclass(frozen=True, slots=True)
class Variant:
    """An entry of models.yaml, of which `changes` are the keys that differ from the file.

    `format` is the name of the format in use, or None if it is unknown.
    """

    entry: Entry
    format: str | None
    changes: Mapping[str, Any] = field(default_factory=dict)

    def changed(self, **keys: Any) -> Variant:
        entry = self.entry.model_copy(update=keys)
        return Variant(entry, entry.format or self.format, {**self.changes, **keys})

    def __str__(self) -> str:
        return ", ".join(self.lines) or "as configured"

    @property
    def lines(self) -> list[str]:
        """The changes, each as a line of models.yaml."""
        return [f"{key}: {_yaml(value)}" for key, value in self.changes.items()]


def with_other_templates(
    entry: Entry, own: str, vocabulary: Vocabulary, folder: Path
) -> Iterator[Variant]:
    """The entry as it is, then with each other template and format that fit its GGUF.

    `own` is the template in the GGUF. The others are those in `folder`, and those that come with
    the gateway, that have the same turns.
    """
    configured = Variant(entry, _format(entry, own, vocabulary, folder))
    yield configured
    ours = {name: file.read_text("utf-8") for name, file in shipped.templates(folder).items()}
    fitting = {name: ours[name] for name in with_same_turns(own, vocabulary, ours)}
    known = dict.fromkeys(filter(None, (configured.format, *NOTATIONS)))
    for template, source in {"gguf": own, **fitting}.items():
        for format in formats_of(source, vocabulary, [FAMILIES[name] for name in known]):
            if (template, format.name) != (entry.template, configured.format):
                yield configured.changed(template=template, format=format.name)


def with_other_keys(variant: Variant) -> Iterator[Variant]:
    """The variant with each other setting of when and how the model calls, and of thinking."""
    yield variant.changed(json_calls=not variant.entry.json_calls)
    if variant.entry.tool_call_threshold is None:
        for threshold in THRESHOLDS:
            yield variant.changed(tool_call_threshold=threshold)
    thinks = variant.format is not None and FAMILIES[variant.format].think
    if thinks and variant.entry.thinking_budget is None:
        yield variant.changed(thinking_budget=0)


def _format(entry: Entry, own: str, vocabulary: Vocabulary, folder: Path) -> str | None:
    if entry.format:
        return entry.format
    try:
        source = template_source(entry.template, {"default": own}, folder)
        return detect_format(source, vocabulary).name
    except ConfigError:
        return None


def _yaml(value: str | bool | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
