"""Cases of every kind, on tools of the tests' own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from training.evaluation.case import Case, Message


def tool(name: str, about: str, required: list[str], **fields: Any) -> dict[str, Any]:
    parameters = {"type": "object", "properties": fields, "required": required}
    return {
        "type": "function",
        "function": {"name": name, "description": about, "parameters": parameters},
    }


TEXT = {"type": "string"}
WHOLE = {"type": "integer"}
LAMP = tool(
    "set_lamp",
    "Set a lamp's brightness",
    ["room", "percent"],
    room=TEXT,
    percent={"type": "integer", "minimum": 0, "maximum": 100},
    color={"type": "string", "enum": ["warm", "cold"]},
)
FERRY = tool("find_ferry", "Find the next ferry", ["harbour"], harbour=TEXT)
PARCEL = tool("track_parcel", "See where a parcel is", ["number"], number=TEXT)
TOOLS = [LAMP, FERRY, PARCEL]


def said(text: str) -> Message:
    return {"role": "user", "content": text}


def spoken(text: str) -> Message:
    return {"role": "assistant", "content": text}


def calling(*calls: tuple[str, dict[str, Any]]) -> Message:
    made = [
        {
            "id": f"call_{i}",
            "type": "function",
            "function": {"name": name, "arguments": json.dumps(arguments)},
        }
        for i, (name, arguments) in enumerate(calls)
    ]
    return {"role": "assistant", "content": None, "tool_calls": made}


def came(value: Any, call: int = 0) -> Message:
    return {"role": "tool", "tool_call_id": f"call_{call}", "content": json.dumps(value)}


def lamp(room: str, percent: int, **more: Any) -> tuple[str, dict[str, Any]]:
    return "set_lamp", {"room": room, "percent": percent, **more}


def ferry(harbour: str) -> tuple[str, dict[str, Any]]:
    return "find_ferry", {"harbour": harbour}


def parcel(number: str) -> tuple[str, dict[str, Any]]:
    return "track_parcel", {"number": number}


def case(kind: str, *messages: Message, states: tuple[str, ...] = ()) -> Case:
    return Case(kind, TOOLS, messages, states)


ASKED = said("When does the next ferry leave Oban?"), calling(ferry("Oban"))
TRACKED = said("Where is my parcel Z-81?"), calling(parcel("Z-81"))
CASES = [
    case("call", said("Put the lamp in the study at 40 percent."), calling(lamp("study", 40))),
    case("call", said("ferry from Oban"), calling(ferry("Oban"))),
    case("call", said("Can you see where parcel Z-81 has got to?"), calling(parcel("Z-81"))),
    case(
        "call",
        said("Cold light in the attic, all the way up to 100."),
        calling(lamp("attic", 100, color="cold")),
    ),
    case(
        "two",
        said("Set the lamps in the hall to 10 and in the study to 90."),
        calling(lamp("hall", 10), lamp("study", 90)),
    ),
    case(
        "two",
        said("Where are the parcels Z-81 and Q-77?"),
        calling(parcel("Z-81"), parcel("Q-77")),
    ),
    case(
        "two",
        said("Next ferry from Oban, and is parcel Q-77 here?"),
        calling(ferry("Oban"), parcel("Q-77")),
    ),
    case("talk", said("Good morning!"), spoken("Good morning! What can I do for you?")),
    case("talk", said("What is a fjord?"), spoken("A narrow arm of the sea between cliffs.")),
    case("talk", said("Thanks, that was all."), spoken("You are welcome.")),
    case("unserved", said("Order me a pizza."), spoken("I can't order food.")),
    case("unserved", said("Play some jazz."), spoken("I can't play music.")),
    case("lacking", said("Track my parcel."), spoken("What is its number?")),
    case("lacking", said("When does the ferry leave?"), spoken("From which harbour?")),
    case(
        "result",
        *ASKED,
        came({"leaves": "17:05", "cars": 1250}),
        spoken("It leaves at 17:05 and has room for 1,250 cars."),
        states=("17:05", "1250"),
    ),
    case(
        "result",
        *TRACKED,
        came({"place": "Bergen"}),
        spoken("Your parcel is in Bergen."),
        states=("Bergen",),
    ),
    case(
        "failed",
        *ASKED,
        came({"error": "no ferry today"}),
        spoken("I found none: no ferry today."),
        states=("no ferry today",),
    ),
    case(
        "failed",
        *TRACKED,
        came({"error": "unknown number"}),
        spoken("I could not find it: unknown number."),
        states=("unknown number",),
    ),
    case(
        "follow_up",
        *ASKED,
        came({"leaves": "17:05"}),
        spoken("At 17:05."),
        said("And from Mallaig?"),
        calling(ferry("Mallaig")),
    ),
    case(
        "follow_up",
        said("Hello"),
        spoken("Hello! What can I do for you?"),
        said("Put the hall at 5 percent, please."),
        calling(lamp("hall", 5)),
    ),
]


def written(folder: Path) -> Path:
    """The cases as a file."""
    path = folder / "set.jsonl"
    rows = [{slot: getattr(case, slot) for slot in Case.__slots__} for case in CASES]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path
