"""What a child process writes to standard error becomes the log, line by line."""

from __future__ import annotations

import asyncio
import logging
from contextvars import ContextVar
from pathlib import Path

import pytest

from gateway.child import MAX_BYTES, Child
from tests.fakes import until

REQUEST = ContextVar("request", default="")


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """The log; each record has the `request` in whose context it was made."""

    def identify(record: logging.LogRecord) -> bool:
        record.request = REQUEST.get()
        return True

    caplog.handler.addFilter(identify)
    caplog.set_level(logging.INFO)
    return caplog


async def start(code: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Child:
    """Starts a module with this code; its log has the field `model`."""
    (folder / "child_module.py").write_text(f"import os, sys\n{code}\n")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return await Child.start("child_module", model="m")


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ("os.write(2, b'one\\ntwo\\n')", [("WARNING", "one"), ("WARNING", "two")]),
        ("os.write(2, b'<3>bad\\n<4>odd\\n')", [("ERROR", "bad"), ("WARNING", "odd")]),
        ("os.write(2, b'no end')", [("WARNING", "no end")]),
        ("os.write(2, b'\\n \\r\\n')", []),
        ("os.write(2, b'caf\\xe9\\n')", [("WARNING", "caf\ufffd")]),
        ("os.write(2, b'last words'); os.abort()", [("WARNING", "last words")]),
        ("pass", []),
    ],
)
async def test_each_line_is_logged_with_its_level_and_the_fields(
    code: str,
    lines: list[tuple[str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    logged: pytest.LogCaptureFixture,
) -> None:
    child = await start(code, tmp_path, monkeypatch)
    await child.finish()
    assert [(record.levelname, record.getMessage()) for record in logged.records] == lines
    assert {vars(record)["model"] for record in logged.records} <= {"m"}


async def test_a_very_long_line_comes_in_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logged: pytest.LogCaptureFixture
) -> None:
    child = await start("sys.stderr.write('x' * 1_000_000 + 'end')", tmp_path, monkeypatch)
    await child.finish()
    parts = [record.getMessage() for record in logged.records]
    assert "".join(parts) == "x" * 1_000_000 + "end"
    assert max(map(len, parts)) < 2 * MAX_BYTES


async def test_a_line_belongs_to_the_only_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logged: pytest.LogCaptureFixture
) -> None:
    REQUEST.set("that started it")
    echo = "for line in sys.stdin: print(line, end='', file=sys.stderr, flush=True)"
    child = await start(echo, tmp_path, monkeypatch)
    stdin = child.process.stdin
    assert stdin

    async def echoed(line: str) -> None:
        stdin.write(f"{line}\n".encode())
        await until(lambda: line in logged.messages)

    async def request(id: str, ends: asyncio.Event) -> None:
        REQUEST.set(id)
        with child.working_for_caller():
            await ends.wait()

    await echoed("none")
    end_of_a, end_of_b = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        a = tasks.create_task(request("a", end_of_a))
        await asyncio.sleep(0)
        await echoed("a alone")
        tasks.create_task(request("b", end_of_b))
        await asyncio.sleep(0)
        await echoed("both")
        end_of_a.set()
        await a
        await echoed("b alone")
        end_of_b.set()
    await child.finish()
    assert [(record.getMessage(), vars(record)["request"]) for record in logged.records] == [
        *(("none", ""), ("a alone", "a"), ("both", ""), ("b alone", "b"))
    ]


async def test_the_exit_status_is_returned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child = await start("sys.exit(3)", tmp_path, monkeypatch)
    assert await child.finish() == 3
    child = await start("sys.stdin.read()", tmp_path, monkeypatch)
    child.kill()
    assert await child.finish() == -9
