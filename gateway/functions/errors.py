"""Why a function can't be a tool.

FunctionError
├── HintError          a parameter without a type hint, or with one that JSON has no word for
└── DocstringError     no docstring, or a parameter that it does not describe
"""

from __future__ import annotations


class FunctionError(ValueError):
    """The function has to be written another way."""


class HintError(FunctionError):
    pass


class DocstringError(FunctionError):
    pass
