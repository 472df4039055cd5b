"""Where responses are stored: a file or a URL, and no password in models.yaml."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import ConfigError
from tests.config.reading import read


def storage(text: str, folder: Path) -> object:
    return read(f"models: {{a: {{source: x}}}}\nresponses: {text}", folder).responses


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://gateway@db.example:5432/gateway",
        "postgres:///gateway",
        "postgresql://a,b/gateway?target_session_attrs=read-write&sslmode=verify-full",
        "postgresql://gateway@/gateway?host=%2Frun%2Fpostgresql",
    ],
)
def test_url_of_a_database_is_valid(url: str, tmp_path: Path) -> None:
    assert getattr(storage(f"{{url: '{url}'}}", tmp_path), "url", None) == url


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{url: mysql://db/gateway}", "responses.url: expected postgresql://"),
        ("{url: db/gateway}", "responses.url: expected postgresql://"),
        ("{url: 'postgresql://[db/gateway'}", "responses.url: expected postgresql://"),
        ("{url: 'postgresql://db/x', file: a.sqlite}", "responses.url: `file` is set too"),
        ("{url: 'postgresql://u:s3cret@db/x'}", "responses.url: it has a password"),
        ("{url: 'postgresql://u:@db/x'}", "responses.url: it has a password"),
        ("{url: 'postgresql://db/x?password=s3cret'}", "responses.url: it has a password"),
        ("{url: 'postgresql://u:s3/cret@db/x'}", "responses.url: expected postgresql://"),
    ],
)
def test_fault_is_named_without_the_password(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        storage(text, tmp_path)
    assert message in error.value.message
    assert "s3" not in error.value.message
