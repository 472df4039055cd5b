"""Errors of functions that cannot be tools.

FunctionError
├── HintError          a parameter without a type hint, or with one that has no JSON type
└── DocstringError     no docstring, or one that does not describe a parameter
"""

from __future__ import annotations


class FunctionError(ValueError):
    """The function cannot be a tool; the message says what to change."""


class HintError(FunctionError):
    """A type hint is missing, or has no JSON type."""


class DocstringError(FunctionError):
    """The docstring is missing or incomplete."""
