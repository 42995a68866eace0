"""Make synthetic embedding models: small berts of letters with random weights, and a causal one of the shape of qwen3."""

from __future__ import annotations

import string
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from samples.gguf_maker import byte_alphabet
from samples.gguf_tensors import Array

MARKS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
LETTERS = string.ascii_lowercase + string.digits + ".,?!"
EMBEDDING, HEADS, FEED_FORWARD, LAYERS = 32, 4, 64, 2
_POOLINGS = {
    "mean": gguf.PoolingType.MEAN, "cls": gguf.PoolingType.CLS, "last": gguf.PoolingType.LAST, "rank": gguf.PoolingType.RANK,
}  # fmt: skip


def make_bert(
    path: Path, pooling: str | None = "mean", *, context: int = 128, seed: int = 0, layers: int = LAYERS,
    classes: int = 1, head: bool = True, words: Sequence[str] = (),
) -> Path:  # fmt: skip
    """Write a bert that reads letters, digits, some signs and `words`; always the same for the same arguments.

    classes, head: of a "rank" model.
    """
    whole = tuple("▁" + word for word in words if word not in LETTERS)
    tokens = [*MARKS, *("▁" + letter for letter in LETTERS), *LETTERS, *whole]
    rng = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(path, "bert")
    _add_shape(writer, context, layers)
    writer.add_layer_norm_eps(1e-12)
    writer.add_causal_attention(False)
    if pooling is not None:
        writer.add_pooling_type(_POOLINGS[pooling])
    writer.add_tokenizer_model("bert")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.CONTROL] * len(MARKS) + [gguf.TokenType.NORMAL] * (len(tokens) - len(MARKS)))
    writer.add_token_type_count(2)
    for add, mark in (
        (writer.add_bos_token_id, "[CLS]"), (writer.add_sep_token_id, "[SEP]"), (writer.add_pad_token_id, "[PAD]"),
        (writer.add_unk_token_id, "[UNK]"), (writer.add_mask_token_id, "[MASK]"),
    ):  # fmt: skip
        add(tokens.index(mark))
    if pooling == "rank" and classes > 1:
        writer.add_classifier_output_labels([f"class {number}" for number in range(classes)])
    tensors = {
        "token_embd.weight": _random(rng, len(tokens), EMBEDDING) * 8,
        "token_types.weight": _random(rng, 2, EMBEDDING),
        "position_embd.weight": _random(rng, context, EMBEDDING),
        **_norm("token_embd_norm"),
    }
    for layer in range(layers):
        for key in ("attn_q", "attn_k", "attn_v", "attn_output"):
            tensors |= _linear(rng, f"blk.{layer}.{key}", EMBEDDING, EMBEDDING)
        tensors |= _linear(rng, f"blk.{layer}.ffn_up", FEED_FORWARD, EMBEDDING)
        tensors |= _linear(rng, f"blk.{layer}.ffn_down", EMBEDDING, FEED_FORWARD)
        tensors |= _norm(f"blk.{layer}.attn_output_norm") | _norm(f"blk.{layer}.layer_output_norm")
    if pooling == "rank" and head:
        tensors |= _linear(rng, "cls", EMBEDDING, EMBEDDING) | _linear(rng, "cls.output", classes, EMBEDDING)
    return _written(writer, tensors)


def make_causal(path: Path, pooling: str = "last", *, context: int = 2048, seed: int = 0, template: str | None = None) -> Path:
    """Shaped as qwen3, with a vocabulary of bytes. pooling "rank": a reranker that says yes or no, asked by `template`."""
    marks = ("<|endoftext|>", "<|im_start|>")
    tokens = [*byte_alphabet(), *marks]
    rng = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(path, "qwen3")
    _add_shape(writer, context, LAYERS)
    writer.add_head_count_kv(2)
    writer.add_key_length(EMBEDDING // HEADS)
    writer.add_value_length(EMBEDDING // HEADS)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(10_000.0)
    writer.add_pooling_type(_POOLINGS[pooling])
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.NORMAL] * 256 + [gguf.TokenType.CONTROL] * len(marks))
    writer.add_token_merges(["h e", "l l"])
    writer.add_eos_token_id(256)
    writer.add_add_bos_token(False)
    writer.add_add_eos_token(True)
    if template is not None:
        writer.add_string("tokenizer.chat_template.rerank", template)
    tensors = {
        "token_embd.weight": _random(rng, len(tokens), EMBEDDING) * 8,
        "output_norm.weight": np.ones(EMBEDDING, np.float32),
    }
    for layer in range(LAYERS):
        shapes = {
            "attn_q": (EMBEDDING, EMBEDDING), "attn_k": (EMBEDDING // 2, EMBEDDING), "attn_v": (EMBEDDING // 2, EMBEDDING),
            "attn_output": (EMBEDDING, EMBEDDING), "ffn_gate": (FEED_FORWARD, EMBEDDING), "ffn_up": (FEED_FORWARD, EMBEDDING),
            "ffn_down": (EMBEDDING, FEED_FORWARD),
        }  # fmt: skip
        tensors |= {f"blk.{layer}.{key}.weight": _random(rng, *shape) for key, shape in shapes.items()}
        tensors |= {f"blk.{layer}.{key}.weight": np.ones(EMBEDDING, np.float32) for key in ("attn_norm", "ffn_norm")}
        tensors |= {f"blk.{layer}.{key}.weight": np.ones(EMBEDDING // HEADS, np.float32) for key in ("attn_q_norm", "attn_k_norm")}
    if pooling == "rank":
        writer.add_classifier_output_labels(["yes", "no"])
        tensors["cls.output.weight"] = _random(rng, 2, EMBEDDING)
    return _written(writer, tensors)


def _add_shape(writer: Any, context: int, layers: int) -> None:
    writer.add_name("synthetic")
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_context_length(context)
    writer.add_embedding_length(EMBEDDING)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)


def _random(rng: np.random.Generator, *shape: int) -> Array:
    return np.asarray(rng.standard_normal(shape, dtype=np.float32) / np.sqrt(shape[-1]), np.float32)


def _linear(rng: np.random.Generator, name: str, rows: int, columns: int) -> dict[str, Array]:
    return {f"{name}.weight": _random(rng, rows, columns), f"{name}.bias": np.zeros(rows, np.float32)}


def _norm(name: str) -> dict[str, Array]:
    return {f"{name}.weight": np.ones(EMBEDDING, np.float32), f"{name}.bias": np.zeros(EMBEDDING, np.float32)}


def _written(writer: Any, tensors: dict[str, Array]) -> Path:
    for name, values in tensors.items():
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return Path(writer.path)
