"""models.yaml is loaded completely or rejected, and errors name the cure."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.config.limits import Limits
from gateway.config.llama import LlamaOptions, Section
from gateway.config.load import Config, Entry, SamplingDefaults, Streaming, load
from gateway.config.remote import RemoteOptions
from gateway.config.responses import ResponseStorage
from gateway.errors import ConfigError
from gateway.models.build import check_template
from tests.config.reading import FORMATS, read
from tests.fakes import REPO


def test_a_model_needs_only_a_source(tmp_path: Path) -> None:
    config = read("models: {a: {source: a.gguf}}", tmp_path)
    assert config.models == {"a": Entry(source="a.gguf")}
    assert config.folder == tmp_path


def test_every_key_is_loaded(tmp_path: Path) -> None:
    text = """
    memory_mb: 4096
    playground: false
    responses: {file: a.sqlite, max_mb: 1, max_days: 0.5}
    models:
      a:
        source: a.gguf
        template: qwen
        chat_template_kwargs: {enable_thinking: false}
        format: hermes
        context: 512
        gpu_layers: 3
        threads: 2
        aliases: [b, c]
        preload: true
        queue: 1
        thinking_budget: 0
        fast_forward: false
        json_calls: false
        tool_call_threshold: 0.5
        draft_tokens: 8
        reproducible: always
        prefix_cache: {memory_mb: 0, folder: prefixes, folder_mb: 1}
        sampling: {temperature: 0, top_p: 1, top_k: 0, min_p: 0, seed: 1, frequency_penalty: 1,
                   presence_penalty: -1, repeat_penalty: 1.1}
        stream: {tool_calls: whole, content: always}
        embeddings: true
        pinned: true
        idle_s: 60
        hang_s: 0.5
        lora: b.gguf
        llama: {ubatch_size: 64}
    """
    config = read(text, tmp_path)
    entry = config.models["a"]
    assert (entry.context, entry.aliases, entry.stream.content) == (512, ("b", "c"), "always")
    assert entry.model_fields_set == set(Entry.model_fields) - {"remote"}
    assert entry.sampling.model_fields_set == set(SamplingDefaults.model_fields)
    assert config.responses.model_fields_set == set(ResponseStorage.model_fields) - {"url"}
    assert config.playground is False
    assert [config.name_of(name) for name in ("a", "b", "c", "d")] == ["a", "a", "a", None]


def test_threads_is_a_number_or_auto(tmp_path: Path) -> None:
    entries = "{a: {source: x}, b: {source: x, threads: auto}, c: {source: x, threads: 4}}"
    models = read(f"models: {entries}", tmp_path).models
    assert [models[name].threads for name in "abc"] == ["auto", "auto", 4]


@pytest.mark.parametrize(
    ("written", "meant"),
    [("off", "off"), ("false", "off"), ("auto", "auto"), ("always", "always"), ("true", "always")],
)
def test_reproducible_is_auto_always_or_off(tmp_path: Path, written: str, meant: str) -> None:
    models = read(f"models: {{a: {{source: x, reproducible: {written}}}}}", tmp_path).models
    assert models["a"].reproducible == meant


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{}", "models.a.source: this key is missing"),
        ("", "models.a: found None"),
        ("a.gguf", "models.a: found 'a.gguf'"),
        ("{source: ''}", "models.a.source: found ''"),
        ("{source: [x]}", "models.a.source: found ['x']"),
        (
            "{source: x, contxt: 5}",
            "models.a.contxt: no such key; valid keys are source, template,",
        ),
        ("{source: x, contxt: 5}", "did you mean 'context'?"),
        ("{source: x, context: 5}", "models.a.context: found 5; input should be greater than or"),
        ("{source: x, context: big}", "models.a.context: found 'big'; input should be a valid int"),
        ("{source: x, threads: 0}", "models.a.threads: found 0; input should be a number from 1"),
        ("{source: x, threads: all}", "models.a.threads: found 'all'; input should be a number"),
        (
            "{source: x, reproducible: 1}",
            "models.a.reproducible: found 1; input should be 'auto', ",
        ),
        ("{source: x, thinking_budget: -1}", "models.a.thinking_budget: found -1"),
        ("{source: x, gpu_layers: -2}", "models.a.gpu_layers: found -2"),
        ("{source: x, format: hermis}", "models.a.format: found 'hermis', expected one of hermes,"),
        ("{source: x, format: hermis}", "did you mean 'hermes'?"),
        ("{source: x, preload: perhaps}", "models.a.preload: found 'perhaps'"),
        ("{source: x, aliases: b}", "models.a.aliases: found 'b'"),
        ("{source: x, aliases: [1]}", "models.a.aliases.0: found 1"),
        ("{source: x, sampling: {temprature: 1}}", "models.a.sampling.temprature: no such key"),
        ("{source: x, sampling: {temprature: 1}}", "did you mean 'temperature'?"),
        ("{source: x, sampling: {temperature: 9}}", "models.a.sampling.temperature: found 9"),
        ("{source: x, sampling: {temperature: .nan}}", "sampling.temperature: found nan"),
        ("{source: x, stream: {tool_calls: some}}", "'incremental' or 'whole'"),
        ("{source: x, stream: {calls: whole}}", "valid keys are tool_calls, content"),
        ("{source: x, aliases: [a]}", "models.a.aliases: 'a' is already a name of 'a'"),
        ("{source: x, prefix_cache: {dir: a}}", "valid keys are memory_mb, folder, folder_mb"),
        ("{source: x, gpu_layers: 2147483648}", "models.a.gpu_layers: found 2147483648"),
        ("{source: x, sampling: {seed: 9223372036854775808}}", "sampling.seed: found 92233"),
        ("{source: x, sampling: {top_k: 2147483648}}", "sampling.top_k: found 2147483648"),
        (f"{{source: x, queue: -0x{'f' * 4000}}}", "queue: found a number with too many digits"),
    ],
)
def test_an_error_names_the_key_and_the_cure(entry: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        read(f"models:\n  a: {entry}", tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; delete it, and `tool-gateway init` writes one to start from"),
        ("[a]", "expected a mapping with the key `models`, found ['a']"),
        ("models: {}", "models: there is none; name at least one"),
        ("[]", "expected a mapping"),
        ("model: {}", "model: no such key; valid keys are models, memory_mb, limits, "),
        ("model: {}", "did you mean 'models'?"),
        ("{}", "models: this key is missing"),
        ("memory_mb: much", "memory_mb: found 'much'; input should be a number of megabytes, or"),
        ("models: {a: {source: x}}\nlimits: {depth: 65}", "limits.depth: found 65"),
        (
            "models: {a: {source: x}}\nlimits: {tool: 1}",
            "limits.tool: no such key; valid keys are body_mb",
        ),
        ("models: {a: {source: x}}\ntimeout_s: 0", "timeout_s: found 0"),
        ("models: {a: {source: x}}\ncors: '*'", "cors: found '*'"),
        ("models: [a]", "models: found ['a']"),
        ("models: {a: {source: x}, a: {source: y}}", "the key 'a' is used twice"),
        ("models: {a: {source: x, source: y}}", "the key 'source' is used twice"),
        ("models: {a: {source: x}, b: {source: y, aliases: [a]}}", "'a' is already a name of 'a'"),
        (
            "models: {a: {source: x}, b: {source: y, aliases: [c, c]}}",
            "'c' is already a name of 'b'",
        ),
        ("models:\n\ta: {}", "cannot start any token; indent with spaces, not with tabs"),
        ("models: {a: ", "is not YAML: line 1, column 13: expected the node content"),
        ("models: {a: {source: !!python/object/apply:os.getcwd []}}", "is not YAML"),
        ("models: {a: {source: 2024-99-99}}", "is not YAML"),
        ("models: {? [x] : {source: y}}", "is not YAML"),
        ("models: {1: {source: x}}", "models.1"),
        ("models: {a: {source: x, queue: !!int ''}}", "is not YAML"),
        ("models: {a: {source: x, preload: !!bool perhaps}}", "is not YAML"),
        ("models: {a: {source: x, lora: !!timestamp x}}", "is not YAML"),
        ("models: !!map [a]", "is not YAML"),
        ("[" * 2000, "is not YAML"),
        ("models: {a: {source: x}}\nfolder: b", "folder: no such key"),
        ("\0", "is not YAML"),
    ],
)
def test_a_file_without_valid_models_is_rejected(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        read(text, tmp_path)


def test_all_errors_are_reported_together(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        read("models: {a: {source: x, context: 1, threads: 0}, b: {}}", tmp_path)
    for path in ("models.a.context", "models.a.threads", "models.b.source"):
        assert path in error.value.message


def test_a_missing_file_is_reported_with_the_option_to_set_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: No such file .*--config"):
        load(tmp_path / "nowhere.yaml", FORMATS)


def test_a_binary_file_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "models.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not YAML"):
        load(tmp_path / "models.yaml", FORMATS)


OURS = load(REPO / "models.yaml", FORMATS)


def test_the_models_yaml_of_the_repository_is_valid() -> None:
    assert OURS.name_of("default") == "smollm2"
    for entry in OURS.models.values():
        check_template(entry, OURS.folder)


@pytest.mark.parametrize(
    "section",
    [
        Config,
        Entry,
        Limits,
        SamplingDefaults,
        Streaming,
        LlamaOptions,
        RemoteOptions,
        ResponseStorage,
    ],
)
def test_every_key_is_documented_in_models_yaml(section: type[Section]) -> None:
    comments = "".join(re.findall(r"^#(.*)$", (REPO / "models.yaml").read_text(), re.MULTILINE))
    for key in section.model_fields:
        assert re.search(rf"\b{key}\b", comments), key


def test_models_yaml_names_the_command_and_page_that_list_the_formats() -> None:
    comments = "".join(re.findall(r"^#(.*)$", (REPO / "models.yaml").read_text(), re.MULTILINE))
    assert "`tool-gateway formats`" in comments
    assert "docs/formats.md" in comments
