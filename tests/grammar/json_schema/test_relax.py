"""A keyword that can't be enforced is left out where it occurs, and nothing else is."""

from __future__ import annotations

import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llguidance import LLMatcher, LLTokenizer

from gateway.chat.json import Json, Object
from gateway.chat.messages import Tool
from gateway.errors import BadRequest
from gateway.formats.families import FAMILIES
from gateway.formats.format import Format
from gateway.grammar.json_schema.close_objects import enforceable
from gateway.grammar.json_schema.inline import json_rule, spaced
from gateway.grammar.json_schema.rejected import accepted_part
from gateway.grammar.json_schema.relax import relax
from gateway.grammar.turn import grammar
from gateway.schema.validate import violation
from gateway.schema.validation_limits import UncheckedSchema
from tests.formats.strategies import LAW
from tests.formats.vocabulary import Vocabulary

TOKENIZER = LLTokenizer("byte")
WORDS = Vocabulary()
TEXT: Object = {"type": "string"}
REFERS: Object = {"$ref": "#/$defs/A"}


def matcher(schema: Object) -> LLMatcher:
    lark = LLMatcher.grammar_from_lark(f"start: {json_rule(spaced(schema))}")
    return LLMatcher(TOKENIZER, lark, log_level=0)


def accepts(schema: Object) -> bool:
    """Whether llguidance accepts `schema`."""
    return not matcher(schema).is_error()


def admits(schema: Object, value: Json) -> bool:
    compiled = matcher(schema)
    assert not compiled.is_error(), compiled.get_error()
    tokens = list(json.dumps(value, ensure_ascii=False).encode())
    return bool(compiled.try_consume_tokens(tokens) == len(tokens) and compiled.is_accepting())


def unenforced(schema: Object) -> list[str]:
    return [str(keyword) for keyword in enforceable(schema).unenforced]


def beside(one: Json, **more: Json) -> Object:
    """An object with the schema `one` for `x`, and an integer `n`."""
    properties: Object = {"x": one, "n": {"type": "integer"}}
    return {"type": "object", "properties": properties, "required": ["x", "n"], **more}


# A schema, its unsupported keyword, and a value that only this keyword excludes.
HARD: list[tuple[Object, str, Json]] = [
    ({"type": "string", "not": {"const": "a"}}, "not", "a"),
    ({"type": "string", "if": {"minLength": 2}, "then": {"maxLength": 3}}, "if", "abcd"),
    ({"type": "string", "pattern": "^(?!a)[a-z]$"}, "pattern", "ab"),
    ({"type": "string", "pattern": r"^(a|b)\1$"}, "pattern", "ab"),
    ({"type": "string", "pattern": r"\bfoo\b"}, "pattern", "food"),
    ({"type": "string", "format": "regex"}, "format", "("),
    ({"type": "array", "items": {"type": "integer"}, "uniqueItems": True}, "uniqueItems", [1, 1]),
    ({"type": "array", "contains": {"const": 1}}, "contains", [2]),
    ({"type": "array", "allOf": [{}], "unevaluatedItems": False}, "unevaluatedItems", [1]),
    ({"type": "object", "propertyNames": {"maxLength": 1}}, "propertyNames", {"ab": 1}),
    ({"type": "object", "dependentRequired": {"a": ["b"]}}, "dependentRequired", {"a": 1}),
    ({"type": "object", "dependencies": {"a": ["b"]}}, "dependencies", {"a": 1}),
    (
        {
            "type": "object",
            "properties": {"a": TEXT, "b": TEXT, "c": TEXT},
            "minProperties": 2,
        },
        "minProperties",
        {"a": ""},
    ),
    (
        {"type": "object", "allOf": [{"required": ["a"]}], "unevaluatedProperties": False},
        "unevaluatedProperties",
        {"a": 1},
    ),
    (
        {"type": "object", "patternProperties": {"^(?!a)": TEXT}, "additionalProperties": False},
        "patternProperties",
        {"a": ""},
    ),
    ({"type": "integer", "multipleOf": 123456789}, "multipleOf", 5),
    ({"type": "number", "minimum": 1e300}, "minimum", 5),
    ({"oneOf": [{"type": "integer"}, {"type": "number", "minimum": 2}]}, "oneOf", 3),
    ({"type": "string", "$dynamicRef": "#none"}, "$dynamicRef", "a"),
]


