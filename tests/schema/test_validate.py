"""Values are validated in bounded time, and the verdict says where a value is wrong."""

from __future__ import annotations

import pytest

from gateway.chat.json import Json, Object
from gateway.schema.regex import compile_cost, longest_repetition, may_backtrack
from gateway.schema.validate import is_valid, violation
from gateway.schema.validation_limits import UncheckedSchema

A = "a" * 40
AMBIGUOUS = "^(a+)+$"
BACKTRACKING = "^((?!x)a+)+$"


@pytest.mark.parametrize(
    ("schema", "value", "place"),
    [
        ({"properties": {"a": {"items": {"not": {"const": 1}}}}}, {"a": [0, 1]}, "at /a/1: "),
        ({"items": [{"type": "null"}]}, [1], "at /0: "),
        (
            {"$schema": "http://json-schema.org/draft-07/schema#", "dependencies": {"a": ["b"]}},
            {"a": 1},
            "at /: ",
        ),
        (
            {
                "maximum": 3,
                "exclusiveMaximum": True,
                "$schema": "http://json-schema.org/draft-04/schema#",
            },
            3,
            "at /: ",
        ),
        (False, 1, "at /: "),
        (True, 1, None),
        ({"pattern": "^a+$"}, "a" * 5000, None),
    ],
)
def test_a_violation_has_the_place_of_the_invalid_value(
    schema: Json, value: Json, place: str | None
) -> None:
    found = violation(schema, value)
    assert found == place or (found and place and found.startswith(place))


@pytest.mark.parametrize(
    ("schema", "value", "valid"),
    [
        ({"pattern": AMBIGUOUS}, A + "!", False),
        ({"patternProperties": {"(a|a)*b": {}}}, {A: 1}, True),
        ({"pattern": "^" + "a?" * 40 + "a" * 40 + "$"}, A[1:] + "!", False),
        (
            {"additionalProperties": False, "patternProperties": {AMBIGUOUS: {}}},
            {A + "!": 1},
            False,
        ),
        (
            {"unevaluatedProperties": False, "allOf": [{"patternProperties": {AMBIGUOUS: {}}}]},
            {A + "!": 1},
            False,
        ),
        ({"propertyNames": {"pattern": AMBIGUOUS}}, {A + "!": 1}, False),
        ({"items": {"pattern": "a*a*b"}}, ["a" * 2000] * 200, False),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"not": {"pattern": AMBIGUOUS}}}}, A + "!", True),
    ],
)
def test_a_pattern_is_matched_in_linear_time(schema: Object, value: Json, valid: bool) -> None:
    assert (violation(schema, value) is None) is valid


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"pattern": BACKTRACKING}, A + "!"),
        ({"additionalProperties": False, "patternProperties": {BACKTRACKING: {}}}, {A + "!": 1}),
        (
            {"unevaluatedProperties": False, "allOf": [{"patternProperties": {BACKTRACKING: {}}}]},
            {A + "!": 1},
        ),
        ({"propertyNames": {"pattern": BACKTRACKING}}, {A + "!": 1}),
        ({"not": {"pattern": BACKTRACKING}}, A + "!"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"not": {"pattern": BACKTRACKING}}}}, A + "!"),
        ({"if": {"pattern": BACKTRACKING}, "then": False}, A + "!"),
    ],
)
def test_a_pattern_that_backtracks_too_often_gives_no_verdict(schema: Object, value: Json) -> None:
    with pytest.raises(UncheckedSchema, match="backtracking"):
        violation(schema, value)


def _doubling(how: str, inner: str = "") -> Object:
    """Definitions that each refer twice to the next one, within the property `inner`."""

    def reference(i: int) -> Object:
        link: Object = {"$ref": f"#/$defs/d{i + 1}"}
        return {"properties": {inner: link}} if inner else link

    links: Object = {f"d{i}": {how: [reference(i), reference(i)]} for i in range(60)}
    return {"$ref": "#/$defs/d0", "$defs": {**links, "d60": {}}}


