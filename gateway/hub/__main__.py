"""The process of one download: `python -m gateway.hub REFERENCE`, started by `hub/download.py`.

It writes messages to standard output, and ends when its standard input does, so it never outlives
the one that waits for it.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from threading import Thread

from gateway.hub.faults import describe
from gateway.hub.messages import Failed, Finished, Message, Progress, encode
from gateway.hub.meter import Meter
from gateway.hub.reference import Reference, parse_reference
from gateway.hub.transfer import RemoteFile, check_space, fetch, look_up

INTERVAL_S = 0.2


def main() -> None:
    """Downloads the model of the argument."""
    Thread(target=_end_with_input, daemon=True).start()
    logging.disable(logging.WARNING)  # huggingface_hub's would be in the way of a progress bar
    reference = parse_reference(sys.argv[1])
    _post(_download(reference))


def _download(reference: Reference) -> Finished | Failed:
    try:
        files = look_up(reference)
        check_space(files)
        Thread(target=_report, args=(files,), daemon=True).start()
        first, *_ = [fetch(file) for file in files]
        total = sum(file.size for file in files)
        _post(Progress(total, total))
        return Finished(str(first))
    except Exception as error:
        return describe(error, reference)


def _report(files: list[RemoteFile]) -> None:
    """Posts the progress, also while another process downloads the same file."""
    meter = Meter(sum(file.size for file in files))
    while True:
        _post(meter.progress(sum(file.done_bytes for file in files)))
        time.sleep(INTERVAL_S)


def _post(message: Message) -> None:
    os.write(sys.stdout.fileno(), encode(message) + b"\n")  # whole lines, from two threads


def _end_with_input() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
