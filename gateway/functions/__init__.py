"""Python functions as tools, for clients: their schemas, and a loop that executes tool calls.

This package knows nothing of the server. `run_tools` works with any client that has the interface
of `openai.OpenAI`, and with any server behind it.
"""

from gateway.functions.errors import DocstringError, FunctionError, HintError
from gateway.functions.run_tools import run_tools
from gateway.functions.schema import schema

__all__ = ["DocstringError", "FunctionError", "HintError", "run_tools", "schema"]
