"""The templates in `templates/`, and the format of each."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from gateway.formats.families import FAMILIES
from gateway.prompt.template import Template, Vocabulary
from tests.fakes import REPO

FORMATS = {
    "chatml": "hermes",
    "deepseek-r1-distill": "qwen3",
    "deepseek-v3.1": "deepseek_v31",
    "gemma2": "hermes",
    "groq-llama3": "groq",
    "hermes": "hermes",
    "llama2": "hermes",
    "llama3": "llama3",
    "llama4": "llama4",
    "mistral": "mistral_spm",
    "mistral-v1": "hermes",
    "phi3.5": "hermes",
    "qwen": "hermes",
    "qwen2.5-coder": "json_block",
    "rwkv-world": "hermes",
    "smollm2": "hermes",
    "smollm2-tools": "smollm2_tools",
    "smollm3": "qwen3",
}


def template(path: Path, name: str) -> Template:
    source = path.read_text(encoding="utf-8")
    return Template(source, FAMILIES[FORMATS[name]], Vocabulary("<s>", "</s>", {}))


@cache
def shipped(name: str) -> Template:
    return template(REPO / "templates" / f"{name}.jinja", name)