@pytest.mark.parametrize(("hard", "keyword", "value"), HARD, ids=[key for _, key, _ in HARD])
def test_only_the_unsupported_keyword_is_left_out(hard: Object, keyword: str, value: Json) -> None:
    schema = beside(hard)
    assert [str(place) for place in enforceable(schema).unenforced] == [
        f"#/properties/x: {keyword!r}"
    ]
    assert admits(schema, {"x": value, "n": 1})
    for wrong in ({"x": value, "n": "1"}, {"x": value}, {"x": value, "n": 1, "y": 1}):
        assert not admits(schema, wrong)
    if "type" in hard:
        assert not admits(schema, {"x": None, "n": 1})


@pytest.mark.parametrize(("hard", "keyword", "value"), HARD, ids=[key for _, key, _ in HARD])
def test_a_value_that_violates_an_unsupported_keyword_is_found_by_validation(
    hard: Object, keyword: str, value: Json
) -> None:
    if keyword == "$dynamicRef":
        with pytest.raises(UncheckedSchema):
            violation(beside(hard), {"x": value, "n": 1})
    else:
        found = violation(beside(hard), {"x": value, "n": 1})
        assert found
        assert found.startswith("at /x")


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "not": False},
        {"type": "array", "uniqueItems": False},
        {"type": "object", "propertyNames": {"type": "string"}},
        {"type": "object", "properties": {"a": TEXT}, "unevaluatedProperties": False},
        {"type": "object", "properties": {"a": TEXT}, "minProperties": 1},
        {"type": "object", "properties": {"a": TEXT}, "minProperties": 0, "maxProperties": 3},
        {"type": "string", "format": "our-own"},
        {"type": "string", "pattern": "^{[[&~]$"},
        {"type": "array", "items": [TEXT], "additionalItems": False},
        {"type": "string", "minLength": 2.0},
        {"oneOf": [TEXT, {"type": "null"}]},
        {"oneOf": [{"const": 1}, {"const": 2}, {"enum": ["a"]}]},
        {
            "oneOf": [
                {"type": "object", "properties": {"a": TEXT}, "required": ["a"]},
                {"type": "object", "properties": {"b": TEXT}, "required": ["b"]},
            ]
        },
        {"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"type": "null"}, "never": {"not": {}}}},
        {"$ref": "#named", "$defs": {"A": {"$anchor": "named", "type": "null"}}},
        {"$id": "https://x.invalid/s", "$ref": "https://x.invalid/s#/$defs/A", "$defs": {"A": {}}},
        {"title": "t", "description": "\ud800", "default": 10**400, "deprecated": True},
        {"x-guidance": {"lenient": 7}},
        {},
    ],
)
def test_supported_schemas_are_enforced_as_a_whole(schema: Object) -> None:
    assert enforceable(schema).unenforced == ()
    assert not matcher(schema).is_error()


@pytest.mark.parametrize("reference", ["#/$defs/none", "http://example.invalid/schema", "#none"])
def test_a_reference_without_a_target_is_left_out(reference: str) -> None:
    schema = beside({"$ref": reference})
    assert unenforced(schema) == ["#/properties/x: '$ref'"]
    assert admits(schema, {"x": [1], "n": 1})
    assert not admits(schema, {"x": [1], "n": "1"})
    with pytest.raises(UncheckedSchema):
        violation(schema, {"x": [1], "n": 1})


