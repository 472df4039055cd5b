"""A conversation: its messages and settings, as the body of a chat request."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.cli.chat.answer import Message
from gateway.errors import ConfigError

OWN = {"model", "messages", "tools", "tool_choice", "n", "stream", "stream_options"}  # no settings


@dataclass
class Conversation:
    """Messages without the system prompt, and settings such as `temperature`."""

    model: str
    tools: list[Message] = field(default_factory=list)
    system: str = ""
    messages: list[Message] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)

    def body(self, messages: list[Message] | None = None) -> Message:
        """The body of a chat request with all messages, or with these."""
        said = self.messages if messages is None else messages
        system = [{"role": "system", "content": self.system}] if self.system else []
        tools = {"tools": self.tools} if self.tools else {}
        return {"model": self.model, "messages": [*system, *said], **tools, **self.settings}

    @property
    def last_question(self) -> list[Message]:
        """The messages up to what was answered last."""
        roles = [message["role"] for message in self.messages]
        end = max((i for i, role in enumerate(roles) if role != "assistant"), default=-1)
        return self.messages[: end + 1]

    def save(self, path: Path) -> None:
        """Writes the body of a chat request, as JSON; raises ConfigError."""
        try:
            path.write_text(json.dumps(self.body(), ensure_ascii=False, indent=2) + "\n", "utf-8")
        except OSError as error:
            raise ConfigError(f"can't write {path}: {error.strerror}") from error

    def load(self, path: Path) -> None:
        """Takes messages and settings from a file that `save` wrote; raises ConfigError."""
        try:
            body = json.loads(path.read_text("utf-8"))
            messages = [dict(message) for message in body["messages"]]
            system = [one["content"] for one in messages[:1] if one["role"] == "system"]
        except OSError as error:
            raise ConfigError(f"can't read {path}: {error.strerror}") from error
        except (ValueError, LookupError, TypeError) as error:
            raise ConfigError(f"{path} is not the body of a chat request") from error
        is_text = all(isinstance(content, str) for content in system)
        self.system = "".join(system) if is_text else ""
        self.messages = messages[len(system) :] if is_text else messages
        self.settings = {key: value for key, value in body.items() if key not in OWN}
