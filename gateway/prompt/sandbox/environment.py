"""Jinja's sandbox, in which nothing is done that has not been counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from types import BuiltinMethodType, GeneratorType
from typing import Any

from jinja2.runtime import Context, LoopContext, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

from gateway.prompt.sandbox.budget import CHARACTER, spend
from gateway.prompt.sandbox.compile import OUR_FILTERS
from gateway.prompt.sandbox.cost import SINGLE, SMALL, at_hand, made, weigh
from gateway.prompt.sandbox.filters import FILTERS, TESTS
from gateway.prompt.sandbox.operators import METHODS, OPERATORS, see_format, see_method

_UNSAFE = {LoopContext: ("changed",), GeneratorType: ("send", "throw", "close", "gi_yieldfrom")}

# What Jinja would find to be safe each time, after some microseconds.
_SAFE: dict[type, frozenset[str]] = {
    **{kind: names - {"format", "format_map"} for kind, names in METHODS.items()},
    LoopContext: frozenset(
        (
            *("index", "index0", "revindex", "revindex0", "first", "last", "length"),
            *("previtem", "nextitem", "depth", "depth0", "cycle"),
        )
    ),
}
_OF_DICT = frozenset(dir(dict))


class Sandbox(ImmutableSandboxedEnvironment):
    """Lists may grow, as those of Kimi K2 do: all that a template is given are copies."""

    intercepted_binops = frozenset(OPERATORS)

    def __init__(self, **options: Any):
        super().__init__(finalize=_shown, **options)
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
        kind = type(obj)
        if kind is dict and attribute not in _OF_DICT:
            return obj[attribute] if attribute in obj else self.undefined(obj=obj, name=attribute)
        is_safe = kind is Namespace and not attribute.startswith("_")
        if is_safe or attribute in _SAFE.get(kind, ()):
            try:
                return getattr(obj, attribute)
            except AttributeError:  # a namespace may not have it
                pass
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if type(argument) is not str and type(argument) not in SINGLE:
            weigh(argument)
        try:
            return obj[argument]
        except (TypeError, LookupError):
            return super().getitem(obj, argument)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if type(left) is str and type(right) is str and operator == "+":
            if (size := len(left) + len(right)) > SMALL:
                spend(CHARACTER * size)
            return left + right
        return OPERATORS[operator](left, right)

    def call(self, context: Context, function: Any, /, *given: Any, **named: Any) -> Any:
        kind = type(function)
        if kind is BuiltinMethodType or kind is Macro:
            named.pop("_loop_vars", None)  # what Jinja adds for those that ask for the context
            named.pop("_block_vars", None)
        if kind is Macro:
            return made(function(context.eval_ctx, *given, **named))
        if kind is BuiltinMethodType:
            given = tuple(map(at_hand, given))
            see_method(function.__name__, function.__self__, given)
            return made(function(*given, **named))
        if isinstance(function, type):
            given = tuple(map(at_hand, given))
            weigh(*given)
        return made(super().call(context, function, *given, **named))

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        format = super().wrap_str_format(value)
        if format is None:
            return None

        @wraps(format)
        def careful(*given: Any, **named: Any) -> str:
            see_format(value.__self__, *given, *named.values())
            return str(made(format(*given, **named)))

        return careful

    @staticmethod
    def concat(pieces: Iterable[str]) -> str:
        whole = [*pieces]
        spend(CHARACTER * sum(map(len, whole)))
        return "".join(whole)


def _shown(value: Any) -> Any:
    """`value`, of which the text will be taken."""
    if not isinstance(value, str):
        weigh(value)
    return value
