"""A gateway with a scripted model, over real HTTP."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from tests.fakes import Script, app


@contextmanager
def served(script: Script, **entry: Any) -> Iterator[str]:
    """The address of a gateway whose model follows `script`, until it is left."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        config = uvicorn.Config(app(script, **entry), log_level="warning", ws="none")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([door],))
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive(), "the gateway did not start"
                time.sleep(0.01)
            yield f"http://127.0.0.1:{door.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def prompt(script: Script, at: int) -> str:
    """The text that the model was asked to go on from, the special tokens left out."""
    return "".join(part for part in script.asked[at].prompt if isinstance(part, str))
