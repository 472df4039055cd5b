"""Renders a prompt as one text, for engines that read control tokens out of text."""

from __future__ import annotations

import re
from collections.abc import Mapping

from gateway.chat.messages import PromptParts

SEPARATOR = "\u200b"  # invisible, and no tokenizer merges the text on both sides of it


class PromptText:
    """Renders prompts for a vocabulary of which only the control tokens are known.

    `special` has their ids by their texts.
    """

    def __init__(self, special: Mapping[str, int]):
        self._texts = {id: text for text, id in special.items()}
        longest_first = sorted(map(re.escape, special), key=len, reverse=True)
        # A lookahead, as one token may begin within another.
        self._token = re.compile(f"(?=({'|'.join(longest_first) or '(?!)'}))")
        self._max_length = max(map(len, special), default=1)

    def render(self, prompt: PromptParts) -> str:
        """Returns the prompt's text; a separator keeps plain text from forming a control token.

        Raises KeyError for the id of a token that is unknown.
        """
        rendered = ""
        tail = ""
        for part in prompt:
            text = self._texts[part] if isinstance(part, int) else self._separate(part)
            separator = SEPARATOR if self._forms_token(tail, text[: self._max_length]) else ""
            rendered += separator + text
            tail = (tail + separator + text)[-self._max_length :]
        return rendered

    def _separate(self, text: str) -> str:
        """Puts a separator after the first character of each control token in plain text."""
        for token in reversed([*self._token.finditer(text)]):
            second = token.start() + 1
            text = text[:second] + SEPARATOR + text[second:]
        return text

    def _forms_token(self, tail: str, text: str) -> bool:
        """Whether a control token would cross the border between the two."""
        edge = len(tail)
        found = self._token.finditer(tail + text)
        return any(token.start() < edge < token.start() + len(token.group(1)) for token in found)
