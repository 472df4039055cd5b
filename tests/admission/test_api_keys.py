"""A key is shown once; what is kept of it lets nobody in."""

from __future__ import annotations

import re

import pytest

from gateway.admission.api_keys import Key, find_key, new_key, read_keys
from gateway.errors import ConfigError

DIGEST = "0" * 64


def test_a_new_key_is_found_by_what_its_owner_sends() -> None:
    made = [new_key(name) for name in ("alice", "bob")]
    keys = [key for _, key in made]
    assert [find_key(keys, secret) for secret, _ in made] == keys
    assert len({secret for secret, _ in made}) == 2


@pytest.mark.parametrize("secret", ["", "tg-", "é\udc80"[:1], DIGEST])
def test_any_other_key_is_nobodys(secret: str) -> None:
    _, key = new_key("alice")
    assert find_key([key], secret) is None
    assert find_key([key], key.digest) is None


def test_what_is_kept_does_not_hold_the_key() -> None:
    secret, key = new_key("alice", rate=60, concurrency=2)
    assert secret not in str(key)
    assert secret not in repr(key)
    assert read_keys([str(key)], "keys") == (key,)


def test_the_lines_of_a_file_are_keys_with_their_limits() -> None:
    text = f"# ours\n\nalice sha256:{DIGEST}\n  bob  sha256:{DIGEST}\trate=60 concurrency=2 \n"
    assert read_keys(text.splitlines(), "keys") == (
        Key("alice", DIGEST),
        Key("bob", DIGEST, 60, 2),
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "keys: there is no key; `tool-gateway key NAME` makes one"),
        ("# none\n", "keys: there is no key"),
        ("\ntg-secret", "keys, line 2: expected `NAME sha256:DIGEST`"),
        ("alice tg-secret", "line 1: expected"),
        ("alice sha256:00", "line 1: expected"),
        (f"alice sha256:{DIGEST} rate=0", "line 1: expected"),
        (f"alice sha256:{DIGEST} speed=1", "line 1: expected"),
        (f"a sha256:{DIGEST}\na sha256:{DIGEST}", "line 2: there are two keys 'a'"),
    ],
)
def test_a_line_that_is_no_key_is_told_but_not_shown(text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(told)) as error:
        read_keys(text.splitlines(), "keys")
    assert "tg-secret" not in str(error.value)


def test_a_name_that_would_not_be_read_again_is_refused() -> None:
    with pytest.raises(ConfigError, match="expected"):
        new_key("alice and bob")
