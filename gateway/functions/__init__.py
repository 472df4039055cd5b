"""Plain Python functions as tools: their schemas, and a loop that lets a model call them.

It needs no server of ours: any client with the openai SDK's shape will do.
"""

from gateway.functions.errors import DocstringError, FunctionError, HintError
from gateway.functions.run_tools import run_tools
from gateway.functions.schema import schema

__all__ = ["DocstringError", "FunctionError", "HintError", "run_tools", "schema"]
