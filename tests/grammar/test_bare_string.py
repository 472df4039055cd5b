"""Strings that are written without quotes or escapes are held to their schemas, in every family."""

from __future__ import annotations

import pytest

from gateway.chat.json import Json, Object
from gateway.chat.messages import Call, Tool, Turn
from gateway.formats.encode import encode
from gateway.formats.families import FAMILIES
from gateway.formats.format import AsJson, Elements, Format, Literals, Placeholder, Tagged
from gateway.grammar.json_schema.close_objects import enforceable
from gateway.grammar.json_schema.supported import MAX_LENGTHS
from gateway.grammar.turn import grammar
from tests.formats.vocabulary import vocabulary

BARE = [one for one in FAMILIES.values() if not isinstance(one.arguments, AsJson)]
EVERY_BARE = pytest.mark.parametrize("format", BARE, ids=lambda one: one.name)


def closing(format: Format) -> str:
    """The marker that ends a string."""
    match format.arguments:
        case Tagged(parts=parts):
            return str(parts[parts.index(Placeholder.VALUE) + 1]).strip()
        case Elements(element=element):
            return element.partition("<$key>")[0]
        case Literals(quotes=(_, closed)):
            return closed
    return '"'


def is_admitted(format: Format, schema: Object, value: Json) -> bool:
    """Whether the grammar admits the call with `value`, each token by a mask."""
    parameters: Object = {"type": "object", "properties": {"x": schema}, "required": ["x"]}
    tool = Tool("f", "", enforceable(parameters).schema)
    words = vocabulary(format, special=False)
    matcher = words.matcher(grammar(format, [tool], required=True))
    for byte in encode(format, Turn(calls=(Call("f", {"x": value}, "abcdefghi"),))).encode():
        matcher.compute_bitmask()
        assert not matcher.is_error(), matcher.get_error()
        if not matcher.try_consume_tokens([byte]):
            assert not matcher.is_error(), matcher.get_error()
            return False
    return bool(matcher.is_accepting())


@pytest.mark.diagonal("format", "schema")
@EVERY_BARE
@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "maxLength": 1000},
        {"type": "string", "pattern": "^.{1,1000}$"},
        {"anyOf": [{"type": "string", "maxLength": 1000}, {"type": "null"}]},
        {"allOf": [{"type": "string"}, {"maxLength": 1000}]},
    ],
)
def test_a_long_string_ends_at_its_limit(format: Format, schema: Object) -> None:
    almost_closed = closing(format)[:-1] + " "
    text = (almost_closed * 1000)[:999] + "."
    assert is_admitted(format, schema, text)
    assert not is_admitted(format, schema, text + ".")


@pytest.mark.diagonal("format", "schema")
@EVERY_BARE
@pytest.mark.parametrize(
    "schema", [{"type": "string", "minLength": 1000}, {"type": "string", "pattern": "^.{1000,}$"}]
)
def test_a_string_is_as_long_as_it_has_to_be(format: Format, schema: Object) -> None:
    text = (closing(format)[:-1] + " ") * 1000
    assert is_admitted(format, schema, text[:999] + ".")
    assert not is_admitted(format, schema, text[:998] + ".")


@EVERY_BARE
@pytest.mark.parametrize("key", MAX_LENGTHS)
def test_a_length_that_is_not_enforced_is_reported(format: Format, key: str) -> None:
    limit = MAX_LENGTHS[key] + 1
    schema: Object = {"type": "string", key: limit}
    assert is_admitted(format, schema, "a" * (limit + (1 if key == "maxLength" else -1)))
    [unenforced] = enforceable({"properties": {"x": schema}}).unenforced
    assert str(unenforced) == f"#/properties/x: '{key}'"


@pytest.mark.diagonal("format", "valid")
@EVERY_BARE
@pytest.mark.parametrize(
    ("name", "valid", "invalid"),
    [
        ("date", "2024-02-29", "2023-02-29"),
        ("date", "2023-12-31", "2023-12-3"),
        ("time", "23:59:59.5+02:00", "23:59"),
        ("date-time", "2024-05-06T07:08:09Z", "2024-05-06"),
        ("duration", "P1Y2M3DT4H5M6S", "P"),
        ("email", "first.last+tag@mail.example.com", "first.last@"),
        ("hostname", "a.b.example.com", "-a.example"),
        ("ipv4", "192.168.0.1", "256.1.1.1"),
        ("ipv6", "fe80::1:2", "1:2:3"),
        ("ipv6", "::ffff:192.168.0.1", "1::2::3"),
        ("uuid", "123e4567-e89b-12d3-a456-426614174000", "123e4567"),
        ("uri", "https://example.com:80/a/b?c=d&e#f", "example.com"),
        ("uri", "file:///etc/hosts", "file"),
        ("json-pointer", "/a/b~0c", "a"),
        ("relative-json-pointer", "1/a", "/a"),
    ],
)
def test_a_string_has_its_format(format: Format, name: str, valid: str, invalid: str) -> None:
    string: Object = {"type": "string", "format": name}
    schemas: list[Object] = [string, {"anyOf": [string, {"type": "null"}]}]
    for schema in (*schemas, {**string, "maxLength": 200}):
        assert is_admitted(format, schema, valid)
        assert not is_admitted(format, schema, invalid)
