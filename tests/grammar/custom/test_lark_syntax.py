"""The grammars of clients are parsed as llguidance reads them."""

from __future__ import annotations

import pytest

from gateway.grammar.custom.lark_nodes import (
    Choice,
    LarkSyntaxError,
    Literal,
    Name,
    Node,
    Not,
    Regex,
    Repeated,
    Sequence,
)
from gateway.grammar.custom.lark_syntax import parse

A, B = Literal("a"), Literal("b")

BODIES: list[tuple[str, Node]] = [
    ('"a"', A),
    ('"a"i', Literal("a", ignores_case=True)),
    (r'"\n\"\\\u00e9\x41"', Literal('\n"\\éA')),
    (r'"\ud83d\ude00"', Literal("😀")),
    (r"/a\/b/im", Regex(r"a\/b", "im")),
    ('"a" "b"', Sequence((A, B))),
    ('"a" | "b"', Choice((A, B))),
    ('"a"\n  | "b"\n\n  | "a"', Choice((A, B, A))),
    ('("a"\n "b")', Sequence((A, B))),
    ('"a" -> first\n | "b" -> second', Choice((A, B))),
    ('"a"?', Repeated(A, 0, 1)),
    ('["a"]', Repeated(A, 0, 1)),
    ('"a"*', Repeated(A, 0, None)),
    ('"a"+', Repeated(A, 1, None)),
    ('"a"~2', Repeated(A, 2, 2)),
    ('"a"~2..3', Repeated(A, 2, 3)),
    ('"a"{2}', Repeated(A, 2, 2)),
    ('"a"{2,}', Repeated(A, 2, None)),
    ('"a"{,3}', Repeated(A, 0, 3)),
    ('"a".."c"', Regex("[a-c]")),
    ('~"a"', Not(A)),
    ('"a" // a comment\n', A),
    ('"a" # a comment\n', A),
    ("", Sequence(())),
]


@pytest.mark.parametrize(("body", "expected"), BODIES)
def test_body_is_parsed(body: str, expected: Node) -> None:
    assert parse(f"start: {body}").bodies["start"] == expected


def test_statements_are_parsed() -> None:
    found = parse(
        "%import common.INT -> NUMBER\n%import common (WS, LF)\n\n?start: !sum\n_sum: NUMBER\n"
        "!sum[lazy]: _sum\n%ignore WS\n%ignore /x/"
    )
    assert [*found.bodies] == ["NUMBER", "WS", "LF", "start", "_sum", "sum"]
    assert found.bodies["start"] == Name("sum")
    assert found.lazy == {"sum"}
    assert found.ignored == [Name("WS"), Regex("x")]


def test_error_has_the_line() -> None:
    with pytest.raises(LarkSyntaxError, match="line 3: expected"):
        parse('start: a\na: "a"\nb "b"')
