"""What went wrong is one line with its cure, and a code that tells passing from lasting faults."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants
from huggingface_hub.errors import LocalEntryNotFoundError

from gateway.hub.faults import describe
from gateway.hub.messages import Failed
from gateway.hub.reference import parse_reference
from gateway.hub.transfer import look_up
from tests.hub.fake_hub import FakeHub, hub

FILE = "tiny-Q4_K_M.gguf"
WANTED = parse_reference(f"owner/repo/{FILE}")


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """The hub that this process asks: huggingface_hub reads its address at import."""
    with hub({FILE: b"GGUF", "README.md": b"Hi"}) as one:
        template = f"{one.address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "ENDPOINT", one.address)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield one


def fault(reference: str) -> Failed:
    """The fault of a look-up, which must have one."""
    wanted = parse_reference(reference)
    try:
        found = look_up(wanted)
    except Exception as error:
        return describe(error, wanted)
    raise AssertionError(found)


@pytest.mark.parametrize(
    ("status", "error_code", "token", "reason", "code"),
    [
        (
            401,
            "GatedRepo",
            "",
            "owner/repo is gated: accept its licence at HUB/owner/repo, and set HF_TOKEN to a"
            " token of that account",
            "hub_access_denied",
        ),
        (
            403,
            "GatedRepo",
            "hf_x",
            "owner/repo is gated: accept its licence at HUB/owner/repo with the account of your"
            " HF_TOKEN",
            "hub_access_denied",
        ),
        (
            401,
            "",
            "",
            "the hub refuses owner/repo without a token: set HF_TOKEN",
            "hub_access_denied",
        ),
        (
            403,
            "",
            "hf_x",
            "the hub refuses owner/repo with this HF_TOKEN: it is wrong, or may not read it",
            "hub_access_denied",
        ),
        (
            401,
            "RepoNotFound",
            "",
            "the hub has no owner/repo; correct its name, or set HF_TOKEN if it is private",
            "file_not_on_hub",
        ),
        (
            404,
            "RepoNotFound",
            "hf_x",
            "the hub has no owner/repo; correct its name, or it is private to others",
            "file_not_on_hub",
        ),
        (410, "", "", "the hub answered 410 for owner/repo", None),
    ],
)
def test_a_refusal_is_lasting_and_has_a_cure(
    fake: FakeHub,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    error_code: str,
    token: str,
    reason: str,
    code: str | None,
) -> None:
    monkeypatch.setenv("HF_TOKEN", token)
    fake.status, fake.error_code = status, error_code
    assert fault(f"owner/repo/{FILE}") == Failed(reason.replace("HUB", fake.address), code)


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_fault_of_the_hub_may_pass(fake: FakeHub, status: int) -> None:
    fake.status = status
    reason = f"the hub answered {status} for owner/repo; try again later"
    assert fault("owner/repo:Q4_K_M") == Failed(reason, "download_failed", True)


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ("owner/repo/tiny-Q4_K_S.gguf", f"owner/repo has no tiny-Q4_K_S.gguf; there are {FILE}"),
        ("owner/repo:Q8_0", "owner/repo has no quantization Q8_0; there are Q4_K_M"),
        (
            "owner/other:Q8_0",
            "the hub has no owner/other; correct its name, or set HF_TOKEN if it is private",
        ),
    ],
)
def test_what_is_not_there_is_told_with_what_is(fake: FakeHub, wanted: str, reason: str) -> None:
    assert fault(wanted) == Failed(reason, "file_not_on_hub")


def test_contents_are_not_stored_outside_the_cache(fake: FakeHub) -> None:
    fake.etag = "../../outside"
    reason = f"{fake.address} is no hub; correct HF_ENDPOINT"
    assert fault(f"owner/repo/{FILE}") == Failed(reason, "model_unusable")


def test_a_hub_that_is_lost_at_the_end_may_come_back() -> None:
    failed = describe(LocalEntryNotFoundError("no connection"), WANTED)
    assert (failed.code, failed.is_transient) == ("download_failed", True)


def test_a_split_model_whose_hub_lacks_a_part_is_not_begun(fake: FakeHub) -> None:
    fake.files["big-Q8_0-00001-of-00002.gguf"] = b"GGUF"
    missing = "owner/repo has no big-Q8_0-00002-of-00002.gguf"
    assert fault("owner/repo:Q8_0") == Failed(missing, "file_not_on_hub")


@pytest.mark.parametrize(
    ("error", "reason", "code"),
    [
        (OSError(errno.ENOSPC, "No space left"), "no space left in ", "disk_full"),
        (OSError(errno.EACCES, "Permission denied", "/x"), "Permission denied: /x", None),
        (RuntimeError("two\nlines"), "the download failed: RuntimeError: two lines", None),
    ],
)
def test_a_fault_of_this_machine_is_lasting(error: Exception, reason: str, code: str) -> None:
    failed = describe(error, WANTED)
    assert failed.reason.startswith(reason)
    assert (failed.code, failed.is_transient) == (code, False)
