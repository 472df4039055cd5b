"""A chat with a model, and a single question to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.cli.chat import line_input, slash_commands
from gateway.cli.chat.answer import Answer
from gateway.cli.chat.client import Gateway
from gateway.cli.chat.connect import Target
from gateway.cli.chat.conversation import Conversation
from gateway.cli.chat.dialogue import Dialogue
from gateway.cli.chat.screen import Screen
from gateway.config.load import guess
from gateway.errors import BadRequest, GatewayError
from gateway.functions.run_tools import as_tool
from gateway.functions.schema import Function
from gateway.hub.sizes import progress_text


def open_dialogue(
    gateway: Gateway,
    target: Target,
    functions: Mapping[str, Function],
    screen: Screen,
    *,
    ask: bool,
) -> Dialogue:
    """A dialogue with the model, which is loaded; with `ask` the user confirms each call.

    Raises GatewayError.
    """
    name = _name(gateway, None if target.is_file else target.model)
    with screen.waiting(f"loading {name}") as status:

        def show(description: Mapping[str, Any]) -> None:
            if status:
                status.update(f"loading {name}{_progress(description)}")

        gateway.load(name, show)
    conversation = Conversation(name, [as_tool(function) for function in functions.values()])
    allows = Confirmation().allows if ask else _allow
    return Dialogue(gateway, conversation, screen, allows, functions)


def chat(dialogue: Dialogue) -> None:
    """Answers until the user ends the chat."""
    screen = dialogue.screen
    screen.remark(f"{dialogue.conversation.model}: /help lists the commands, Ctrl-D ends the chat")
    with line_input.history():
        while (text := line_input.read_question()) is not None:
            try:
                _execute(dialogue, text)
            except KeyboardInterrupt:
                screen.remark("cancelled")
            except GatewayError as error:
                screen.error(error.message)
            except slash_commands.Bye:
                return


def answer_once(dialogue: Dialogue, question: str) -> None:
    """Prints the answer to one question, and on stderr what is to be said of it."""
    _remark(dialogue.screen, dialogue.ask(question))


class Confirmation:
    """Asks the user before each call, until all are allowed."""

    def __init__(self) -> None:
        self._allows_all = False

    def allows(self, name: str) -> bool:
        if self._allows_all:
            return True
        choice = line_input.confirmed(name)
        self._allows_all = choice is None
        return choice is not False


def _allow(_: str) -> bool:
    return True


def _name(gateway: Gateway, model: str | None) -> str:
    """The name of the model, or of the default one; raises BadRequest."""
    known = gateway.models()
    generating = [one for one in known if not one["capabilities"]["embeddings"]]
    for one in generating:
        if model in (None, one["id"], *one["aliases"]):
            return str(one["id"])
    names = ", ".join(one["id"] for one in generating)
    wanted = "no model" if model is None else f"no model {model!r}"
    near = guess(model or "", [one["id"] for one in generating])
    raise BadRequest(f"{wanted} to chat with; there are {names or 'none'}{near}")


def _progress(description: Mapping[str, Any]) -> str:
    """How far a model that loads is, if that is known."""
    match description.get("progress"):
        case {"done_bytes": int(done), "total_bytes": int(total), "bytes_per_s": rate}:
            return f": downloading {progress_text(done, total, rate or 0)}"
        case {"share": share}:
            return f": {share:.0%}"
    return ""


def _execute(dialogue: Dialogue, text: str) -> None:
    if text.startswith("/"):
        slash_commands.execute(dialogue, text)
    elif text.strip():
        answer = dialogue.ask(text)
        _remark(dialogue.screen, answer)
        dialogue.screen.remark(answer.timing)


def _remark(screen: Screen, answer: Answer) -> None:
    """Says what was repaired or cut off."""
    for note in answer.notes:
        screen.remark(note)
    if answer.finish == "length":
        screen.remark("the answer was cut off: max_tokens or the context is used up")
