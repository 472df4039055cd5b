"""`python -m gateway.cli.chat.until_eof`: `tool-gateway serve` that ends when its input does.

So it never outlives the process that started it, however that ends.
"""

from __future__ import annotations

import os
import signal
import sys
from threading import Thread

from gateway.cli.main import main


def _stop_at_eof() -> None:
    os.read(sys.stdin.fileno(), 1)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    Thread(target=_stop_at_eof, daemon=True).start()
    sys.argv.insert(1, "serve")
    main()