def test_circular_definitions_are_left_out() -> None:
    loop: Object = {"A": {"$ref": "#/$defs/B"}, "B": REFERS}
    assert {
        place.keyword for place in enforceable(beside(REFERS, **{"$defs": loop})).unenforced
    } == {"$ref"}


def test_a_pointer_into_a_definition_has_the_clients_name_of_it() -> None:
    definitions: Object = {"A": {"type": "object", "properties": {"p": {"not": {}}}}}
    schema = beside(REFERS, **{"$defs": definitions})
    assert [str(place) for place in enforceable(schema).unenforced] == [
        "#/$defs/A/properties/p: 'not'"
    ]


def test_a_recursive_schema_is_enforced_at_every_depth() -> None:
    tree: Object = {
        "type": "object",
        "properties": {"children": {"type": "array", "items": {"$ref": "#"}}},
    }
    assert enforceable(tree).unenforced == ()
    assert admits(tree, {"children": [{"children": [{}]}]})
    assert not admits(tree, {"children": [{"children": [{"x": 1}]}]})


def test_properties_that_a_condition_adds_are_admitted() -> None:
    schema: Object = {
        "type": "object",
        "properties": {"kind": {"enum": ["card", "cash"]}},
        "required": ["kind"],
        "if": {"properties": {"kind": {"const": "card"}}},
        "then": {"properties": {"number": {"type": "integer"}}, "required": ["number"]},
    }
    assert admits(schema, {"kind": "card", "number": 1})
    assert not admits(schema, {"kind": "card", "number": "1"})
    assert not admits(schema, {"kind": "card", "invented": 1})
    assert violation(schema, {"kind": "card"})


def test_a_schema_nested_thousands_deep_is_a_bad_request() -> None:
    schema: Object = {}
    for _ in range(5000):
        schema = {"type": "array", "items": schema}
    with pytest.raises(BadRequest, match="nested"):
        enforceable(schema)


@pytest.mark.parametrize("length", [100, 5000])
def test_a_long_chain_of_definitions_does_not_overflow_the_stack(length: int) -> None:
    chain: Object = {
        f"d{i}": {"type": "object", "properties": {"n": {"$ref": f"#/$defs/d{i + 1}"}}}
        for i in range(length)
    }
    schema: Object = {"$ref": "#/$defs/d0", "$defs": {**chain, f"d{length}": TEXT}}
    assert length > sys.getrecursionlimit() or not enforceable(schema).unenforced
    assert admits(schema, {"n": {"n": {}}})


def test_multiples_of_several_numbers_need_a_limited_automaton() -> None:
    every: list[Json] = [{"multipleOf": prime} for prime in (9973, 9967, 9949)]
    schema: Object = {"type": "integer", "allOf": every}
    assert [one.keyword for one in enforceable(schema).unenforced] == ["multipleOf"] * 2
    assert not matcher(schema).is_error()


# -- schemas that llguidance rejects after that


@pytest.mark.parametrize(
    ("hard", "keywords"),
    [
        ({"type": "string", "pattern": "a^b"}, {"pattern"}),
        ({"type": "object", "patternProperties": {"^a": {}, "b$": {}}}, {"patternProperties"}),
        ({"type": "string", "minLength": 5, "maxLength": 2}, {"maxLength"}),
        ({"type": "integer", "minimum": 5, "maximum": 2}, {"maximum"}),
        ({"allOf": [{"type": "string", "pattern": "^a"}, {"pattern": "a^b"}]}, {"pattern"}),
    ],
)
def test_the_rejected_keyword_alone_is_left_out(hard: Object, keywords: set[str]) -> None:
    schema = beside(hard)
    assert not accepts(schema)
    rest, left_out = accepted_part(schema, accepts)
    assert {one.keyword for one in left_out} == keywords
    assert all(one.pointer.startswith("#/properties/x") for one in left_out)
    assert len(left_out) == 1
    assert accepts(rest)
    assert not admits(rest, {"x": None, "n": 1})