def _nested(depth: int) -> Json:
    value: Json = 1
    for _ in range(depth):
        value = {"a": value}
    return value


WORDS: list[Json] = [f"word {i}" for i in range(20_000)]
LATEST = "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (_doubling("allOf"), 1),
        ({**_doubling("allOf"), "$schema": LATEST}, 1),
        (_doubling("anyOf"), 1),
        (_doubling("oneOf"), 1),
        (_doubling("allOf", "a"), _nested(60)),
        ({"items": {"anyOf": [{"const": word} for word in WORDS]}}, ["none"] * 100),
        ({"anyOf": [{"properties": {"a": {"const": word}}} for word in WORDS]}, {"a": [1] * 1000}),
        ({"items": {"enum": [{"a": word} for word in WORDS]}}, [{"a": "none"}] * 100),
        ({"items": {"enum": WORDS}}, ["none"] * 1000),
        ({"items": {"pattern": "^(?!x)a"}}, ["a"] * 10_000),
        (
            {"patternProperties": {f"a{i}": {} for i in range(1000)}},
            {f"{i}": i for i in range(1000)},
        ),
        ({"$ref": "#"}, 1),
    ],
)
def test_a_validation_that_takes_too_many_steps_gives_no_verdict(
    schema: Object, value: Json
) -> None:
    with pytest.raises(UncheckedSchema, match="steps"):
        violation(schema, value)
    assert not is_valid(schema, value)


def test_a_large_validation_within_the_limit_has_a_verdict() -> None:
    schema: Object = {"items": {"type": "object", "properties": {"a": {"enum": WORDS[:50]}}}}
    items: list[Json] = [{"a": "word 7"}] * 10_000
    assert violation(schema, items) is None
    assert str(violation(schema, [*items, {"a": 1}])).startswith("at /10000/a: ")


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"anyOf": [{"pattern": f"((a{{300}}){{30}}b)+{i}"} for i in range(100)]}, "patterns"),
        ({"properties": {rf"p{i}": {"pattern": r"\p{L}{20}"} for i in range(400)}}, "patterns"),
        ({"patternProperties": {f"(a{{900}}){{9}}{i}": {} for i in range(100)}}, "patterns"),
        ({"prefixItems": [{"$ref": "#/$defs/a"}] * 10_001, "$defs": {"a": {}}}, "references"),
        ({"$ref": "http://127.0.0.1:9/schema"}, "offline|disabled"),
        ({"$ref": "#/$defs/none"}, "none"),
        ({"pattern": "["}, "regex"),
        ({"$schema": "http://127.0.0.1:9/schema", "type": 7}, "7"),
    ],
)
def test_a_schema_that_can_not_be_compiled_gives_no_verdict(schema: Object, why: str) -> None:
    for _ in range(2):
        with pytest.raises(UncheckedSchema, match=why):
            violation(schema, [1])


@pytest.mark.parametrize("levels", [300, 5000])
def test_a_schema_nested_too_deep_gives_no_verdict(levels: int) -> None:
    schema: Object = {}
    for _ in range(levels):
        schema = {"items": schema}
    with pytest.raises(UncheckedSchema):
        violation(schema, 1)


def test_a_number_beyond_a_float_gives_no_verdict() -> None:
    with pytest.raises(UncheckedSchema, match="too large"):
        violation({"properties": {"a": {"type": "number"}}}, {"a": float("1e400")})


@pytest.mark.parametrize(("description", "value"), [("", "\ud800"), ("\ud800", "a")])
def test_a_lone_surrogate_gives_no_verdict(description: str, value: str) -> None:
    with pytest.raises(UncheckedSchema):
        violation({"description": description, "type": "string", "maxLength": 3}, value)


