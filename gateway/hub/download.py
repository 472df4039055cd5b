"""Downloads a model in a process of its own, so that it can be stopped at any moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from gateway.child import Child
from gateway.errors import DownloadFailed, ModelUnusable
from gateway.hub.messages import Failed, Finished, Progress, decode
from gateway.hub.reference import Reference

OnProgress = Callable[[Progress], None]


async def download(reference: Reference, on_progress: OnProgress = lambda _: None) -> Path:
    """Downloads a model into the Hugging Face cache; returns its file, the first if it is split.

    Cancelling the call ends the download at once, and keeps what has arrived for the next. Calls
    `on_progress` several times a second. Raises DownloadFailed for a fault that may pass, such as
    that of a network, and ModelUnusable for one that does not.
    """
    child = await Child.start("gateway.hub", str(reference))
    try:
        with child.working_for_caller():
            return await _result(child.process, on_progress)
    finally:
        child.kill()
        await child.finish()


async def _result(process: asyncio.subprocess.Process, on_progress: OnProgress) -> Path:
    assert process.stdout is not None
    async for line in process.stdout:
        match decode(line):
            case Progress() as progress:
                on_progress(progress)
            case Finished(path):
                return Path(path)
            case Failed(reason, code, is_transient):
                raise (DownloadFailed if is_transient else ModelUnusable)(reason, code=code)
    raise DownloadFailed(f"the download ended with status {await process.wait()}; try again")
