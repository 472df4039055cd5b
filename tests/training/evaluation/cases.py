"""Cases of every kind, with tools for the tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gateway.evaluation.case import Message
from training.evaluation.case import Case


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


def user(text: str) -> Message:
    return {"role": "user", "content": text}


def assistant(text: str) -> Message:
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


def result(value: Any, call: int = 0) -> Message:
    return {"role": "tool", "tool_call_id": f"call_{call}", "content": json.dumps(value)}


def lamp(room: str, percent: int, **more: Any) -> tuple[str, dict[str, Any]]:
    return "set_lamp", {"room": room, "percent": percent, **more}


def ferry(harbour: str) -> tuple[str, dict[str, Any]]:
    return "find_ferry", {"harbour": harbour}


def parcel(number: str) -> tuple[str, dict[str, Any]]:
    return "track_parcel", {"number": number}


def case(kind: str, *messages: Message, states: tuple[str, ...] = ()) -> Case:
    return Case(kind, TOOLS, messages, states)


FERRY_CALL = user("When does the next ferry leave Oban?"), calling(ferry("Oban"))
PARCEL_CALL = user("Where is my parcel Z-81?"), calling(parcel("Z-81"))
CASES = [
    case("call", user("Put the lamp in the study at 40 percent."), calling(lamp("study", 40))),
    case("call", user("ferry from Oban"), calling(ferry("Oban"))),
    case("call", user("Can you see where parcel Z-81 has got to?"), calling(parcel("Z-81"))),
    case(
        "call",
        user("Cold light in the attic, all the way up to 100."),
        calling(lamp("attic", 100, color="cold")),
    ),
    case(
        "two",
        user("Set the lamps in the hall to 10 and in the study to 90."),
        calling(lamp("hall", 10), lamp("study", 90)),
    ),
    case(
        "two",
        user("Where are the parcels Z-81 and Q-77?"),
        calling(parcel("Z-81"), parcel("Q-77")),
    ),
    case(
        "two",
        user("Next ferry from Oban, and is parcel Q-77 here?"),
        calling(ferry("Oban"), parcel("Q-77")),
    ),
    case("talk", user("Good morning!"), assistant("Good morning! What can I do for you?")),
    case(
        "talk",
        user("What is a fjord?"),
        assistant("A narrow arm of the sea between cliffs."),
    ),
    case("talk", user("Thanks, that was all."), assistant("You are welcome.")),
    case("unserved", user("Order me a pizza."), assistant("I can't order food.")),
    case("unserved", user("Play some jazz."), assistant("I can't play music.")),
    case("lacking", user("Track my parcel."), assistant("What is its number?")),
    case("lacking", user("When does the ferry leave?"), assistant("From which harbour?")),
    case(
        "result",
        *FERRY_CALL,
        result({"leaves": "17:05", "cars": 1250}),
        assistant("It leaves at 17:05 and has room for 1,250 cars."),
        states=("17:05", "1250"),
    ),
    case(
        "result",
        *PARCEL_CALL,
        result({"place": "Bergen"}),
        assistant("Your parcel is in Bergen."),
        states=("Bergen",),
    ),
    case(
        "failed",
        *FERRY_CALL,
        result({"error": "no ferry today"}),
        assistant("I found none: no ferry today."),
        states=("no ferry today",),
    ),
    case(
        "failed",
        *PARCEL_CALL,
        result({"error": "unknown number"}),
        assistant("I could not find it: unknown number."),
        states=("unknown number",),
    ),
    case(
        "follow_up",
        *FERRY_CALL,
        result({"leaves": "17:05"}),
        assistant("At 17:05."),
        user("And from Mallaig?"),
        calling(ferry("Mallaig")),
    ),
    case(
        "follow_up",
        user("Hello"),
        assistant("Hello! What can I do for you?"),
        user("Put the hall at 5 percent, please."),
        calling(lamp("hall", 5)),
    ),
]


def write_cases(folder: Path) -> Path:
    """Write the cases to a file."""
    path = folder / "set.jsonl"
    rows = [{slot: getattr(case, slot) for slot in Case.__slots__} for case in CASES]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path
