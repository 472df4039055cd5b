"""What becomes of a random schema: a fake model writes a call under its grammar, at random.

`python -m tests.generate.written 1000 > docs/schemas.md` writes the figures.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import replace
from enum import StrEnum
from functools import cache

from jsonschema_rs import Draft202012Validator
from llguidance import LLMatcher

from gateway.chat.events import NoteKind
from gateway.chat.json import Object
from gateway.chat.messages import Tool
from gateway.chat.request import Request, ToolChoice
from gateway.errors import BadRequest
from gateway.formats.families import FAMILIES, HERMES
from gateway.formats.format import AsJson, Elements, Format, Literals, Placeholder, Tagged
from gateway.generate.constraint import Constraint
from gateway.schema.local_references import with_local_references
from tests.formats.roundtrip import read
from tests.formats.vocabulary import LongWalk, Vocabulary, words
from tests.generate.keywords import KEYWORDS
from tests.generate.random_schemas import Draws

MAX_REPORTED = 0.03  # of the finished answers
# Without reasoning, which has no schema.
FORMATS = [
    replace(format, think=None, empty_think="", variants=())
    for format in FAMILIES.values()
    if format == HERMES or not isinstance(format.arguments, AsJson)
]


class Outcome(StrEnum):
    HELD = "held"  # the arguments are valid, and there is no note
    REPORTED = "reported"  # a note says what was not enforced, or what is invalid
    UNFINISHED = "unfinished"  # the walk did not end
    SILENT = "silently invalid"
    REFUSED = "refused"


def outcome(format: Format, parameters: Object, seed: int) -> Outcome:
    """What becomes of a required call of a tool with these satisfiable `parameters`."""
    local = with_local_references(parameters, json.dumps(parameters))
    tool = Tool("f", "", local)
    try:
        constraint = _accepted(Request("m", (), (tool,), ToolChoice(("f",), required=True)), format)
        text = _vocabulary(format).walk(constraint.grammar or "", seed)
    except BadRequest:
        return Outcome.REFUSED
    except LongWalk:
        return Outcome.UNFINISHED
    turn = read(format, [tool], [text])
    notes = constraint.notes(turn)
    if any(note.kind in (NoteKind.UNENFORCED, NoteKind.VIOLATION) for note in notes):
        return Outcome.REPORTED
    validator = Draft202012Validator(local, validate_formats=True, offline=True)
    is_valid = bool(turn.calls) and all(validator.is_valid(call.arguments) for call in turn.calls)
    return Outcome.HELD if is_valid else Outcome.SILENT


def outcomes(format: Format, count: int, start: int = 0) -> Counter[Outcome]:
    """How often each outcome comes, for `count` schemas; each from a seed from `start` on."""
    return Counter(
        outcome(format, Draws(seed).parameters()[0], seed) for seed in range(start, start + count)
    )


def worst(format: Format, parameters: Object, count: int = 20) -> Outcome:
    """The worst outcome of `count` calls."""
    ordered = [*Outcome]
    found = [outcome(format, parameters, seed) for seed in range(count)]
    return max((one for one in found if one is not Outcome.UNFINISHED), key=ordered.index)


def is_good(found: Counter[Outcome]) -> bool:
    """Whether no schema was refused, nothing is silently invalid, and little is reported."""
    finished = found[Outcome.HELD] + found[Outcome.REPORTED]
    wrong = found[Outcome.REFUSED] + found[Outcome.SILENT]
    return not wrong and found[Outcome.REPORTED] <= max(1, MAX_REPORTED * finished)


def _accepted(request: Request, format: Format) -> Constraint:
    """The constraint whose grammar llguidance accepts, as the gateway asks for it."""
    constraint = Constraint(request, format, "", {})
    for _ in range(3):
        lark = LLMatcher.grammar_from_lark(constraint.grammar or "")
        matcher = LLMatcher(_vocabulary(format).tokenizer, lark, log_level=0)
        if not matcher.is_error():
            return constraint
        refusal = BadRequest(matcher.get_error(), code="unsupported_schema")
        constraint.relax(refusal, constraint.grammar)
    raise BadRequest("the grammar is rejected")


@cache
def _vocabulary(format: Format) -> Vocabulary:
    """Bytes and the format's markers; what closes a value is a token too, or no walk would end."""
    markers = [*words(" ".join(format.markers))]
    match format.arguments:
        case Tagged(parts=parts):
            markers.append("".join(map(str, parts[parts.index(Placeholder.VALUE) + 1 :])))
        case Literals(quotes=(_, closed)):
            markers.append(closed)
        case Elements(element=element):
            markers.append(element.partition("$value")[2].partition("$key")[0])
    return Vocabulary(plain=list(dict.fromkeys(markers)))


def main(count: int) -> None:
    print("# Schemas, at random\n")
    print(
        f"{count:,} random schemas for each format, and a call under each that a fake model writes"
    )
    print("at random: each token is any of those that the grammar allows.")
    print("`python -m tests.generate.written 1000 > docs/schemas.md` writes this page;")
    print("`tests/generate/test_random_schemas.py` has the same check with other seeds.\n")
    columns = [*Outcome]
    print(f"| format | {' | '.join(columns)} |\n|---|{'--:|' * len(columns)}")
    for format in FORMATS:
        found = outcomes(format, count)
        print(f"| `{format.name}` | {' | '.join(f'{found[one]:,}' for one in columns)} |")
        sys.stdout.flush()
    names = ("hermes", "smollm2_tools", "gemma4", "minimax_m3")
    shown = [format for format in FORMATS if format.name in names]
    print("\n## Each keyword\n\nThe worst of twenty calls, in each notation of arguments.\n")
    print(f"| keyword | {' | '.join(f'`{format.name}`' for format in shown)} |")
    print(f"|---|{'---|' * len(shown)}")
    for keyword, parameters in KEYWORDS.items():
        print(f"| {keyword} | {' | '.join(worst(format, parameters) for format in shown)} |")
    print("\n*Held*: the arguments are valid, formats included, and the answer has no note.")
    print("*Reported*: a note names what the grammar does not enforce, or what is invalid.")
    print("*Unfinished*: the text had not ended after 3,000 tokens, as a cut answer.")


if __name__ == "__main__":
    main(int(sys.argv[1]))
