"""All attacks. `tests/faults` tries each of them once, `make attack` for some seconds."""

from __future__ import annotations

from bench.attack.attack import Attack
from bench.attack.connections import CONNECTIONS
from bench.attack.prompts import PROMPTS
from bench.attack.schemas import SCHEMAS

ATTACKS: dict[str, Attack] = {attack.name: attack for attack in (*SCHEMAS, *PROMPTS, *CONNECTIONS)}
