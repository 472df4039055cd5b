"""API keys: who may ask, and how much. Only their digests are kept.

A key is 256 random bits, so nobody can try them all out, and a plain SHA-256 is enough; the slow
hashes are for passwords, which people choose.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from gateway.errors import ConfigError

_LINE = re.compile(
    r"(?P<name>[\w.@-]+) sha256:(?P<digest>[0-9a-f]{64})"
    r"(?: rate=(?P<rate>[1-9]\d{0,5}))?(?: concurrency=(?P<concurrency>[1-9]\d{0,5}))?"
)
FORM = "`NAME sha256:DIGEST`, then `rate=NUMBER` and `concurrency=NUMBER` if there are limits"


@dataclass(frozen=True, slots=True)
class Key:
    """`rate` is in requests a minute, `concurrency` in requests at once; None is no limit."""

    name: str
    digest: str
    rate: int | None = None
    concurrency: int | None = None

    def __str__(self) -> str:
        """Its line in a file of keys."""
        rate = f" rate={self.rate}" if self.rate else ""
        concurrency = f" concurrency={self.concurrency}" if self.concurrency else ""
        return f"{self.name} sha256:{self.digest}{rate}{concurrency}"


def new_key(name: str, rate: int | None = None, concurrency: int | None = None) -> tuple[str, Key]:
    """A key as its owner sends it, and what is kept of it; raises ConfigError for a bad name."""
    secret = f"tg-{secrets.token_urlsafe(32)}"
    key = Key(name, _digest(secret), rate, concurrency)
    return secret, read_keys([str(key)], "the new key")[0]


def read_keys(lines: Iterable[str], where: str) -> tuple[Key, ...]:
    """The keys that `lines` list; empty ones and `# comments` are passed over.

    Raises ConfigError for a line that is none, without showing it: it may hold a key itself.
    """
    keys: dict[str, Key] = {}
    for number, line in enumerate(lines, 1):
        said = " ".join(line.split())
        if not said or said.startswith("#"):
            continue
        if not (found := _LINE.fullmatch(said)):
            raise ConfigError(f"{where}, line {number}: expected {FORM}; see `tool-gateway key`")
        name, digest, *limits = found.groups()
        if name in keys:
            raise ConfigError(f"{where}, line {number}: there are two keys {name!r}")
        keys[name] = Key(name, digest, *(int(limit) if limit else None for limit in limits))
    if not keys:
        raise ConfigError(f"{where}: there is no key; `tool-gateway key NAME` makes one")
    return tuple(keys.values())


def find_key(keys: Iterable[Key], secret: str) -> Key | None:
    """Whose key `secret` is. How long it takes says nothing of how much of it is right."""
    digest, found = _digest(secret), None
    for key in keys:
        if hmac.compare_digest(key.digest, digest):
            found = key
    return found


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
