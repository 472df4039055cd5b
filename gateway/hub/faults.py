"""Says what went wrong with a download, and what cures it."""

from __future__ import annotations

import errno
import os

import httpx2
from huggingface_hub import constants
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)

from gateway.errors import DownloadFailed, ModelUnusable
from gateway.hub.choose import NO_SUCH_FILE
from gateway.hub.messages import Failed
from gateway.hub.reference import Reference
from gateway.hub.transfer import DISK_FULL

ACCESS_DENIED = "hub_access_denied"
TEMPORARY = (408, 425, 429)  # and every 5xx


def describe(error: Exception, reference: Reference) -> Failed:
    """The fault behind an error, in one line with its cure."""
    repo = reference.repo
    match error:
        case ModelUnusable():
            return Failed(error.message, error.code, isinstance(error, DownloadFailed))
        case GatedRepoError():
            page = f"{constants.ENDPOINT}/{repo}"
            return Failed(f"{repo} is gated: {_licence(page)}", ACCESS_DENIED)
        case RepositoryNotFoundError():
            hint = "it is private to others" if _has_token() else "set HF_TOKEN if it is private"
            return Failed(f"the hub has no {repo}; correct its name, or {hint}", NO_SUCH_FILE)
        case HfHubHTTPError():
            return _answered(error, repo)
        case OfflineModeIsEnabled():
            return Failed("HF_HUB_OFFLINE is set, so nothing is downloaded; unset it")
        case httpx2.TransportError() | LocalEntryNotFoundError():
            return _unreachable(error)
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            folder = constants.HF_HUB_CACHE
            return Failed(f"no space left in {folder}; free some, or set HF_HOME", DISK_FULL)
        case OSError():
            return Failed(f"{error.strerror or _line(error)}: {error.filename or repo}")
    return Failed(f"the download failed: {type(error).__name__}: {_line(error)}")


def _answered(error: HfHubHTTPError, repo: str) -> Failed:
    status = error.response.status_code
    if status in (401, 403):
        known = "with this HF_TOKEN: it is wrong, or may not read it"
        reason = known if _has_token() else "without a token: set HF_TOKEN"
        return Failed(f"the hub refuses {repo} {reason}", ACCESS_DENIED)
    is_transient = status in TEMPORARY or status >= 500
    return Failed(
        f"the hub answered {status} for {repo}" + "; try again later" * is_transient,
        DownloadFailed.code if is_transient else None,
        is_transient,
    )


def _unreachable(error: Exception) -> Failed:
    reason = _line(error) or type(error).__name__
    return Failed(
        f"can't reach {constants.ENDPOINT}: {reason}; check the network, HF_ENDPOINT and the proxy",
        DownloadFailed.code,
        is_transient=True,
    )


def _licence(page: str) -> str:
    if _has_token():
        return f"accept its licence at {page} with the account of your HF_TOKEN"
    return f"accept its licence at {page}, and set HF_TOKEN to a token of that account"


def _has_token() -> bool:
    return bool(os.environ.get("HF_TOKEN")) or os.path.isfile(constants.HF_TOKEN_PATH)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
