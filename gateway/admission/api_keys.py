"""API keys and their limits, stored as SHA-256 digests.

A key is 256 random bits, so brute force is infeasible and a plain SHA-256 is enough; slow hashes
are for passwords, which people choose.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from gateway.errors import ConfigError

_NAME = re.compile(r"[\w.@-]+")
_LINE = re.compile(
    rf"(?P<name>{_NAME.pattern}) sha256:(?P<digest>[0-9a-f]{{64}})"
    r"(?: rate=(?P<rate>[1-9]\d{0,5}))?(?: concurrency=(?P<concurrency>[1-9]\d{0,5}))?"
    r"(?P<captures> captures)?"
)
FORM = (
    "`NAME sha256:DIGEST`, then optionally `rate=NUMBER`, `concurrency=NUMBER` and `captures`, in"
    " this order"
)


@dataclass(frozen=True, slots=True)
class Key:
    """A key, and what it may do.

    `rate` is in requests per minute, `concurrency` in concurrent requests; None is no limit.
    `captures` allows a request to have itself captured.
    """

    name: str
    digest: str
    rate: int | None = None
    concurrency: int | None = None
    captures: bool = False

    def __str__(self) -> str:
        """The line of this key in a key file."""
        rate = f" rate={self.rate}" if self.rate else ""
        concurrency = f" concurrency={self.concurrency}" if self.concurrency else ""
        captures = " captures" if self.captures else ""
        return f"{self.name} sha256:{self.digest}{rate}{concurrency}{captures}"


def new_key(
    name: str,
    rate: int | None = None,
    concurrency: int | None = None,
    *,
    captures: bool = False,
) -> tuple[str, Key]:
    """A new secret, and the key to store; raises ConfigError for an invalid name."""
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"the name {name!r} of a key may have letters, digits, and . _ @ -, and no spaces"
        )
    secret = f"tg-{secrets.token_urlsafe(32)}"
    return secret, Key(name, _digest(secret), rate, concurrency, captures)


def read_keys(lines: Iterable[str], where: str) -> tuple[Key, ...]:
    """Parse the lines of a key file; empty lines and `# comments` are skipped.

    `where` names the file in errors. Raises ConfigError for an invalid line, without quoting it:
    it may contain a secret.
    """
    keys: dict[str, Key] = {}
    for number, line in enumerate(lines, 1):
        words = " ".join(line.split())
        if not words or words.startswith("#"):
            continue
        if not (found := _LINE.fullmatch(words)):
            raise ConfigError(f"{where}, line {number}: expected {FORM}; see `tool-gateway key`")
        name, digest, *limits, captures = found.groups()
        if name in keys:
            raise ConfigError(f"{where}, line {number}: the name {name!r} is used twice")
        rate, concurrency = (int(limit) if limit else None for limit in limits)
        keys[name] = Key(name, digest, rate, concurrency, captures is not None)
    if not keys:
        raise ConfigError(f"{where} has no API key; create one with `tool-gateway key NAME`")
    return tuple(keys.values())


def find_key(keys: Iterable[Key], secret: str) -> Key | None:
    """The key that `secret` belongs to, or None; compares digests in constant time."""
    digest, found = _digest(secret), None
    for key in keys:
        if hmac.compare_digest(key.digest, digest):
            found = key
    return found


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
