"""The `key` command."""

from __future__ import annotations

import sys
from typing import Annotated

import typer


def key(
    name: Annotated[str, typer.Argument(help="Name of the client that uses the key.")],
    rate: Annotated[int | None, typer.Option(min=1, help="Maximum requests per minute.")] = None,
    concurrency: Annotated[
        int | None, typer.Option(min=1, help="Maximum concurrent requests.")
    ] = None,
    captures: Annotated[
        bool,
        typer.Option("--captures", help="Allow requests with the header `x-capture`."),
    ] = False,
) -> None:
    """Create an API key.

    The key itself is printed once, to standard error. The line for the key
    file, which holds only a digest, is printed to standard output.
    """
    from gateway.admission.api_keys import new_key

    secret, line = new_key(name, rate, concurrency, captures=captures)
    print(f"API key, which is not stored anywhere: {secret}", file=sys.stderr, flush=True)
    print(line)
