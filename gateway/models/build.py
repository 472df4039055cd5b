"""A worker, and the template and format that its entry names or its file brings: a model."""

from __future__ import annotations

from pathlib import Path

from gateway.config.load import Entry
from gateway.engine.protocol import Ready
from gateway.errors import ConfigError
from gateway.formats.families import FAMILIES
from gateway.formats.format import Format
from gateway.models.model import Model, Worker
from gateway.prompt.detect_format import format_of
from gateway.prompt.template import Template, Vocabulary
from gateway.remote.engine import Remote


def assemble(name: str, entry: Entry, engine: Worker, folder: Path) -> Model:
    """Put a running worker together with the entry's template and format."""
    ready = engine.ready
    vocabulary = vocabulary_of(ready)
    if entry.embeddings:
        return Model(name, entry, engine, None, None, vocabulary.special)
    source = template_source(entry.template, ready.templates, folder)
    format = _format(entry, source, vocabulary)
    plain = ready.templates.get("default") if entry.template == "gguf" else None
    template = Template(source, format, vocabulary, plain)
    return Model(name, entry, engine, format, template, vocabulary.special)


async def connected(name: str, entry: Entry, folder: Path) -> Remote:
    """The engine that an entry has the address of."""
    template = template_source(entry.template, {}, folder)
    format = _format(entry, template, Vocabulary("", "", {}))
    return await Remote.connect(name, entry.source, entry.remote, template, format, entry.context)


def vocabulary_of(ready: Ready) -> Vocabulary:
    return Vocabulary(ready.bos, ready.eos, {token.text: token.id for token in ready.special})


def check_template(entry: Entry, folder: Path) -> None:
    """Raise ConfigError if the entry's template is missing, broken, or hides tools."""
    if entry.embeddings:
        return
    source = template_source(entry.template, {}, folder)
    vocabulary = Vocabulary("", "", {})
    template = Template(source, _format(entry, source, vocabulary), vocabulary)
    if not template.shows_tools:
        raise ConfigError(f"the template {entry.template!r} does not show tools to the model")


def template_source(template: str, inside: dict[str, str], folder: Path) -> str:
    """The text of a template: the GGUF's own for `gguf`, else one of `templates/`."""
    if template == "gguf":
        if found := inside.get("tool_use") or inside.get("default"):
            return found
        raise ConfigError("template: the GGUF carries none; name one of templates/")
    path = folder / "templates" / f"{template}.jinja"
    if not path.is_file():
        known = sorted(file.stem for file in path.parent.glob("*.jinja"))
        raise ConfigError(f"template: no {path}; there are gguf, {', '.join(known)}")
    return path.read_text(encoding="utf-8")


def _format(entry: Entry, source: str, vocabulary: Vocabulary) -> Format:
    if entry.format:
        return FAMILIES[entry.format]
    try:
        return format_of(source, vocabulary)
    except ConfigError as error:
        told = f"format: the chat template does not tell, {error.message}; name one"
        raise ConfigError(told) from error
