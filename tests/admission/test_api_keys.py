"""API keys are stored as digests, from which the secret cannot be recovered."""

from __future__ import annotations

import re

import pytest

from gateway.admission.api_keys import Key, find_key, new_key, read_keys
from gateway.errors import ConfigError

DIGEST = "0" * 64


def test_a_new_key_is_found_by_its_secret() -> None:
    made = [new_key(name) for name in ("alice", "bob")]
    keys = [key for _, key in made]
    assert [find_key(keys, secret) for secret, _ in made] == keys
    assert len({secret for secret, _ in made}) == 2


@pytest.mark.parametrize("secret", ["", "tg-", "é\udc80"[:1], DIGEST])
def test_an_unknown_secret_finds_no_key(secret: str) -> None:
    _, key = new_key("alice")
    assert find_key([key], secret) is None
    assert find_key([key], key.digest) is None


@pytest.mark.parametrize("captures", [False, True])
def test_the_stored_key_does_not_contain_the_secret(captures: bool) -> None:
    secret, key = new_key("alice", rate=60, concurrency=2, captures=captures)
    assert secret not in str(key)
    assert secret not in repr(key)
    assert read_keys([str(key)], "keys") == (key,)


def test_a_key_file_has_names_digests_and_limits() -> None:
    text = f"# ours\n\nalice sha256:{DIGEST}\n  bob  sha256:{DIGEST}\trate=60 concurrency=2 \n"
    assert read_keys(text.splitlines(), "keys") == (
        Key("alice", DIGEST),
        Key("bob", DIGEST, 60, 2),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "keys has no API key; create one with `tool-gateway key NAME`"),
        ("# none\n", "keys has no API key"),
        ("\ntg-secret", "keys, line 2: expected `NAME sha256:DIGEST`"),
        ("alice tg-secret", "line 1: expected"),
        ("alice sha256:00", "line 1: expected"),
        (f"alice sha256:{DIGEST} rate=0", "line 1: expected"),
        (f"alice sha256:{DIGEST} speed=1", "line 1: expected"),
        (f"a sha256:{DIGEST}\na sha256:{DIGEST}", "line 2: the name 'a' is used twice"),
    ],
)
def test_an_invalid_line_is_reported_but_not_quoted(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)) as error:
        read_keys(text.splitlines(), "keys")
    assert "tg-secret" not in str(error.value)


def test_a_key_name_with_spaces_is_refused() -> None:
    with pytest.raises(ConfigError, match="may have letters, digits"):
        new_key("alice and bob")
