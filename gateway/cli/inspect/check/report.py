"""What `tool-gateway check` finds about a model."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.cli.inspect.finding import Finding, Level


@dataclass
class Report:
    """The facts about the entry `name`; a fact that is unknown is empty or 0.

    `file` is its place in words and `file_bytes` its size; `format_from` says what the format was
    taken from. `context` and `longest_context` are in tokens, the latter the one that the model was
    trained for; `memory_bytes` is an estimate; `computes` names the devices of its layers.
    """

    name: str
    file: str = ""
    file_bytes: int = 0
    template: str = ""
    format: str = ""
    format_from: str = ""
    context: int = 0
    longest_context: int = 0
    memory_bytes: int = 0
    computes: str = ""
    findings: list[Finding] = field(default_factory=list)

    @property
    def level(self) -> Level:
        """That of the gravest finding."""
        order = list(Level)
        return max((one.level for one in self.findings), key=order.index, default=Level.OK)

    def add(self, text: str, cure: str = "", level: Level = Level.NOTE) -> None:
        """Adds a finding."""
        self.findings.append(Finding(self.name, text, level, cure))
