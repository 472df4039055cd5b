"""L2 and L3 for arguments that are not JSON: all that is valid can be written, and nothing else."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.chat.json import Json, Object
from gateway.formats import elements, literals
from gateway.formats.format import Elements, Literals
from gateway.grammar.bare_string import quote
from gateway.grammar.elements import ElementRules
from gateway.grammar.literals import LiteralRules
from tests.formats.strategies import LAW, arguments, is_valid, objects, schemas
from tests.formats.vocabulary import Vocabulary
from tests.parsing.arguments import elements as nested
from tests.parsing.arguments.elements import MINIMAX, N
from tests.parsing.arguments.literals import FUNCTION_GEMMA, GEMMA, PYTHON
from tests.parsing.arguments.literals import read as read_literals

SEAL = "\ue000"


@dataclass(frozen=True)
class Notation:
    """A style, what ends the arguments, and the mark that a vocabulary may hold as one token."""

    style: Literals | Elements
    end: str
    mark: str

    def write(self, found: Object, *, seal: str = "") -> str:
        """Arguments and their end; `seal`, if given, stands for the mark where it is a mark."""
        match self.style:
            case Literals() as style:
                style = replace(style, quotes=(seal, seal)) if seal else style
                return literals.write(found, style) + self.end
            case Elements() as nested_style:
                element = nested_style.element.replace(self.mark, seal or self.mark)
                sealed = replace(nested_style, element=element)
                return elements.write(found, sealed) + self.end.replace(
                    self.mark, seal or self.mark
                )

    def read(self, text: str, parameters: Object) -> Json:
        if isinstance(self.style, Literals):
            found, left = read_literals(self.style, [text], strict=True)
        else:
            found, left = nested.read(parameters, [text], strict=True, end="")
        assert left == self.end
        value: Json = json.loads(found)
        return value

    def grammar(self, parameters: Object, words: Vocabulary) -> str:
        def literal(mark: str) -> str:
            pieces = re.split(f"({'|'.join(map(re.escape, words.special)) or '(?!)'})", mark)
            spelled = [
                f"<[{words.special[p]}]>" if p in words.special else quote(p) for p in pieces if p
            ]
            return " ".join(spelled)

        rules = (
            LiteralRules(self.style, "tool_0", literal)
            if isinstance(self.style, Literals)
            else ElementRules(self.style, "tool_0", literal)
        )
        start = f"start: {rules.arguments(parameters)} {literal(self.end)}"
        return "\n".join([start, *(f"{name}: {body}" for name, body in rules.rules.items())])

    def tokens(self, found: Object, words: Vocabulary) -> list[int]:
        if not words.special:
            return list(self.write(found).encode())
        token = words.special[self.mark]
        return [
            t for c in self.write(found, seal=SEAL) for t in ([token] if c == SEAL else c.encode())
        ]


def _words(mark: str, *plain: str) -> dict[bool, Vocabulary]:
    marks = [mark] if mark else []
    return {
        True: Vocabulary(plain=plain, special=marks),
        False: Vocabulary(plain=[*plain, *marks]),
    }


NOTATIONS = {
    "gemma": Notation(GEMMA, "}", '<|"|>'),
    "function_gemma": Notation(FUNCTION_GEMMA, "}", "<escape>"),
    "python": Notation(PYTHON, ")", "'"),
    "minimax": Notation(MINIMAX, f"{N}</invoke>", N),
}
WORDS = {
    # What ends a key is a token too, or a walk would never come to the end of one.
    "gemma": _words('<|"|>', ":"),
    "function_gemma": _words("<escape>", ":"),
    "python": _words("", "=", "': ", "'", ")"),
    "minimax": _words(N, f"{N}<", f"{N}</"),
}
EVERY_NOTATION = pytest.mark.parametrize("name", NOTATIONS)


def is_written(value: Json, schema: Json, name: str) -> bool:
    """Whether the notation has a way to write this value and no other."""
    mark = NOTATIONS[name].mark
    match name:
        case "minimax":
            return mark not in json.dumps(value) and nested.is_written(value, schema)
        case "python":
            return True
    return json.dumps(mark)[1:-1] not in json.dumps(value)


@EVERY_NOTATION
@LAW
@given(data=st.data(), parameters=objects(schemas()), is_special=st.booleans())
def test_the_grammar_admits_all_valid_arguments(
    name: str, data: st.DataObject, parameters: Object, is_special: bool
) -> None:
    found = data.draw(
        arguments(parameters).filter(lambda found: is_written(found, parameters, name))
    )
    notation, words = NOTATIONS[name], WORDS[name][is_special]
    lark = notation.grammar(parameters, words)
    assert words.admits(lark, notation.tokens(found, words))


@EVERY_NOTATION
@LAW
@given(data=st.data(), parameters=objects(schemas()), is_special=st.booleans())
def test_whatever_the_grammar_admits_is_parsed_as_valid_arguments(
    name: str, data: st.DataObject, parameters: Object, is_special: bool
) -> None:
    notation, words = NOTATIONS[name], WORDS[name][is_special]
    text = words.walk(notation.grammar(parameters, words), data.draw(st.integers(0, 2**32)))
    assert is_valid(parameters, notation.read(text, parameters))


TREE: Object = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z]{1,3}$"},
        "kids": {"type": "array", "items": {"$ref": "#"}, "maxItems": 2},
    },
    "required": ["name"],
}
SHAPE: Object = {
    "$defs": {
        "Circle": {
            "type": "object",
            "properties": {"kind": {"const": "circle"}, "size": {"$ref": "#/$defs/Size"}},
            "required": ["kind", "size"],
        },
        "Line": {
            "type": "object",
            "properties": {"kind": {"const": "line"}, "Ends": {"$ref": "#/$defs/Ends"}},
            "required": ["kind", "Ends"],
        },
        "Size": {"type": "number", "exclusiveMinimum": 0, "maximum": 9.5},
        "Ends": {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 3},
    },
    "type": "object",
    "properties": {
        "shape": {"oneOf": [{"$ref": "#/$defs/Circle"}, {"$ref": "#/$defs/Line"}]},
        "label": {"allOf": [{"type": "string"}, {"minLength": 2}], "maxLength": 3},
        "note": {"anyOf": [{"type": "string", "enum": ["a", "ab", "it's\n"]}, {"type": "null"}]},
        "never": False,
    },
    "required": ["shape"],
}
JOINED: Object = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}, "c": {"type": "boolean"}},
    "anyOf": [{"required": ["a"]}, {"required": ["b"], "properties": {"b": {"minimum": 5}}}],
}
OPEN: Object = {
    "type": "object",
    "properties": {
        "a": {"type": "integer"},
        "o": {
            "type": "object",
            "properties": {"x": {"type": "boolean"}},
            "additionalProperties": {"type": "integer"},
        },
        "free": {"type": "object"},
        "list": {"type": "array"},
        "any": {},
    },
    "additionalProperties": {"type": ["boolean", "null"]},
    "minProperties": 0,
}
SHAPES: dict[str, Object] = {
    "tree": TREE,
    "shape": SHAPE,
    "joined": JOINED,
    "open": OPEN,
    "free": {"type": "object"},
}


@EVERY_NOTATION
@pytest.mark.parametrize(
    ("parameters", "found", "is_admitted"),
    [
        (TREE, {"name": "abc", "kids": [{"name": "x", "kids": []}, {"name": "y"}]}, True),
        (TREE, {"name": "abcd"}, False),
        (TREE, {"kids": []}, False),
        (TREE, {"name": "a", "kids": [{"name": "b"}] * 3}, False),
        (SHAPE, {"shape": {"kind": "circle", "size": 2.5}}, True),
        (SHAPE, {"shape": {"kind": "circle", "size": 0}}, False),
        (SHAPE, {"shape": {"kind": "line", "Ends": [1, 2, 3]}, "label": "éé"}, True),
        (SHAPE, {"shape": {"kind": "line", "Ends": [1]}}, False),
        (SHAPE, {"shape": {"kind": "line", "size": 1}}, False),
        (SHAPE, {"shape": {"kind": "circle", "size": 2.5}, "label": "four"}, False),
        (SHAPE, {"shape": {"kind": "circle", "size": 2.5}, "note": "it's\n"}, True),
        (SHAPE, {"shape": {"kind": "circle", "size": 2.5}, "note": "b"}, False),
        (SHAPE, {"shape": {"kind": "circle", "size": 2.5}, "never": 1}, False),
        (JOINED, {"a": 1}, True),
        (JOINED, {"b": 6, "c": True}, True),
        (JOINED, {"b": 1}, False),
        (JOINED, {"c": True}, False),
        (JOINED, {}, False),
        (OPEN, {}, True),
        (OPEN, {"a": 1, "o": {"x": True}}, True),
        (OPEN, {"a": "x"}, False),
        (OPEN, {"any": "x"}, True),
        (OPEN, {"list": ["x", "y"]}, True),
    ],
)
def test_the_grammar_enforces_the_schema(
    name: str, parameters: Object, found: Object, is_admitted: bool
) -> None:
    for words in WORDS[name].values():
        tokens = NOTATIONS[name].tokens(found, words)
        assert words.admits(NOTATIONS[name].grammar(parameters, words), tokens) is is_admitted


@pytest.mark.parametrize("name", ["gemma", "function_gemma", "python"])
@pytest.mark.parametrize(
    ("parameters", "found", "is_admitted"),
    [
        (OPEN, {"a": 1, "z": True, "zz": None}, True),
        (OPEN, {"z": True}, True),
        (OPEN, {"z": 1}, False),
        (OPEN, {"o": {"x": True, "y": 1}}, True),
        (OPEN, {"o": {"y": 1, "z": 2}}, True),
        (OPEN, {"o": {"x": 1}}, False),
        (OPEN, {"free": {"k": [1, "x", {"l": None}]}}, True),
        ({"type": "object"}, {"k": {"l": [], "m": {}}, "n": "x"}, True),
        ({"type": "object", "properties": {}}, {"k": 1}, False),
        ({"type": "object", "required": ["k"]}, {"k": 1}, True),
        ({"type": "object", "required": ["k"]}, {}, False),
    ],
)
def test_an_object_takes_unlisted_keys_if_its_schema_does(
    name: str, parameters: Object, found: Object, is_admitted: bool
) -> None:
    for words in WORDS[name].values():
        tokens = NOTATIONS[name].tokens(found, words)
        assert words.admits(NOTATIONS[name].grammar(parameters, words), tokens) is is_admitted


@EVERY_NOTATION
@pytest.mark.parametrize("shape", SHAPES)
@LAW
@given(seed=st.integers(0, 2**32), is_special=st.booleans())
def test_whatever_the_grammar_of_an_intricate_schema_admits_is_valid(
    name: str, shape: str, seed: int, is_special: bool
) -> None:
    notation, words, parameters = NOTATIONS[name], WORDS[name][is_special], SHAPES[shape]
    text = words.walk(notation.grammar(parameters, words), seed)
    assert is_valid(parameters, notation.read(text, parameters))


@EVERY_NOTATION
def test_a_grammar_grows_linearly_with_its_schema(name: str) -> None:
    def size(count: int) -> int:
        properties: Object = {f"key{i}": {"type": "integer", "minimum": i} for i in range(count)}
        return len(NOTATIONS[name].grammar({"properties": properties}, WORDS[name][True]))

    assert size(400) < 5 * size(100)
