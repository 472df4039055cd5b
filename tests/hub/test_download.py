"""Downloads from a hub that is slow, breaks off, refuses or lies."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from gateway.errors import DownloadFailed, ModelUnusable
from gateway.hub.download import download
from gateway.hub.messages import Progress
from gateway.hub.reference import parse_reference
from tests.hub.fake_hub import REFUSED, UNRESOLVED, FakeHub, environment, hub, weights

FILE = "sub/tiny-Q4_K_M.gguf"
CONTENT = weights()
WANTED = parse_reference(f"hf:owner/repo/{FILE}")


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with hub({FILE: CONTENT, "README.md": b"Hi"}) as one:
        use(one.address, tmp_path, monkeypatch)
        yield one


def use(address: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets downloads, which run in processes of their own, ask the hub at `address`."""
    for name, value in environment(address, home).items():
        monkeypatch.setenv(name, value)


def partial_files(home: Path) -> list[bytes]:
    return [path.read_bytes() for path in home.rglob("*.incomplete")]


async def interrupted(at: int, fake: FakeHub) -> None:
    """A download that is cancelled when `at` bytes have arrived and no more come."""
    fake.stalls_at, arrived = at, asyncio.Event()

    def watch(progress: Progress) -> None:
        if progress.done_bytes == at:
            arrived.set()

    task = asyncio.create_task(download(WANTED, watch))
    await arrived.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    fake.stalls_at = None


async def test_a_file_is_downloaded_with_progress(fake: FakeHub) -> None:
    seen: list[Progress] = []
    path = await download(WANTED, seen.append)
    assert path.read_bytes() == CONTENT
    assert path.parts[-2:] == ("sub", "tiny-Q4_K_M.gguf")
    assert {one.total_bytes for one in seen} == {len(CONTENT)}
    assert [one.done_bytes for one in seen] == sorted(one.done_bytes for one in seen)
    assert seen[-1].done_bytes == len(CONTENT)


async def test_a_file_that_is_there_is_not_downloaded_again(fake: FakeHub) -> None:
    assert await download(WANTED) == await download(WANTED)
    assert fake.downloads == [(FILE, 0)]


async def test_a_cancelled_download_ends_its_process_and_is_resumed(
    fake: FakeHub, tmp_path: Path
) -> None:
    await interrupted(40_000, fake)
    assert not psutil.Process().children()
    assert partial_files(tmp_path) == [CONTENT[:40_000]]
    path = await download(WANTED)
    assert path.read_bytes() == CONTENT
    assert fake.downloads == [(FILE, 0), (FILE, 40_000)]
    assert partial_files(tmp_path) == []


async def test_a_killed_process_is_an_error_and_its_bytes_are_kept(
    fake: FakeHub, tmp_path: Path
) -> None:
    fake.stalls_at = 40_000

    def kill(progress: Progress) -> None:
        if progress.done_bytes == 40_000:
            for child in psutil.Process().children():
                os.kill(child.pid, signal.SIGKILL)

    with pytest.raises(DownloadFailed, match="ended with status -9"):
        await download(WANTED, kill)
    assert partial_files(tmp_path) == [CONTENT[:40_000]]


DOWNLOAD = """
import asyncio, sys
from gateway.hub.download import download
from gateway.hub.reference import parse_reference
asyncio.run(download(parse_reference(sys.argv[1]), lambda progress: print(progress, flush=True)))
"""


async def test_a_download_does_not_outlive_the_process_that_wants_it(fake: FakeHub) -> None:
    fake.stalls_at = 40_000
    wanting = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", DOWNLOAD, str(WANTED)), stdout=asyncio.subprocess.PIPE
    )
    assert wanting.stdout
    await wanting.stdout.readline()
    [process] = psutil.Process(wanting.pid).children()
    wanting.kill()
    await wanting.wait()
    await asyncio.to_thread(psutil.wait_procs, [process])
    assert not process.is_running()


async def test_a_connection_that_breaks_off_is_continued(fake: FakeHub) -> None:
    fake.breaks_at = [30_000, 70_000]
    path = await download(WANTED)
    assert path.read_bytes() == CONTENT
    assert fake.downloads == [(FILE, 0), (FILE, 30_000), (FILE, 70_000)]


