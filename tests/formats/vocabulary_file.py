"""Writes a GGUF file that has a vocabulary and no weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import gguf

NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6  # llama_token_type


def written(path: Path, markers: Sequence[str]) -> Path:
    """Writes a GGUF file with a vocabulary only: three tokens, all bytes, `markers`, a space."""
    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(64)
    writer.add_embedding_length(8)
    writer.add_block_count(1)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(["<unk>", "<s>", "</s>", *bytes_, *markers, "▁"])
    types = [UNKNOWN, CONTROL, CONTROL, *[BYTE] * 256, *[CONTROL] * len(markers), NORMAL]
    writer.add_token_types(types)
    writer.add_token_scores([0.0] * len(types))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
