"""Synthetic GLM-4s to measure with: real shapes, random weights, a vocabulary of made-up words. Nothing is downloaded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
from numpy.typing import NDArray

from tests.gguf_maker import CONTROL, byte_alphabet

GLM_VOCABULARY = 151_552
"""How many tokens GLM-4 has; what sampling costs depends on it."""
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_Q8 = gguf.GGMLQuantizationType.Q8_0


@dataclass(frozen=True, slots=True)
class Shape:
    """copies: every token is followed by a fixed other one, at the full cost: the model repeats what it is shown of its own text."""

    name: str
    embedding: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    context: int = 4096
    copies: bool = False
    kv_heads: int = 2

    @property
    def head(self) -> int:
        return self.embedding // self.heads


MIDDLE = Shape("glm4-45M", 512, 12, 8, 1536, 8_192)
COPYING = Shape("glm4-45M-copying", 512, 12, 8, 1536, 8_192, copies=True)
WIDE = Shape("glm4-151552", 64, 2, 4, 128, GLM_VOCABULARY)
FIRST_WORD = 256
"""Tokens from here to the control tokens are words."""


def words(shape: Shape) -> int:
    """One past the last token that is a word."""
    return shape.vocabulary - len(CONTROL)


def follower(token: int, shape: Shape) -> int:
    """What a copying model says after `token`."""
    count = words(shape) - FIRST_WORD
    return FIRST_WORD + (token - FIRST_WORD + 1) % count


def make(folder: Path, shape: Shape) -> Path:
    """Write the model at Q8_0. Control tokens are never said, so that an answer ends at its limit only."""
    path = folder / f"{shape.name}.gguf"
    writer = gguf.GGUFWriter(path, "glm4")
    writer.add_name(shape.name)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    _add_facts(writer, shape)
    for name, values in _tensors(shape, np.random.default_rng(0)):
        if values.ndim > 1:
            writer.add_tensor(name, gguf.quants.quantize(values, _Q8), raw_dtype=_Q8)
        else:
            writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add_facts(writer: gguf.GGUFWriter, shape: Shape) -> None:
    named = [" " + "".join(_LETTERS[number // 26**place % 26] for place in range(4)) for number in range(words(shape) - FIRST_WORD)]
    tokens = [*byte_alphabet(), *(name.replace(" ", "Ġ") for name in named), *CONTROL]
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.embedding)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10_000.0)
    writer.add_rope_dimension_count(shape.head // 2)
    writer.add_vocab_size(shape.vocabulary)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("glm4")
    writer.add_token_list(tokens)
    normal = len(tokens) - len(CONTROL)
    writer.add_token_types([gguf.TokenType.NORMAL] * normal + [gguf.TokenType.CONTROL] * len(CONTROL))
    writer.add_token_merges(["h e", "l l"])
    writer.add_eos_token_id(tokens.index("<|endoftext|>"))
    writer.add_add_bos_token(False)


def _tensors(shape: Shape, rng: np.random.Generator) -> Iterator[tuple[str, NDArray[np.float32]]]:
    wide, silent = shape.embedding, 0.0 if shape.copies else 1.0

    def random(rows: int, columns: int, scale: float = 1.0) -> NDArray[np.float32]:
        return rng.standard_normal((rows, columns), dtype=np.float32) * np.float32(scale / np.sqrt(columns))

    embedding = random(shape.vocabulary, wide, 8.0)
    output = np.zeros_like(embedding)
    last = words(shape)
    if shape.copies:
        for_words = np.arange(FIRST_WORD, last)
        output[[follower(int(token), shape) for token in for_words]] = embedding[for_words]
    else:
        output[FIRST_WORD:last] = random(last - FIRST_WORD, wide, 5.0)
    yield "token_embd.weight", embedding
    yield "output_norm.weight", np.ones(wide, np.float32)
    yield "output.weight", output
    for layer in range(shape.layers):
        block = f"blk.{layer}."
        for norm in ("attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm"):
            # What a norm after a part scales to nothing is still computed.
            scale = silent if norm.startswith("post") else 1.0
            yield f"{block}{norm}.weight", np.full(wide, scale, np.float32)
        for key, heads in (("attn_q", shape.heads), ("attn_k", shape.kv_heads), ("attn_v", shape.kv_heads)):
            yield f"{block}{key}.weight", random(heads * shape.head, wide)
            yield f"{block}{key}.bias", np.zeros(heads * shape.head, np.float32)
        yield f"{block}attn_output.weight", random(wide, wide)
        yield f"{block}ffn_up.weight", random(2 * shape.feed_forward, wide)
        yield f"{block}ffn_down.weight", random(wide, shape.feed_forward)