@pytest.mark.parametrize(
    "schema",
    [
        beside({"allOf": [TEXT, {"type": "integer"}]}),
        beside(False),
        {
            "allOf": [REFERS, {"$ref": "#/$defs/B"}],
            "$defs": {
                name: {"type": "object", "properties": {"n": {"$ref": f"#/$defs/{name}"}}}
                for name in ("A", "B")
            },
        },
        {"type": "object", "properties": {"n": {"$ref": "#", "minProperties": 3}}},
        {
            "type": "object",
            "properties": {"a": {"type": "string", "minLength": 9, "maxLength": 1}},
            "required": ["a"],
        },
    ],
)
def test_some_part_of_every_rejected_schema_is_accepted(schema: Object) -> None:
    if not accepts(schema):
        schema, left_out = accepted_part(schema, accepts)
        assert left_out
    values: list[Json] = [{}, {"x": "", "n": 1}, {"a": "a" * 9}]
    assert any(admits(schema, value) for value in values)


@pytest.mark.parametrize("culprit", [0, 7, 63])
def test_one_rejected_keyword_among_many_is_found_in_few_trials(culprit: int) -> None:
    properties: Object = {
        f"p{i}": {"type": "string", "pattern": "a^b" if i == culprit else f"^a{i}$"}
        for i in range(64)
    }
    trials: list[Object] = []

    def counted(part: Object) -> bool:
        trials.append(part)
        return accepts(part)

    rest, left_out = accepted_part({"type": "object", "properties": properties}, counted)
    assert [str(one) for one in left_out] == [f"#/properties/p{culprit}: 'pattern'"]
    assert accepts(rest)
    assert len(trials) <= 14


def test_a_search_compiles_a_limited_number_of_characters() -> None:
    properties: Object = {
        f"p{i}": {"type": "string", "pattern": "a^b", "description": "d" * 10_000}
        for i in range(100)
    }
    trials: list[Object] = []

    def counted(part: Object) -> bool:
        trials.append(part)
        return accepts(part)

    rest, left_out = accepted_part({"type": "object", "properties": properties}, counted)
    assert len(left_out) == 100
    assert accepts(rest)
    assert len(trials) == 4


# -- schemas whose grammar could take long to write


def chain(how: str) -> Object:
    """Forty definitions that each refer twice to the next one."""
    links: Object = {f"d{i}": {how: [{"$ref": f"#/$defs/d{i + 1}"}] * 2} for i in range(40)}
    return {
        "properties": {"a": {"$ref": "#/$defs/d0"}},
        "$defs": {**links, "d40": {"type": "null"}},
    }


@pytest.mark.diagonal("format", "how")
@pytest.mark.parametrize("how", ["anyOf", "oneOf", "allOf"])
@pytest.mark.parametrize("format", FAMILIES.values(), ids=FAMILIES)
def test_definitions_that_each_refer_twice_to_the_next_have_a_grammar(
    format: Format, how: str
) -> None:
    hostile: Object = {"type": "string", "pattern": "^(a+)+$", "enum": ["a" * 40 + "!", "b"]}
    schema: Object = {"type": "object", **chain(how)}
    assert grammar(format, [Tool("f", "", schema), Tool("g", "", {"properties": {"a": hostile}})])


def test_a_list_of_many_values_is_written_in_linear_time() -> None:
    listed: Object = {"type": "string", "enum": [f"value {i}" for i in range(20_000)]}
    tool = Tool("f", "", {"type": "object", "properties": {"a": listed}})
    assert "value 19999" in grammar(FAMILIES["llama4"], [tool])


@pytest.mark.parametrize(
    ("schema", "keyword"),
    [
        ({"pattern": "a{100000000}"}, "pattern"),
        ({"pattern": "((a{300}){300}b)+"}, "pattern"),
        ({"pattern": "(a{2000,}){0,2000}"}, "pattern"),
        ({"const": "x" * 100_000}, "const"),
        ({"enum": ["x" * 100_000]}, "enum"),
    ],
)
def test_keywords_that_expand_to_long_text_are_left_out(schema: Object, keyword: str) -> None:
    assert [one.keyword for one in relax(schema).unenforced] == [keyword]


