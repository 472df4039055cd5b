"""Tiny models that tests write as GGUF files: two layers, random or exact weights."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import gguf
import llama_cpp as lib
import numpy as np
import numpy.typing as npt
from gguf import TokenType

WIDTH, HEADS, INNER, LAYERS, CONTEXT = 64, 2, 96, 2, 512
CONVOLUTION, STATE, RANK, WINDOW = 4, 16, 4, 16
LIKED = (
    4  # the logit of a reciter's next token: the likeliest, though sampled only every other time
)
END = 2  # the token that ends a turn
WORD = "[A-Z][a-z]+| [a-z]{3,}"
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
LETTERS = "abcdefghijklmnopqrstuvwxyz "

Weights = npt.NDArray[np.float32]


def llama(path: Path, vocabulary: Path | None = None, **shape: int) -> Path:
    """A model whose vocabulary is bytes, or that of another model's file."""
    width = shape.get("width", WIDTH)
    writer, chance = _writer(path, "llama", width), np.random.default_rng(7)
    _write_ends(writer, chance, width, vocabulary=vocabulary)
    for name in _layers():
        _norms(writer, f"{name}.attn_norm", width)
        _attention(writer, chance, name, width)
        _feed_forward(writer, chance, name, width)
    return _written(writer, path)


def quantized(path: Path, target: Path, quantization: str) -> Path:
    """The model of `path` with other weights, such as Q4_K_M."""
    parameters = lib.llama_model_quantize_default_params()
    name = "ALL_F32" if quantization == "F32" else f"MOSTLY_{quantization}"
    parameters.ftype = gguf.LlamaFileType[name]
    parameters.nthread, parameters.pure = 1, True
    assert not lib.llama_model_quantize(str(path).encode(), str(target).encode(), parameters)
    return target


def words(vocabulary: Path, count: int) -> dict[int, str]:
    """Tokens of another model's file that are words, with their texts; the first has no space."""
    found = _words(vocabulary)
    first = next(token for token, text in found.items() if text.istitle())
    others = [token for token, text in found.items() if text.startswith(" ")]
    return {token: found[token] for token in [first, *others[: count - 1]]}


def token(vocabulary: Path, text: str) -> int:
    """The token of another model's file whose text is `text`."""
    texts, *_ = _vocabulary(vocabulary)["tokenizer.ggml.tokens"]
    return [*texts].index(text.replace("\n", "Ċ").replace(" ", "Ġ"))


@cache
def _words(vocabulary: Path) -> dict[int, str]:
    texts, *_ = _vocabulary(vocabulary)["tokenizer.ggml.tokens"]
    spelled = (text.replace("Ġ", " ") for text in texts)
    return {
        t: text for t, text in enumerate(spelled) if re.fullmatch("[A-Z][a-z]+| [a-z]{3,}", text)
    }


