"""Which texts are control tokens of a model whose vocabulary is not at hand."""

from __future__ import annotations

import re

from gateway.chat.messages import Speech, Turn
from gateway.formats.format import Format
from gateway.prompt.template import Template, Vocabulary

TURNS = (Speech("system", "a"), Speech("user", "b"), Turn("c"), Speech("user", "d"))

_CONTROL = re.compile(
    r"<\|[^<>\s]{1,40}>|<[^<>\s]{1,40}\|>|<｜[^<>\s]{1,40}｜>"  # <|im_end|>, <turn|>, <｜User｜>
    r"|</?(?:s|bos|eos|sop)>|<(?:start|end)_of_\w+>"
    r"|\[/?\w*[A-Z]{2}\w*\]"  # [INST], [gMASK]
)
_TAG = re.compile(r"<[^<>\s=]+>|\[/?[A-Z_]+\]")


def control_marks(source: str, format: Format, eos: str, more: tuple[str, ...]) -> list[str]:
    """The control tokens that a template or a format writes, and `more`.

    What only looks like a tag counts in a format, not in a template, which may show a tag to the
    model as an example.
    """
    written = Template(source, format, Vocabulary("", eos, {})).trial(TURNS)
    found = [*_CONTROL.findall(source + "\n" + written), *(eos,), *more]
    for mark in format.markers:
        found += [*_CONTROL.findall(mark), *_TAG.findall(mark)]
    return sorted(filter(None, set(found)))
