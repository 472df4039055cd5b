"""Whether the chat template and the format of an entry fit together."""

from __future__ import annotations

from pathlib import Path

from gateway.cli.inspect.check.chat_template import templates
from gateway.cli.inspect.check.report import Report
from gateway.config.load import Entry
from gateway.models.build import format_of
from gateway.prompt.detect_format import format_written_instead
from gateway.prompt.inspect import with_same_turns
from gateway.prompt.template import Template, Vocabulary


def check_template(
    report: Report, entry: Entry, source: str, vocabulary: Vocabulary, folder: Path
) -> None:
    """Adds the format, and what is wrong with the template `source`; raises ConfigError."""
    format = format_of(entry, source, vocabulary)
    report.format = format.name
    report.format_from = "models.yaml" if entry.format else "its template"
    template = Template(source, format, vocabulary, defaults=entry.chat_template_kwargs)
    if not template.shows_tools:
        fitting = with_same_turns(source, vocabulary, templates(folder))
        names = " or ".join(f"`template: {name}`" for name in fitting)
        report.add(
            "the template does not show tools to the model, so requests with tools are rejected",
            f"set {names}, with a `format`" if names else "",
        )
    elif instead := format_written_instead(source, vocabulary, format):
        report.add(
            f"the template writes calls in the format {instead.name}, not in {format.name}",
            f"set `format: {instead.name}`, or remove `format`",
        )
