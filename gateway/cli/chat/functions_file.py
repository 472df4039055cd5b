"""The functions of a Python file, which a chat offers as tools."""

from __future__ import annotations

import importlib.util
import inspect
import json
import sys
import traceback
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path
from types import ModuleType

from gateway.errors import ConfigError
from gateway.functions import FunctionError
from gateway.functions.dispatch import result
from gateway.functions.run_tools import as_tool, by_name
from gateway.functions.schema import Function


def read_functions(path: Path) -> dict[str, Function]:
    """The public functions that the file defines, by name; raises ConfigError.

    The file is executed. Functions that it imports, and those whose names begin with `_`, are not
    offered.
    """
    module = _execute(path)
    found = [
        value
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and name[0] != "_"
    ]
    if not found:
        raise ConfigError(f"{path} defines no function whose name does not begin with `_`")
    try:
        for function in found:
            as_tool(function)
        return by_name(found)
    except FunctionError as error:
        raise ConfigError(
            f"{path}: {error}; or begin the name with `_`, so that it is no tool"
        ) from error


def execute(functions: Mapping[str, Function], name: str, arguments: str) -> str:
    """The result of a call, which is its error if it fails; what it prints goes to stderr."""
    with redirect_stdout(sys.stderr):
        try:
            return result(functions, name, arguments)
        except SystemExit as error:
            return json.dumps({"error": f"SystemExit: {error}"})


def _execute(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"tools_{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ConfigError(f"there is no Python file {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module  # where type hints are resolved
    sys.path.append(str(path.parent))
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__)]
        line = error.lineno if isinstance(error, SyntaxError) else lines[-1]
        raise ConfigError(f"{path}, line {line}: {type(error).__name__}: {error}") from error
    return module
