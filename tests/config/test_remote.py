"""The key `remote` of models.yaml."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.config.remote import RemoteOptions
from gateway.errors import ConfigError
from tests.config.reading import read

NEEDED = "source: http://h/v1, template: smollm2, format: hermes"


def test_every_key_of_remote_is_loaded(tmp_path: Path) -> None:
    section = """{model: m, key: KEY, grammar: vllm, special: ["[END]"], eos: </s>, slots: 64,
        timeout_s: 1, connect_s: 0.5, regenerate: 0}"""
    entry = read(f"models: {{a: {{{NEEDED}, remote: {section}}}}}", tmp_path).models["a"]
    assert entry.is_remote
    assert entry.remote.model_fields_set == set(RemoteOptions.model_fields)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("source: a.gguf, remote: {}", "models.a.remote: this key requires a `source` of http://"),
        ("source: http://h/v1, format: hermes", "models.a.template: a remote engine has no"),
        ("source: http://h/v1, template: smollm2", "models.a.format: this key is missing"),
        ("source: http:///v1, template: smollm2, format: hermes", "expected http://host:port/v1"),
        ("source: 'http://[h', template: smollm2, format: hermes", "expected http://host:port/v1"),
        ("source: http://h:70000, template: qwen, format: hermes", "expected http://host:port/v1"),
        ("source: http://u:p@h/v1, template: smollm2, format: hermes", "name an environment vari"),
        (
            "source: https://huggingface.co/owner/repo/blob/main/a.gguf",
            "is a page of the hub; write hf:owner/repo/file.gguf, which `tool-gateway pull` prints",
        ),
        (f"{NEEDED}, lora: x.gguf", "models.a.lora: this key has no effect on a remote engine"),
        (f"{NEEDED}, gpu_layers: 3", "models.a.gpu_layers: this key has no effect"),
        (f"{NEEDED}, pinned: true", "models.a.pinned: this key has no effect"),
        (
            f"{NEEDED}, remote: {{grammer: vllm}}",
            "valid keys are model, key, grammar, special, eos",
        ),
        (f"{NEEDED}, remote: {{grammar: gbnf}}", "models.a.remote.grammar: found 'gbnf'"),
        (f"{NEEDED}, remote: {{key: sk-123}}", "models.a.remote.key: found 'sk-123'"),
        (f"{NEEDED}, remote: {{timeout_s: 0}}", "models.a.remote.timeout_s: found 0"),
    ],
)
def test_an_invalid_remote_entry_is_reported_with_the_cure(
    entry: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        read(f"models:\n  a: {{{entry}}}", tmp_path)
