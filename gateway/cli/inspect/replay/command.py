"""The `replay` command."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway.errors import BadRequest, GatewayError


def replay(
    files: Annotated[list[Path], typer.Argument(help="Captures.", metavar="FILE...")],
    ask: Annotated[
        bool, typer.Option("--ask", help="Send the requests again, to the gateway at --url.")
    ] = False,
    url: Annotated[
        str, typer.Option(help="Address of a running gateway.")
    ] = "http://127.0.0.1:8000",
    as_test: Annotated[
        Path | None,
        typer.Option(
            help="Write a regression case to this path: the text, and how it is read now."
        ),
    ] = None,
) -> None:
    """Read the text of captures again, and show which events differ.

    With --ask, the model answers again, and its answer is compared. The
    gateway at --url must capture requests; its API key, if it has any, is in
    TOOL_GATEWAY_KEY. The exit status is 1 if anything differs.
    """
    from gateway.cli.inspect.replay.difference import difference

    if as_test and (ask or len(files) > 1):
        raise BadRequest("--as-test takes one capture, and not --ask")
    different = 0
    for file in files:
        data = file.read_bytes()
        try:
            before, after = _asked(data, url) if ask else _read(data)
        except GatewayError as error:
            raise BadRequest(f"{file}: {error.message}") from error
        except Exception:  # a bug, which the capture shows
            print(f"{file}: today's code fails", file=sys.stderr)
            raise
        changes = difference(before, after)
        different += bool(changes)
        print(f"{file}: {'differs' if changes else f'OK, the same {len(after)} events'}")
        print("".join(f"{line}\n" for line in changes), end="")
        if as_test:
            _write_case(data, as_test)
    if different:
        raise typer.Exit(1)


def _read(data: bytes) -> tuple[list[object], list[object]]:
    """The events of a capture, and those that today's code reads in its text."""
    from gateway.generate.capture.read_again import decode, read_again
    from gateway.generate.capture.settled import settled

    capture = decode(data)
    return [*settled(capture.events)], [*read_again(capture)]


def _asked(data: bytes, url: str) -> tuple[list[object], list[object]]:
    """The events of a capture, and those of the same request now."""
    from gateway.cli.inspect.replay.asking import ask_again
    from gateway.generate.capture.read_again import decode
    from gateway.generate.capture.settled import settled

    again = decode(ask_again(data, url))
    return [*settled(decode(data).events)], [*settled(again.events)]


def _write_case(data: bytes, path: Path) -> None:
    from gateway.generate.capture.read_again import regression_case

    path.write_bytes(regression_case(data))
    print(f"{path}: written; correct its events if they are not what was meant")
