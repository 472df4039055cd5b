"""Compares a response body with a stored one; `UPDATE=1 pytest` rewrites what is stored."""

from __future__ import annotations

import os
import re
from itertools import count
from pathlib import Path

PREFIXES = ("chatcmpl", "call", "resp", "msg", "rs", "fc", "ctc", "toolu", "req")


def compare(path: Path, text: str) -> None:
    stable = _stable(text)
    if os.environ.get("UPDATE"):
        path.write_text(stable, encoding="utf-8")
    assert stable == path.read_text(encoding="utf-8")


def _stable(text: str) -> str:
    """Replaces ids, times, durations and signatures, which vary between runs."""
    text = re.sub(r'"created_at":"[^"]+"', '"created_at":"then"', text)
    text = re.sub(r'"(\w+_duration)":\d+', r'"\1":0', text)
    text = re.sub(r'"signature":"[^"]+"', '"signature":"signed"', text)
    text = re.sub(r'"(created|created_at|completed_at)":\d+', r'"\1":0', text)
    for prefix in PREFIXES:
        numbers = count()
        seen: dict[str, str] = {}
        for id in re.findall(rf'"{prefix}[-_][0-9a-f]{{24,}}"', text):
            seen.setdefault(id, f'"{prefix}-{next(numbers)}"')
        for id, stand_in in seen.items():
            text = text.replace(id, stand_in)
    return text
