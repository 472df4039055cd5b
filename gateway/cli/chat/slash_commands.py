"""The commands of a chat, which begin with a slash."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from gateway.cli.chat.conversation import OWN
from gateway.cli.chat.dialogue import Dialogue
from gateway.cli.chat.screen import Screen
from gateway.errors import BadRequest

NOTHING_ASKED = "nothing has been asked yet"


class Bye(Exception):
    """The user ends the chat."""


def execute(dialogue: Dialogue, line: str) -> None:
    """Executes the command in a line that begins with a slash; raises GatewayError and Bye."""
    name, _, argument = line.strip().removeprefix("/").partition(" ")
    if name not in COMMANDS:
        raise BadRequest(f"no command /{name}; /help lists them")
    COMMANDS[name](dialogue, argument.strip())


def show_help(dialogue: Dialogue, _: str) -> None:
    """/help: list these commands"""
    for command in COMMANDS.values():
        usage, _, purpose = (command.__doc__ or "").partition(": ")
        dialogue.screen.remark(f"{usage:<20} {purpose}", "")
    dialogue.screen.remark('""" begins and ends a text of several lines', "")


def show_prompt(dialogue: Dialogue, _: str) -> None:
    """/prompt: show what the model saw, its special tokens in ⟦brackets⟧"""
    conversation = dialogue.conversation
    if not conversation.last_question:
        raise BadRequest(NOTHING_ASKED)
    found = dialogue.gateway.render(conversation.body(conversation.last_question))
    dialogue.screen.parts(found["prompt_parts"])
    if (tokens := found["token_ids"]) is not None:
        dialogue.screen.remark(f"{len(tokens)} tokens, {found['cached_tokens']} of them cached")


def show_raw(dialogue: Dialogue, _: str) -> None:
    """/raw: show what the model wrote, its special tokens in ⟦brackets⟧"""
    if not dialogue.request_id:
        raise BadRequest(NOTHING_ASKED)
    dialogue.screen.parts(
        {"special" if token.get("special") else "text": token["text"]}
        for token in dialogue.gateway.tokens(dialogue.request_id)
    )


def show_tools(dialogue: Dialogue, _: str) -> None:
    """/tools: list the functions that the model can call"""
    for name, function in dialogue.functions.items():
        dialogue.screen.remark(f"{name}{inspect.signature(function)}", "")
    if not dialogue.functions:
        dialogue.screen.remark("there are none; start the chat with --tools FILE.py", "")


def set_system(dialogue: Dialogue, text: str) -> None:
    """/system TEXT: set the system prompt; without a text, remove it"""
    dialogue.conversation.system = text


def change_setting(dialogue: Dialogue, argument: str) -> None:
    """/set KEY VALUE: set a parameter of requests, as temperature; without a value, remove it"""
    settings = dialogue.conversation.settings
    key, _, text = argument.partition(" ")
    if not key:
        _list_settings(dialogue.screen, settings)
    elif not text:
        settings.pop(key, None)
    else:
        _set(dialogue, key, text)


def clear(dialogue: Dialogue, _: str) -> None:
    """/clear: forget the conversation; the system prompt and the settings stay"""
    dialogue.conversation.messages.clear()


def save(dialogue: Dialogue, path: str) -> None:
    """/save FILE: write the conversation, as the body of a chat request"""
    dialogue.conversation.save(_path(path))


def load(dialogue: Dialogue, path: str) -> None:
    """/load FILE: go on with a saved conversation"""
    dialogue.conversation.load(_path(path))
    dialogue.screen.remark(f"{len(dialogue.conversation.messages)} messages")


def bye(_: Dialogue, __: str) -> None:
    """/bye: end the chat, as Ctrl-D"""
    raise Bye


COMMANDS: dict[str, Callable[[Dialogue, str], None]] = {
    "help": show_help,
    "prompt": show_prompt,
    "raw": show_raw,
    "tools": show_tools,
    "system": set_system,
    "set": change_setting,
    "clear": clear,
    "save": save,
    "load": load,
    "bye": bye,
}


def _list_settings(screen: Screen, settings: dict[str, object]) -> None:
    for key, value in settings.items():
        screen.remark(f"{key} {json.dumps(value)}", "")
    if not settings:
        screen.remark("all are those of models.yaml", "")


def _set(dialogue: Dialogue, key: str, text: str) -> None:
    """Sets a parameter if the gateway accepts it; a value that is not JSON is a text."""
    value: object = text
    with suppress(ValueError):
        value = json.loads(text)
    conversation = dialogue.conversation
    body = conversation.body(conversation.last_question or [{"role": "user", "content": ""}])
    if key in OWN:
        raise BadRequest(f"{key} is set by the chat itself")
    if ignored := dialogue.gateway.ignored_fields({**body, key: value}):
        raise BadRequest(f"the gateway does not know {ignored}")
    conversation.settings[key] = value


def _path(text: str) -> Path:
    if not text:
        raise BadRequest("name a file")
    return Path(text).expanduser()
