"""Finds, by trial, the keywords for which llguidance rejects a schema.

`relax.py` leaves out what llguidance is known not to support. What it rejects all the same (an
anchor in the middle of a pattern, patterns that overlap, a schema without any valid value) it
explains in prose that has no JSON pointer and changes with its version. So the keywords that may
be the cause are left out until the schema is accepted, then put back as far as it still is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from typing import TypeAlias

from gateway.chat.json import Json, Object, json_text
from gateway.grammar.json_schema.relax import Unenforced
from gateway.schema.refs import SUBSCHEMA_MAPS, VALUE_KEYWORDS, pointer_step

MAX_CHARS = 2**22  # of schemas that are compiled in one search, which takes some 3 s
MIN_CHARS = 2**12  # that a trial counts as
MIN_TRIALS = 4

# Keywords for which llguidance rejects schemas, or may in another version.
_RISKY = frozenset(
    (
        *("enum", "pattern", "patternProperties", "format", "multipleOf", "$ref"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
        *("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"),
        *("allOf", "anyOf", "oneOf", "prefixItems", "additionalItems", "additionalProperties"),
    )
)
# Where one of these is left out, the object must stay open for the properties that it names.
_OBJECT_KEYWORDS = frozenset(
    ("patternProperties", "allOf", "anyOf", "oneOf", "$ref", "additionalProperties")
)

IsAccepted: TypeAlias = Callable[[Object], bool]
Relaxation: TypeAlias = tuple[Object, list[Unenforced]]


def accepted_part(schema: Object, is_accepted: IsAccepted) -> Relaxation:
    """The part of a rejected `schema` that is accepted, and the keywords that are left out of it.

    If no part with its properties is accepted, that is any object.
    """
    search = _Search(schema, is_accepted)
    if not search.removed or not search.accepts(search.removed):
        return any_object(schema)
    search.put_back_halves(_risky(schema))
    return _without(schema, search.removed.__contains__)


def without_risky(schema: Object) -> Relaxation:
    """`schema` without any keyword that may be the cause of a rejection, and what was left out."""
    return _without(schema, lambda _: True)


def any_object(schema: Object) -> Relaxation:
    """A schema that any object is valid under, and the keywords of `schema` that it lacks."""
    return {"type": "object"}, [Unenforced("#", key) for key in schema if key != "type"]


class _Search:
    """`removed` are the keywords that are left out, at first all that may be the cause."""

    def __init__(self, schema: Object, is_accepted: IsAccepted):
        self.removed: Set[Unenforced] = {*_risky(schema)}
        self._schema = schema
        self._is_accepted = is_accepted
        self._trials = max(MIN_TRIALS, MAX_CHARS // max(MIN_CHARS, len(json_text(schema))))

    def accepts(self, removed: Set[Unenforced]) -> bool:
        """Whether the schema is known to be accepted without what is `removed`."""
        self._trials -= 1
        rest, _ = _without(self._schema, removed.__contains__)
        return self._trials >= 0 and self._is_accepted(rest)

    def put_back_halves(self, keywords: Sequence[Unenforced]) -> None:
        """Put back those of `keywords` that can be put back; all together they can't."""
        if len(keywords) > 1:
            middle = len(keywords) // 2
            self._put_back(keywords[:middle])
            self._put_back(keywords[middle:])

    def _put_back(self, keywords: Sequence[Unenforced]) -> None:
        removed = self.removed - {*keywords}
        if self.accepts(removed):
            self.removed = removed
        else:
            self.put_back_halves(keywords)


def _risky(schema: Object) -> list[Unenforced]:
    """The keywords of `schema` that may be the cause of a rejection."""
    found: list[Unenforced] = []

    def record(keyword: Unenforced) -> bool:
        found.append(keyword)
        return False

    _without(schema, record)
    return found


def _without(schema: Object, is_left_out: Callable[[Unenforced], bool]) -> Relaxation:
    """`schema` without those risky keywords that are to be left out, and these keywords."""
    left_out: list[Unenforced] = []

    def copy(node: Json, at: str) -> Json:
        if isinstance(node, list):
            return [copy(one, f"{at}/{i}") for i, one in enumerate(node)]
        if not isinstance(node, dict):
            return node
        result: Object = {}
        for key, value in node.items():
            is_risky = key in _RISKY and value is not True
            if is_risky and is_left_out(keyword := Unenforced(at, key)):
                left_out.append(keyword)
                if key in _OBJECT_KEYWORDS:
                    result["additionalProperties"] = True
            elif key in VALUE_KEYWORDS:
                result[key] = value
            elif key in SUBSCHEMA_MAPS and isinstance(value, dict):
                result[key] = {
                    name: copy(one, f"{at}/{key}/{pointer_step(name)}")
                    for name, one in value.items()
                }
            elif key != "additionalProperties" or key not in result:
                result[key] = copy(value, f"{at}/{key}")
        return result

    rest = copy(schema, "#")
    assert isinstance(rest, dict)
    return rest, left_out
