"""The `run` command."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer


def run(
    model: Annotated[
        str | None,
        typer.Argument(
            help="Name of a model, a GGUF file, or hf:owner/repo:Q4_K_M on Hugging Face; by default"
            " the default model."
        ),
    ] = None,
    prompt: Annotated[
        str | None, typer.Argument(help="Answer this, print the answer only, and exit.")
    ] = None,
    tools: Annotated[
        Path | None,
        typer.Option(help="Offer the public functions of this Python file as tools."),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Execute tool calls without asking.")
    ] = False,
    url: Annotated[
        str | None,
        typer.Option(
            help="URL of a gateway. By default http://127.0.0.1:8000 or, if none answers there, one"
            " that is started for the chat."
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(help="Start a gateway for the chat, with this models.yaml."),
    ] = None,
    key: Annotated[
        str, typer.Option(envvar="TOOL_GATEWAY_KEY", help="API key of the gateway.")
    ] = "",
) -> None:
    """Chat with a model in the terminal; /help lists what can be typed.

    A prompt, or text on standard input, is answered without a chat; of both,
    the text comes first.
    """
    from gateway.cli.chat.connect import Target, connect
    from gateway.cli.chat.functions_file import read_functions
    from gateway.cli.chat.screen import Screen
    from gateway.cli.chat.session import answer_once, chat, open_dialogue
    from gateway.errors import BadRequest

    question = _question(prompt)
    if question is not None and not question.strip():
        raise BadRequest("there is nothing to answer; give a prompt, or text on standard input")
    functions = read_functions(tools) if tools else {}
    if functions and not yes and not sys.stdin.isatty():
        raise BadRequest("there is no terminal to confirm tool calls at; allow them with --yes")
    screen = Screen(answer_only=question is not None)
    target = Target(model, url, config, key)
    with connect(target, screen) as gateway:
        dialogue = open_dialogue(gateway, target, functions, screen, ask=not yes)
        if question is None:
            chat(dialogue)
        else:
            answer_once(dialogue, question)


def _question(prompt: str | None) -> str | None:
    """The text to answer: what is piped in, then the prompt; None for a chat."""
    given = None if prompt is None else os.fsencode(prompt).decode(errors="replace")
    if sys.stdin.isatty():
        return given
    piped = sys.stdin.buffer.read().decode(errors="replace")
    return "\n\n".join(filter(str.strip, (piped, given or "")))