def reciter(path: Path, vocabulary: Path, tokens: Sequence[int], ends: Sequence[int] = ()) -> Path:
    """A model that generates the same on every machine: `tokens` in turn, over and over.

    The next token depends only on the last one; after a token that is not in `tokens` it is their
    first. `ends` are the end tokens; the model avoids those that are not in `tokens`.
    Its logits are exact with all kernels, since it computes only with small integers and orthogonal
    rows: `LIKED` for the next token, 0 for others.
    """
    states = _orthogonal(len(tokens) + 1)
    half = states.shape[1]
    writer = _writer(path, "llama", 2 * half)
    writer.add_rope_dimension_count(2 * half // HEADS)
    writer.add_layer_norm_rms_eps(1e-30)
    count = _add_vocabulary(writer, vocabulary)
    read, written = (np.zeros((count, 2 * half), np.float16) for _ in range(2))
    read[:, :half], read[:, half:] = states[0], 1
    written[[*ends], half:] = -LIKED / half
    for at, token in enumerate(tokens):
        read[token, :half] = states[at + 1]
        written[token, :half] += states[at] * (LIKED + LIKED * (token in ends)) / half
    written[tokens[0], :half] += states[len(tokens)] * LIKED / half
    writer.add_tensor("token_embd.weight", read)
    writer.add_tensor("output.weight", written)
    _norms(writer, "output_norm", 2 * half)
    for name in _layers():
        for norm in ("attn_norm", "ffn_norm"):
            _norms(writer, f"{name}.{norm}", 2 * half)
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            writer.add_tensor(f"{name}.{part}.weight", np.zeros((2 * half, 2 * half), np.float32))
        for part in ("ffn_gate", "ffn_up"):
            writer.add_tensor(f"{name}.{part}.weight", np.zeros((INNER, 2 * half), np.float32))
        writer.add_tensor(f"{name}.ffn_down.weight", np.zeros((2 * half, INNER), np.float32))
    return _written(writer, path)


def _orthogonal(count: int) -> npt.NDArray[np.float32]:
    """At least `count` rows of 1 and -1, orthogonal to each other."""
    rows = np.ones((1, 1), np.float32)
    while len(rows) < max(count, 32):
        rows = np.block([[rows, rows], [rows, -rows]])
    return rows


def recurrent(path: Path) -> Path:
    """A recurrent model: all that it has computed is one state."""
    writer, chance = _writer(path, "mamba", WIDTH), np.random.default_rng(7)
    writer.add_ssm_conv_kernel(CONVOLUTION)
    writer.add_ssm_inner_size(2 * WIDTH)
    writer.add_ssm_state_size(STATE)
    writer.add_ssm_time_step_rank(RANK)
    _write_ends(writer, chance)
    for name in _layers():
        _norms(writer, f"{name}.attn_norm")
        writer.add_tensor(f"{name}.ssm_in.weight", _weights(chance, 4 * WIDTH, WIDTH))
        writer.add_tensor(f"{name}.ssm_conv1d.weight", _weights(chance, 2 * WIDTH, CONVOLUTION))
        writer.add_tensor(f"{name}.ssm_conv1d.bias", np.zeros(2 * WIDTH, np.float32))
        writer.add_tensor(f"{name}.ssm_x.weight", _weights(chance, RANK + 2 * STATE, 2 * WIDTH))
        writer.add_tensor(f"{name}.ssm_dt.weight", _weights(chance, 2 * WIDTH, RANK))
        writer.add_tensor(f"{name}.ssm_dt.bias", np.zeros(2 * WIDTH, np.float32))
        writer.add_tensor(f"{name}.ssm_a", -np.abs(_weights(chance, 2 * WIDTH, STATE)) / 64)
        writer.add_tensor(f"{name}.ssm_d", np.ones(2 * WIDTH, np.float32))
        writer.add_tensor(f"{name}.ssm_out.weight", _weights(chance, WIDTH, 2 * WIDTH))
    return _written(writer, path)


def hybrid(path: Path) -> Path:
    """A hybrid model, with a recurrent and an attention layer."""
    writer, chance = _writer(path, "lfm2", WIDTH), np.random.default_rng(7)
    writer.add_head_count_kv([0, HEADS])
    writer.add_shortconv_l_cache(CONVOLUTION)
    _write_ends(writer, chance, normed="token_embd_norm")
    first, second = _layers()
    writer.add_tensor(f"{first}.shortconv.conv.weight", _weights(chance, WIDTH, CONVOLUTION))
    writer.add_tensor(f"{first}.shortconv.in_proj.weight", _weights(chance, 3 * WIDTH, WIDTH))
    writer.add_tensor(f"{first}.shortconv.out_proj.weight", _weights(chance, WIDTH, WIDTH))
    for part in ("attn_q_norm", "attn_k_norm"):
        _norms(writer, f"{second}.{part}", WIDTH // HEADS)
    _attention(writer, chance, second)
    for name in (first, second):
        _norms(writer, f"{name}.attn_norm")
        _feed_forward(writer, chance, name)
    return _written(writer, path)


def windowed(path: Path) -> Path:
    """A model whose first layer has a sliding window of `WINDOW` tokens."""
    writer, chance = _writer(path, "gemma2", WIDTH), np.random.default_rng(7)
    writer.add_key_length(WIDTH // HEADS)
    writer.add_value_length(WIDTH // HEADS)
    writer.add_sliding_window(WINDOW)
    _write_ends(writer, chance, output=False)
    for name in _layers():
        _norms(writer, f"{name}.attn_norm")
        for part in ("post_attention_norm", "post_ffw_norm"):
            _norms(
                writer, f"{name}.{part}", scale=8
            )  # otherwise only the latest token would matter
        _attention(writer, chance, name)
        _feed_forward(writer, chance, name)
    return _written(writer, path)


def _add_bytes(writer: gguf.GGUFWriter) -> int:
    writer.add_tokenizer_model("llama")
    writer.add_token_list(["<unk>", "<s>", "</s>", *BYTES, "▁"])
    types = [TokenType.UNKNOWN, *[TokenType.CONTROL] * 2, *[TokenType.BYTE] * 256, TokenType.NORMAL]
    writer.add_token_types(types)
    writer.add_token_scores([0.0] * len(types))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(END)
    return len(types)


def _add_vocabulary(writer: gguf.GGUFWriter, path: Path) -> int:
    """Copies all tokenizer metadata of a file."""
    for name, (value, kind, inner) in _vocabulary(path).items():
        writer.add_key_value(name, value, kind, inner)
    return len(_vocabulary(path)["tokenizer.ggml.tokens"][0])


@cache
def _vocabulary(path: Path) -> dict[str, tuple[Any, gguf.GGUFValueType, gguf.GGUFValueType | None]]:
    """The tokenizer metadata of a file: values by key, each with its type and that of its items."""
    return {
        name: (field.contents(), field.types[0], field.types[1] if field.types[1:] else None)
        for name, field in gguf.GGUFReader(path).fields.items()
        if name.startswith("tokenizer.ggml.")
    }


def bert(path: Path, pooling: gguf.PoolingType | None = gguf.PoolingType.MEAN) -> Path:
    """An embedding model; each letter is a word."""
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


def _write_ends(
    writer: gguf.GGUFWriter,
    chance: np.random.Generator,
    width: int = WIDTH,
    *,
    vocabulary: Path | None = None,
    normed: str = "output_norm",
    output: bool = True,
) -> None:
    """A vocabulary of bytes or another file's, the token embeddings, and the output."""
    writer.add_rope_dimension_count(width // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    count = _add_vocabulary(writer, vocabulary) if vocabulary else _add_bytes(writer)
    writer.add_tensor("token_embd.weight", _weights(chance, count, width))
    if output:
        writer.add_tensor("output.weight", _weights(chance, count, width))
    _norms(writer, normed, width)


def _attention(
    writer: gguf.GGUFWriter, chance: np.random.Generator, name: str, width: int = WIDTH
) -> None:
    for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
        writer.add_tensor(f"{name}.{part}.weight", _weights(chance, width, width))


def _feed_forward(
    writer: gguf.GGUFWriter, chance: np.random.Generator, name: str, width: int = WIDTH
) -> None:
    _norms(writer, f"{name}.ffn_norm", width)
    for part in ("ffn_gate", "ffn_up"):
        writer.add_tensor(f"{name}.{part}.weight", _weights(chance, INNER, width))
    writer.add_tensor(f"{name}.ffn_down.weight", _weights(chance, width, INNER))


def _norms(writer: gguf.GGUFWriter, name: str, width: int = WIDTH, *, scale: float = 1) -> None:
    writer.add_tensor(f"{name}.weight", np.full(width, scale, np.float32))


def _layers() -> Iterator[str]:
    return (f"blk.{layer}" for layer in range(LAYERS))


def _weights(chance: np.random.Generator, rows: int, columns: int) -> Weights:
    return chance.normal(0, 0.5, (rows, columns)).astype(np.float32)


def _norm(writer: gguf.GGUFWriter, name: str) -> None:
    _norms(writer, name)
    writer.add_tensor(f"{name}.bias", np.zeros(WIDTH, np.float32))


def _written(writer: gguf.GGUFWriter, path: Path) -> Path:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