@pytest.mark.parametrize(
    ("format", "value", "valid"),
    [
        ("email", "nobody", False),
        ("date", "2024-02-30", False),
        ("ipv4", "1.2.3", False),
        ("uuid", "7", False),
        ("regex", "(", False),
        ("date-time", "2024-01-01T10:00:00", True),
        ("uri", "page.html", True),
        ("a-format-of-ours", "x", True),
    ],
)
def test_formats_that_models_write_loosely_are_annotations(
    format: str, value: str, valid: bool
) -> None:
    assert (violation({"format": format}, value) is None) is valid


@pytest.mark.parametrize(
    ("draft", "schema", "value", "valid"),
    [
        ("draft-04", {"minimum": 3, "exclusiveMinimum": True}, 3, False),
        ("draft-04", {"type": "integer"}, 1.0, False),
        ("draft-04", {"const": 1}, 2, True),
        ("draft-04", {"id": "http://x.invalid/a", "definitions": {"b": {}}}, 2, True),
        ("draft-06", {"const": 1}, 2, False),
        ("draft-06", {"type": "integer"}, 1.0, True),
        ("draft-06", {"if": {}, "then": False}, 2, True),
        ("draft-07", {"if": {}, "then": False}, 2, False),
        (
            "draft-07",
            {"$ref": "#/definitions/a", "type": "null", "definitions": {"a": {}}},
            2,
            True,
        ),
        ("draft-07", {"items": [{"type": "null"}], "additionalItems": False}, [None, 1], False),
        ("draft-07", {"prefixItems": [{"type": "null"}]}, [1], True),
        ("2019-09", {"items": [{"type": "null"}], "unevaluatedItems": False}, [None, 1], False),
        ("2019-09", {"dependentRequired": {"a": ["b"]}}, {"a": 1}, False),
        (
            "2019-09",
            {"properties": {"a": {"$recursiveRef": "#"}}, "type": "object"},
            {"a": 1},
            False,
        ),
        ("2020-12", {"prefixItems": [{"type": "null"}], "items": False}, [None, 1], False),
        ("2020-12", {"$ref": "#/$defs/a", "type": "null", "$defs": {"a": {}}}, 2, False),
        ("2020-12", {"$dynamicRef": "#a", "$defs": {"b": {"$dynamicAnchor": "a"}}}, 2, True),
        ("", {"items": [{"type": "null"}], "additionalItems": False}, [None, 1], False),
        ("", {"dependencies": {"a": ["b"]}}, {"a": 1}, False),
        ("", {"const": 10**400}, 10**400, True),
        ("", {"multipleOf": 0.01}, 4.35, True),
        ("", {"maxLength": 1}, "😀", True),
        ("", {"enum": [1.0]}, 1, True),
        ("", {"const": False}, 0, False),
    ],
)
def test_a_schema_is_read_as_its_draft_defines_it(
    draft: str, schema: Object, value: Json, valid: bool
) -> None:
    uri = f"draft/{draft}/schema" if draft.startswith("20") else f"{draft}/schema#"
    scheme = "https" if draft.startswith("20") else "http"
    declared: Object = {"$schema": f"{scheme}://json-schema.org/{uri}"} if draft else {}
    assert (violation({**declared, **schema}, value) is None) is valid


# -- what patterns cost


def test_the_cost_of_a_pattern_is_its_length_times_its_repetitions() -> None:
    assert compile_cost("^(red|green|blue)$") == 18
    assert compile_cost("(ab){3}") == 21
    assert compile_cost("((a{300}){300}b)+") > 10**5
    assert compile_cost(r"\p{L}") > compile_cost(r"\w{2}x")


@pytest.mark.parametrize("digits", [10, 5000])
def test_a_repetition_of_any_number_of_digits_is_read(digits: int) -> None:
    assert longest_repetition("a{" + "9" * digits + "}") == 10_001


def test_lookarounds_and_backreferences_may_backtrack() -> None:
    assert all(map(may_backtrack, ("^(?!a)b", "(?<=a)b", r"^(a|b)\1$")))
    assert not any(map(may_backtrack, ("^(a+)+$", "(?:a|b)*", r"\d\.\w")))
