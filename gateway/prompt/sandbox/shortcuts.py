"""Speed only: lookups and joins whose checks would always pass, without the checks."""

from __future__ import annotations

from typing import Any

from jinja2.runtime import Context, LoopContext
from jinja2.utils import Namespace

from gateway.prompt.sandbox.budget import CHARACTER, spend
from gateway.prompt.sandbox.cost import SINGLE, SMALL
from gateway.prompt.sandbox.environment import Sandbox
from gateway.prompt.sandbox.operators import METHODS, OPERATORS

# Attributes that `Sandbox.is_safe_attribute` allows; it takes some microseconds.
_SAFE: dict[type, frozenset[str]] = {
    **{kind: names - {"format", "format_map"} for kind, names in METHODS.items()},
    LoopContext: frozenset(
        (
            *("index", "index0", "revindex", "revindex0", "first", "last", "length"),
            *("previtem", "nextitem", "depth", "depth0", "cycle"),
        )
    ),
}


class FastSandbox(Sandbox):
    """`Sandbox` with the same results and the same costs."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        kind = type(obj)
        if kind is dict:
            return obj[attribute] if attribute in obj else self.undefined(obj=obj, name=attribute)
        is_safe = kind is Namespace and not attribute.startswith("_")
        if is_safe or attribute in _SAFE.get(kind, ()):
            try:
                return getattr(obj, attribute)
            except AttributeError:  # a namespace may not have it
                pass
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if type(argument) is str or type(argument) in SINGLE:
            try:
                return obj[argument]
            except (TypeError, LookupError):
                pass
        return super().getitem(obj, argument)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if type(left) is str and type(right) is str and operator == "+":
            if (size := len(left) + len(right)) > SMALL:
                spend(CHARACTER * size)
            return left + right
        return OPERATORS[operator](left, right)
