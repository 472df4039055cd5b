"""Which functions of a file are tools, and what becomes of their errors."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from gateway.cli.chat.functions_file import execute, read_functions
from gateway.errors import ConfigError
from tests.fakes import REPO

DOCUMENTED = '''
    """Do it.

    Args:
        a: A number
    """
    return a
'''


def written(folder: Path, text: str) -> Path:
    path = folder / "functions.py"
    path.write_text(text)
    return path


def test_public_functions_of_the_file_are_tools(tmp_path: Path) -> None:
    (tmp_path / "neighbour.py").write_text("def theirs(): pass")
    text = (
        f"from neighbour import theirs\ndef own(a: int):{DOCUMENTED}\ndef _not(a: int):\n    pass"
    )
    assert [*read_functions(written(tmp_path, text))] == ["own"]


def test_hints_of_types_that_the_file_defines_are_resolved(tmp_path: Path) -> None:
    text = (
        "from __future__ import annotations\nfrom enum import Enum\nclass Unit(Enum):\n"
        f"    C = 'c'\ndef own(a: Unit) -> str:{DOCUMENTED}"
    )
    functions = read_functions(written(tmp_path, text))
    assert execute(functions, "own", '{"a": "c"}') == '"c"'
    assert "must be one of" in execute(functions, "own", '{"a": "d"}')


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("def broken(:", "line 1: SyntaxError"),
        ("x = 1\nimport no_such_module", "line 2: ModuleNotFoundError"),
        ("\n\nraise SystemExit(3)", "line 3: SystemExit: 3"),
        ("x = 1", "defines no function"),
        ("def f(a: int): pass", "f has no docstring"),
        (f"def f(a):{DOCUMENTED}", "'a' has no type hint"),
        (f"async def f(a: int):{DOCUMENTED}", "f is async"),
    ],
)
def test_a_file_without_usable_functions_is_refused_in_one_line(
    text: str, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=re.escape(reason)) as caught:
        read_functions(written(tmp_path, text))
    assert "\n" not in caught.value.message


def test_the_functions_of_the_example_work() -> None:
    functions = read_functions(REPO / "examples/tools.py")
    assert "README.md" in json.loads(execute(functions, "list_files", json.dumps({"folder": "."})))
    assert re.fullmatch(r"\w+, \d\d \w+ \d{4}, \d\d:\d\d", execute(functions, "get_time", "{}"))
    assert "No time zone found" in execute(functions, "get_time", '{"zone": "Nowhere"}')
