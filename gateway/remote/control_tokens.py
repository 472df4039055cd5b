"""Finds the control tokens of a remote model, whose vocabulary is unknown."""

from __future__ import annotations

import re

from gateway.chat.messages import Speech, Turn
from gateway.formats.format import Format
from gateway.prompt.template import Template, Vocabulary

CONVERSATION = (Speech("system", "a"), Speech("user", "b"), Turn("c"), Speech("user", "d"))

_CONTROL_TOKEN = re.compile(
    r"<\|[^<>\s]{1,40}>|<[^<>\s]{1,40}\|>|<｜[^<>\s]{1,40}｜>"  # <|im_end|>, <turn|>, <｜User｜>
    r"|</?(?:s|bos|eos|sop)>|<(?:start|end)_of_\w+>"
    r"|\[/?\w*[A-Z]{2}\w*\]"  # [INST], [gMASK]
)
_TAG = re.compile(r"<[^<>\s=]+>|\[/?[A-Z_]+\]")


def find_control_tokens(
    template: str, format: Format, eos: str, configured: tuple[str, ...]
) -> list[str]:
    """Returns the texts of the control tokens in a chat template, a format and models.yaml.

    What only resembles a tag counts in a format, but not in a template, which may show a tag to
    the model as an example.
    """
    rendered = Template(template, format, Vocabulary("", eos, {})).trial(CONVERSATION)
    found = [*_CONTROL_TOKEN.findall(template + "\n" + rendered), eos, *configured]
    for marker in format.markers:
        found += [*_CONTROL_TOKEN.findall(marker), *_TAG.findall(marker)]
    return sorted(filter(None, set(found)))