# -- laws

KEYWORDS: dict[str, st.SearchStrategy[Json]] = {
    "type": st.sampled_from(["object", "array", "string", "integer", "number", "null"]),
    "enum": st.lists(st.sampled_from([1, "a", None, True, 0.5, "b"]), min_size=1),
    "const": st.sampled_from([1, "a", None, [1], 10**400]),
    "minimum": st.sampled_from([0, 5, 1e300, -1.5]),
    "maximum": st.sampled_from([0, 5, 7.5]),
    "multipleOf": st.sampled_from([2, 0.1, 10**9]),
    "minLength": st.integers(0, 3),
    "maxLength": st.integers(0, 3),
    "pattern": st.sampled_from(["^a", "(?!a)b", r"^\w+$", "a^b", "[", "(a)\\1"]),
    "format": st.sampled_from(["regex", "ours"]),  # llguidance takes 30 February for a date
    "minItems": st.integers(0, 2),
    "maxItems": st.integers(0, 3),
    "uniqueItems": st.booleans(),
    "required": st.lists(st.sampled_from("ab"), unique=True),
    "minProperties": st.integers(0, 2),
    "maxProperties": st.integers(0, 2),
    "dependentRequired": st.just({"a": ["b"]}),
    "$ref": st.sampled_from(["#", "#/$defs/A", "#/$defs/B", "#/none", "http://x.invalid/"]),
}


def _nested(inner: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    named = st.dictionaries(st.sampled_from("ab"), inner, max_size=2)
    several = st.lists(inner, min_size=1, max_size=2)
    more: dict[str, st.SearchStrategy[Json]] = {
        **dict.fromkeys(("properties", "dependentSchemas"), named),
        **dict.fromkeys(("items", "additionalProperties", "not", "contains"), inner),
        **dict.fromkeys(("propertyNames", "unevaluatedProperties", "if", "then"), inner),
        **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), several),
        "patternProperties": st.dictionaries(st.sampled_from(["^a", "b$", "(?!a)"]), inner),
    }
    return _some(KEYWORDS | more)


def _some(keywords: dict[str, st.SearchStrategy[Json]]) -> st.SearchStrategy[Json]:
    chosen = st.lists(st.sampled_from(sorted(keywords)), max_size=3, unique=True)
    return chosen.flatmap(
        lambda keys: st.fixed_dictionaries({key: keywords[key] for key in keys})
    ).map(lambda schema: dict[str, Json](schema))


SCHEMAS = st.recursive(st.booleans() | _some(KEYWORDS), _nested, max_leaves=4)
DEFINED = st.fixed_dictionaries({"A": SCHEMAS, "B": SCHEMAS})


@LAW
@given(
    schema=SCHEMAS,
    definitions=DEFINED,
    needed=st.sampled_from([["n"], ["n", "x"]]),
    seed=st.integers(0, 2**32),
)
def test_generated_values_are_valid_or_an_unenforced_keyword_is_reported(
    schema: Json, definitions: Object, needed: list[Json], seed: int
) -> None:
    requested: Object = {
        "type": "object",
        "properties": {"x": schema, "n": {"type": "integer"}},
        "required": needed,
        "$defs": definitions,
    }
    tried, left_out = requested, list(enforceable(requested).unenforced)
    if not accepts(tried):
        tried, more = accepted_part(tried, accepts)
        left_out += more
    assert accepts(tried)
    left_out += enforceable(tried).unenforced
    try:
        text = WORDS.walk(f"start: {json_rule(spaced(tried))}", seed)
    except (AssertionError, IndexError):
        return  # a value that has no end, or none at all
    value = json.loads(text)
    try:
        found = violation(requested, value)
    except UncheckedSchema:
        return
    assert found is None or left_out, (found, text)
