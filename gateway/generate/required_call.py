"""The fixed text that a required tool call begins with."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.formats.format import Format, Placeholder, parts


def call_opening(format: Format, names: Sequence[str], answer_prefix: str) -> str:
    """Returns the text of a call up to the first part that the model decides.

    `names` are the tools that may be called. `answer_prefix`, which the prompt already contains,
    is left off. The text is empty if the prompt has opened something else, such as a thought.

    >>> from gateway.formats.families import FAMILIES
    >>> call_opening(FAMILIES["hermes"], ["f"], "")
    '<tool_call>\\n{"name": "f", "arguments":'
    """
    text = ""
    for part in parts(format.empty_content + format.first_call):
        if part is Placeholder.NAME and len(names) == 1:
            text += names[0]
        elif isinstance(part, Placeholder):
            break
        else:
            text += part
    # Tokenizers join a space with the word after it.
    return text.removeprefix(answer_prefix).rstrip() if text.startswith(answer_prefix) else ""
