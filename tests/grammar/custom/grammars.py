"""Grammars of custom tools, each with inputs that match it and inputs that don't."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.chat.messages import TextGrammar

# The patch format that coding agents write: files to add, delete, and update line by line.
PATCH = r"""
start: "*** Begin Patch" LF change+ "*** End Patch" LF?

change: addition | deletion | update
addition: "*** Add File: " path added+
deletion: "*** Delete File: " path
update: "*** Update File: " path moved? hunk*
moved: "*** Move to: " path

hunk: header line+ end_of_file?
header: ("@@" | "@@ " TEXT) LF
line: ("+" | "-" | " ") TEXT? LF
added: "+" TEXT? LF
end_of_file: "*** End of File" LF

path: TEXT LF
TEXT: /[^\n]+/
%import common.LF
"""


@dataclass(frozen=True)
class Case:
    grammar: TextGrammar
    valid: tuple[str, ...]
    invalid: tuple[str, ...]


def lark(definition: str) -> TextGrammar:
    return TextGrammar("lark", definition)


def regex(definition: str) -> TextGrammar:
    return TextGrammar("regex", definition)


ADDED = '*** Begin Patch\n*** Add File: a.py\n+print("it\'s\\n")\n+\n*** End Patch'
UPDATED = (
    "*** Begin Patch\n*** Update File: src/é.py\n*** Move to: b.py\n@@ def f():\n \tx = '1'\n"
    '-y = "2\\\\"\n+<z>{a}</z> & </b>\n*** End of File\n*** End Patch\n'
)

CASES = {
    "a patch": Case(
        lark(PATCH),
        (ADDED, UPDATED),
        (
            "",
            "print(1)",
            "*** Begin Patch\n*** End Patch",
            "*** Begin Patch\n*** Add File: a.py\nprint(1)\n*** End Patch",
            ADDED.removesuffix("h"),
            ADDED + "\n\n",
        ),
    ),
    "arithmetic with spaces": Case(
        lark(
            'start: sum\n?sum: product\n   | sum ("+" | "-") product -> combined\n'
            'product: atom ("*" atom)*\natom: NUMBER | "(" sum ")"\n'
            "%import common (NUMBER, WS)\n%ignore WS\n"
        ),
        ("1", "( 1 +2.5)*3\n", "((4))"),
        ("", "1 +", "1 2", "(1", "x"),
    ),
    "any text": Case(lark("start: /(?s:.*)/"), ("", 'a\n"b" <c>\\', "日本 🙂"), ()),
    "a word, then any text": Case(
        lark('start: "Do " REST\nREST: /(?s:.+)/'), ("Do x\n",), ("Do ",)
    ),
    "lines, the last of which may end": Case(
        lark("start: LINE (NL LINE)* NL?\nLINE: /[^\\n]+/\nNL: /\\n/"),
        ("a", "a\nb\n", "<p>\n'q'\""),
        ("", "\n", "a\n\nb"),
    ),
    "letters of both cases": Case(
        lark('start: "select"i " " /[a-z]+/i [";"]'),
        ("SELECT a;", "select B"),
        ("insert a", "select 1"),
    ),
    "terminals with operators": Case(
        lark('start: WORD ("," WORD){1,2}\nWORD: /[a-z"]+/ & ~"no"'),
        ('a,"b"', "noo,n,o"),
        ("a", "no,a", "a,b,c,d"),
    ),
    "ranges and repetitions": Case(
        lark('start: "a".."c"~2..3 "0".."9"+ "!"*'), ("ab1", "ccc99!!"), ("a1", "dd1", "abca1")
    ),
    "control characters": Case(
        lark('start: "\\u0001\\u001b[" /[a-z]/ "\\t"'), ("\x01\x1b[a\t",), ("[a\t", "\x01[a\t")
    ),
    "a lazy rule": Case(
        lark('start: comment "."\ncomment[lazy]: /(?s:.*)#/'), ('a\n"#.',), ("a", "a#b#.")
    ),
    "a date": Case(regex(r"\d{4}-\d\d-\d\d"), ("2026-11-30",), ("2026-11-3", "2026-11-301", "")),
    "a regex with quotes and slashes": Case(
        regex(r'"[^"/]*"/(a|\\)+'), ('"x y"/a\\a', '""/\\'), ('"/"/a', "x")
    ),
    "a regex of any line": Case(regex(".*"), ("", "a \"b\" 'c' \\d"), ("a\nb",)),
}
