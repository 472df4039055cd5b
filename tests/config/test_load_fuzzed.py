"""Any content of models.yaml is loaded or rejected with a ConfigError that names the fault."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.config.llama import Section
from gateway.config.load import Config, Entry, load
from gateway.errors import ConfigError
from tests.config.reading import FORMATS
from tests.fakes import REPO

FUZZED = settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
OURS = re.sub(r"^ *#.*\n", "", (REPO / "models.yaml").read_text(), flags=re.MULTILINE)
PIECES = [
    *("models:", "a: ", "source: ", "lora: ", "llama: ", "override_kv: ", "context: ", "limits: "),
    *("{", "}", "[", "]", ", ", ": ", "\n", "\n  ", "- ", "? ", "'", '"', "|", ">", "#", "\t"),
    *("&a ", "*a", "<<: ", "!!int ", "!!float ", "!!bool ", "!!timestamp ", "!!binary ", "!!null "),
    *("!!map ", "!!set ", "!!omap ", "!!pairs ", "!!seq ", "!!str ", "!a ", "!!python/name:os "),
    *("%YAML 1.1\n", "---\n", "...\n", "~", "null", "on", ".nan", "-.inf", "1e400", "1_0", "0o9"),
    *("0x" + "f" * 5000, "9" * 5000, "2024-01-01", "2024-13-01", "12:30:45", "\ufeff", "\x85"),
    *("http://[x", "http://x:y", r'"\ud800"', r'"\0"', "[" * 2000, "{a: " * 2000),
]
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=8).map("".join)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([0, -1, 2**31, 2**64, 10**400, "", "none", "auto", "http://[x", "a\0"])
    | st.floats()
    | st.dates()
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


def sections(section: type[Section], *path: str) -> Iterator[tuple[type[Section], tuple[str, ...]]]:
    """Yields the section at `path` and all sections inside it."""
    yield section, path
    for key, field in section.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield from sections(field.annotation, *path, key)


SECTIONS = [*sections(Config), *sections(Entry, "models", "smollm2")]
KEYS = [(*path, key) for section, path in SECTIONS for key in section.model_fields]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "models.yaml"


def error_of(file: Path, text: str) -> str:
    """The message of the ConfigError that loading `text` raises, or an empty string."""
    file.write_text(text, encoding="utf-8")
    message = ""
    try:
        load(file, FORMATS)
    except ConfigError as error:
        message = error.message
    assert not message or message.startswith(str(file))
    return message


def changed(path: tuple[str, ...], value: object) -> str:
    """The models.yaml of the repository with `value` at `path`."""
    data: dict[str, Any] = deepcopy(yaml.safe_load(OURS))
    data["models"] = {"smollm2": data["models"]["smollm2"]}
    inner = data
    for key in path[:-1]:
        inner = inner.setdefault(key, {})
    inner[path[-1]] = value
    return yaml.safe_dump(data)


@FUZZED
@given(text=TEXTS, key=st.sampled_from([*Entry.model_fields]))
def test_any_value_is_loaded_or_rejected(file: Path, text: str, key: str) -> None:
    error_of(file, text)
    error_of(file, f"models: {{a: {{source: x, {key}: {text}}}}}")


@FUZZED
@given(text=TEXTS, at=st.integers(0, len(OURS)), length=st.integers(0, 40))
def test_a_damaged_file_is_loaded_or_rejected(file: Path, text: str, at: int, length: int) -> None:
    error_of(file, OURS[:at] + text + OURS[at + length :])


@FUZZED
@given(path=st.sampled_from(KEYS), value=VALUES)
def test_the_error_names_the_key_of_a_rejected_value(
    file: Path, path: tuple[str, ...], value: object
) -> None:
    if message := error_of(file, changed(path, value)):
        # The fault may be the presence of the section itself.
        named = [f" {'.'.join(path[:end])}" for end in {len(path), 3}]
        assert any(key in message for key in named)


@FUZZED
@given(
    place=st.sampled_from(SECTIONS),
    key=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5),
)
def test_the_error_names_an_unknown_key(
    file: Path, place: tuple[type[Section], tuple[str, ...]], key: str
) -> None:
    section, path = place
    if key not in section.model_fields:
        message = error_of(file, changed((*path, key), 1))
        assert f" {'.'.join((*path, key))}: no such key" in message
