"""How a prompt begins an answer that has to be a call."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.formats.format import Format, Placeholder, parts


def opening(format: Format, names: Sequence[str], answer_prefix: str) -> str:
    """The text of a call up to what the model has to decide.

    `answer_prefix`, which the prompt already contains, is left off. The text is empty if the
    prompt has opened something else, such as a thought.

    >>> from gateway.formats.families import FAMILIES
    >>> opening(FAMILIES["hermes"], ["f"], "")
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
    # A space at the end belongs to the token that comes next.
    return text.removeprefix(answer_prefix).rstrip() if text.startswith(answer_prefix) else ""
