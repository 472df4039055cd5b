"""Security: Jinja's sandbox, with fewer attributes and methods, and with calls metered.

A dict has keys and no attributes: a JSON Schema without `items` has none in a template either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from types import BuiltinMethodType, GeneratorType
from typing import Any

from jinja2.runtime import Context, LoopContext, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment

from gateway.prompt.sandbox.budget import CHARACTER, spend
from gateway.prompt.sandbox.compile import OUR_FILTERS
from gateway.prompt.sandbox.cost import SINGLE, materialized, spend_deep, spend_new
from gateway.prompt.sandbox.filters import FILTERS, TESTS
from gateway.prompt.sandbox.operators import METHODS, OPERATORS, spend_format, spend_method

_UNSAFE = {LoopContext: ("changed",), GeneratorType: ("send", "throw", "close", "gi_yieldfrom")}


class Sandbox(ImmutableSandboxedEnvironment):
    """Unlike in Jinja's own sandbox, templates may append to lists, as those of Kimi K2 do."""

    intercepted_binops = frozenset(OPERATORS)

    def __init__(self, **options: Any):
        super().__init__(finalize=_paid_output, **options)
        del self.globals["lipsum"]
        self.filters = {**FILTERS, **OUR_FILTERS}
        self.tests = {**TESTS}

    def is_safe_attribute(self, obj: object, attr: str, value: object) -> bool:
        names = METHODS.get(type(obj))
        if names is not None:
            return attr in names
        if isinstance(obj, str) or attr in _UNSAFE.get(type(obj), ()):
            return False
        return super().is_safe_attribute(obj, attr, value)

    def getattr(self, obj: Any, attribute: str) -> Any:
        if type(obj) is dict:
            return obj[attribute] if attribute in obj else self.undefined(obj=obj, name=attribute)
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if type(obj) is dict and type(argument) is str:
            return self.getattr(obj, argument)
        if type(argument) is not str and type(argument) not in SINGLE:
            spend_deep(argument)  # it will be hashed
        return super().getitem(obj, argument)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        return OPERATORS[operator](left, right)

    def call(self, context: Context, function: Any, /, *given: Any, **named: Any) -> Any:
        kind = type(function)
        if kind is BuiltinMethodType or kind is Macro:
            named.pop("_loop_vars", None)  # Jinja adds these for functions that take its context
            named.pop("_block_vars", None)
        if kind is Macro:
            return spend_new(function(context.eval_ctx, *given, **named))
        if kind is BuiltinMethodType:
            given = tuple(map(materialized, given))
            spend_method(function.__name__, function.__self__, given)
            return spend_new(function(*given, **named))
        if isinstance(function, type):
            given = tuple(map(materialized, given))
            spend_deep(*given)
        return spend_new(super().call(context, function, *given, **named))

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        format = super().wrap_str_format(value)
        if format is None:
            return None

        @wraps(format)
        def paid(*given: Any, **named: Any) -> str:
            spend_format(value.__self__, *given, *named.values())
            return str(spend_new(format(*given, **named)))

        return paid

    @staticmethod
    def concat(pieces: Iterable[str]) -> str:
        texts = [*pieces]
        spend(CHARACTER * sum(map(len, texts)))
        return "".join(texts)


def _paid_output(value: Any) -> Any:
    """Pays for turning `value` into text; returns it."""
    if not isinstance(value, str):
        spend_deep(value)
    return value
