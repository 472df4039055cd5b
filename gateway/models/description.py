"""What is known of a model without loading it: from its entry, its file and its chat template."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from gateway.config.load import Entry
from gateway.errors import ConfigError
from gateway.hub.source import locate
from gateway.models.build import format_of, template_source
from gateway.models.gguf import Header, Value, read_header
from gateway.models.model import Capabilities, capabilities
from gateway.prompt.template import Template, Vocabulary

CHAT_TEMPLATE = "tokenizer.chat_template"
MAX_HEADERS = 64  # that are kept; one without its vocabulary is a few kB

NO_HEADER = Header({}, {}, 0)


@dataclass(frozen=True, slots=True)
class Description:
    """A model that may not be loaded.

    `size` is that of its file in bytes and `modified_s` its time in seconds; both are 0 for a
    remote model and for one that has not been downloaded yet. `template` is its chat template.
    """

    size: int = 0
    modified_s: float = 0.0
    metadata: dict[str, Value] = field(default_factory=dict, repr=False)
    parameters: int = 0
    template: str = field(default="", repr=False)


def describe(entry: Entry, folder: Path) -> Description:
    """Describes the model of an entry of the models.yaml in `folder`; blocks to read its file.

    Raises ModelUnusable for a file that is missing or no GGUF.
    """
    path = None if entry.is_remote else locate(entry.source, folder)
    size, modified_s, header = 0, 0.0, NO_HEADER
    if path:
        status = path.stat()
        size, modified_s = status.st_size, status.st_mtime
        header = _header(path, status.st_mtime_ns)
    parameters = sum(math.prod(shape) for shape in header.tensors.values())
    template = _template(entry, header, folder)
    return Description(size, modified_s, header.metadata, parameters, template)


def expected_capabilities(entry: Entry, template: str) -> Capabilities:
    """Returns what clients will be able to ask of a model with this chat template."""
    if entry.embeddings or not template:
        return capabilities(entry, None, None)
    vocabulary = Vocabulary("", "", {})
    try:
        format = format_of(entry, template, vocabulary)
        return capabilities(entry, format, Template(template, format, vocabulary))
    except ConfigError:
        return capabilities(entry, None, None)


@lru_cache(MAX_HEADERS)
def _header(path: Path, modified_ns: int) -> Header:
    """The header of a file, which is read again when the file has changed."""
    return read_header(path)


def _template(entry: Entry, header: Header, folder: Path) -> str:
    """The text of the chat template; "" if there is none."""
    keys = {"tool_use": f"{CHAT_TEMPLATE}.tool_use", "default": CHAT_TEMPLATE}
    inside = {name: str(header.metadata.get(key, "")) for name, key in keys.items()}
    try:
        return "" if entry.embeddings else template_source(entry.template, inside, folder)
    except ConfigError:
        return ""