async def test_a_hub_that_ignores_ranges_sends_the_file_afresh(fake: FakeHub) -> None:
    await interrupted(40_000, fake)
    fake.ignores_range = True
    assert (await download(WANTED)).read_bytes() == CONTENT


async def test_two_downloads_of_a_file_share_the_bytes(fake: FakeHub) -> None:
    fake.stalls_at, waiting = 40_000, asyncio.Event()

    def watch(progress: Progress) -> None:
        if progress.done_bytes == 40_000:
            waiting.set()

    first = asyncio.create_task(download(WANTED))
    second = asyncio.create_task(download(WANTED, watch))
    await waiting.wait()
    fake.release.set()
    assert await first == await second
    assert fake.downloads == [(FILE, 0)]


@pytest.mark.parametrize(
    "sent", [CONTENT[:-1], CONTENT + b"more", CONTENT[:-1] + b"?"], ids=["short", "long", "other"]
)
async def test_contents_that_are_not_the_promised_ones_are_deleted(
    fake: FakeHub, tmp_path: Path, sent: bytes
) -> None:
    fake.sends = sent
    with pytest.raises(DownloadFailed, match=r"tiny-Q4_K_M\.gguf is broken: .*try again"):
        await download(WANTED)
    assert partial_files(tmp_path) == []
    fake.sends = None
    assert (await download(WANTED)).read_bytes() == CONTENT


async def test_a_file_on_the_cdn_of_the_hub_is_resumed_and_gets_no_token(
    fake: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    fake.has_cdn = True
    fake.breaks_at = [30_000]
    assert (await download(WANTED)).read_bytes() == CONTENT
    assert fake.downloads == [(FILE, 0), (FILE, 30_000)]
    assert set(fake.tokens) == {"Bearer hf_secret"}
    assert set(fake.cdn_tokens) == {""}


async def test_a_split_model_is_downloaded_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"big-Q8_0-0000{part}-of-00003.gguf" for part in (1, 2, 3)]
    with hub({name: weights(1000 + i) for i, name in enumerate(names)}) as fake:
        use(fake.address, tmp_path, monkeypatch)
        seen: list[Progress] = []
        path = await download(parse_reference("owner/repo:Q8_0"), seen.append)
        assert path.name == names[0]
        assert all((path.parent / name).is_file() for name in names)
        assert {one.total_bytes for one in seen} == {3003}


async def test_the_token_is_sent(fake: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    await download(WANTED)
    assert set(fake.tokens) == {"Bearer hf_secret"}


async def test_a_refusal_is_permanent(fake: FakeHub) -> None:
    fake.status, fake.error_code = 401, "GatedRepo"
    with pytest.raises(ModelUnusable, match="owner/repo is gated") as caught:
        await download(WANTED)
    assert (caught.value.code, caught.value.status) == ("hub_access_denied", 424)


async def test_a_fault_of_the_hub_is_transient(fake: FakeHub) -> None:
    fake.status = 503
    with pytest.raises(DownloadFailed, match=r"answered 503 .*; try again later") as caught:
        await download(WANTED)
    assert (caught.value.code, caught.value.status) == ("download_failed", 503)


async def test_a_file_that_does_not_fit_on_the_disk_is_not_begun(fake: FakeHub) -> None:
    fake.claims = 10**18
    with pytest.raises(ModelUnusable, match=r"no space: 1000000\.0 TB are needed") as caught:
        await download(WANTED)
    assert caught.value.code == "disk_full"
    assert fake.downloads == []


@pytest.mark.parametrize("address", [UNRESOLVED, REFUSED])
async def test_a_hub_that_cannot_be_reached_is_not_asked_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    use(address, tmp_path, monkeypatch)
    with pytest.raises(DownloadFailed, match=f"can't reach {address}: .*; check the network"):
        await download(WANTED)


async def test_offline_is_a_choice_of_the_user(
    fake: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelUnusable, match="HF_HUB_OFFLINE is set"):
        await download(WANTED)
    assert fake.tokens == []
