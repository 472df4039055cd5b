"""Models so small that they are made on the spot: random weights, two layers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt
from gguf import TokenType

WIDTH, HEADS, INNER, LAYERS, CONTEXT = 64, 2, 96, 2, 512
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
LETTERS = "abcdefghijklmnopqrstuvwxyz "

Weights = npt.NDArray[np.float32]


def llama(path: Path, vocabulary: Path | None = None, **shape: int) -> Path:
    """A model that writes bytes, or the tokens of another model's file."""
    width = shape.get("width", WIDTH)
    writer = _writer(path, "llama", width)
    writer.add_rope_dimension_count(width // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    count = _add_vocabulary(writer, vocabulary) if vocabulary else _add_bytes(writer)
    chance = np.random.default_rng(7)
    writer.add_tensor("token_embd.weight", _weights(chance, count, width))
    writer.add_tensor("output.weight", _weights(chance, count, width))
    writer.add_tensor("output_norm.weight", np.ones(width, np.float32))
    for name in _layers():
        writer.add_tensor(f"{name}.attn_norm.weight", np.ones(width, np.float32))
        writer.add_tensor(f"{name}.ffn_norm.weight", np.ones(width, np.float32))
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            writer.add_tensor(f"{name}.{part}.weight", _weights(chance, width, width))
        for part in ("ffn_gate", "ffn_up"):
            writer.add_tensor(f"{name}.{part}.weight", _weights(chance, INNER, width))
        writer.add_tensor(f"{name}.ffn_down.weight", _weights(chance, width, INNER))
    return _written(writer, path)


def _add_bytes(writer: gguf.GGUFWriter) -> int:
    writer.add_tokenizer_model("llama")
    writer.add_token_list(["<unk>", "<s>", "</s>", *BYTES, "▁"])
    types = [TokenType.UNKNOWN, *[TokenType.CONTROL] * 2, *[TokenType.BYTE] * 256, TokenType.NORMAL]
    writer.add_token_types(types)
    writer.add_token_scores([0.0] * len(types))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    return len(types)


def _add_vocabulary(writer: gguf.GGUFWriter, path: Path) -> int:
    """All that a file says of its tokens."""
    fields = gguf.GGUFReader(path).fields
    for name, field in fields.items():
        if name.startswith("tokenizer.ggml."):
            inner = field.types[1] if len(field.types) > 1 else None
            writer.add_key_value(name, field.contents(), field.types[0], inner)
    return len(fields["tokenizer.ggml.tokens"].data)


def bert(path: Path, pooling: gguf.PoolingType | None = gguf.PoolingType.MEAN) -> Path:
    """A model that reads letters, each a word of its own, and makes vectors."""
    writer = _writer(path, "bert", WIDTH)
    writer.add_layer_norm_eps(1e-5)
    writer.add_causal_attention(False)
    if pooling is not None:
        writer.add_pooling_type(pooling)
    writer.add_tokenizer_model("bert")
    marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    tokens = [*marks, *(f"▁{letter}" for letter in LETTERS), *LETTERS]
    writer.add_token_list(tokens)
    normal = [TokenType.NORMAL] * (len(tokens) - len(marks))
    writer.add_token_types([*[TokenType.CONTROL] * len(marks), *normal])
    writer.add_token_type_count(1)
    writer.add_bos_token_id(2)
    writer.add_sep_token_id(3)
    writer.add_unk_token_id(1)
    writer.add_pad_token_id(0)
    chance = np.random.default_rng(7)
    writer.add_tensor("token_embd.weight", _weights(chance, len(tokens), WIDTH))
    writer.add_tensor("token_types.weight", _weights(chance, 1, WIDTH))
    writer.add_tensor("position_embd.weight", _weights(chance, CONTEXT, WIDTH))
    _norm(writer, "token_embd_norm")
    for name in _layers():
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            writer.add_tensor(f"{name}.{part}.weight", _weights(chance, WIDTH, WIDTH))
        writer.add_tensor(f"{name}.ffn_up.weight", _weights(chance, INNER, WIDTH))
        writer.add_tensor(f"{name}.ffn_down.weight", _weights(chance, WIDTH, INNER))
        _norm(writer, f"{name}.attn_output_norm")
        _norm(writer, f"{name}.layer_output_norm")
    return _written(writer, path)


def adapter(path: Path, *, architecture: str = "llama", width: int = WIDTH, rank: int = 4) -> Path:
    """A LoRA adapter for `attn_q` of `llama`."""
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 8.0)
    chance = np.random.default_rng(11)
    for name in _layers():
        writer.add_tensor(f"{name}.attn_q.weight.lora_a", _weights(chance, rank, width))
        writer.add_tensor(f"{name}.attn_q.weight.lora_b", _weights(chance, width, rank))
    return _written(writer, path)


def _writer(path: Path, architecture: str, width: int) -> gguf.GGUFWriter:
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(width)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    return writer


def _layers() -> Iterator[str]:
    return (f"blk.{layer}" for layer in range(LAYERS))


def _weights(chance: np.random.Generator, rows: int, columns: int) -> Weights:
    return chance.normal(0, 0.5, (rows, columns)).astype(np.float32)


def _norm(writer: gguf.GGUFWriter, name: str) -> None:
    writer.add_tensor(f"{name}.weight", np.ones(WIDTH, np.float32))
    writer.add_tensor(f"{name}.bias", np.zeros(WIDTH, np.float32))


def _written(writer: gguf.GGUFWriter, path: Path) -> Path:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
