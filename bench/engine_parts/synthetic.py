"""Make synthetic GLM-4s for measurements: real shapes, random weights, a vocabulary of made-up words. Nothing is downloaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import gguf
import numpy as np
from numpy.typing import NDArray

from samples.gguf_maker import CONTROL, byte_alphabet

GLM_VOCABULARY = 151_552
"""Size of GLM-4's vocabulary, which determines the cost of sampling."""
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
EXPERTS = 2
_F16 = gguf.GGMLQuantizationType.F16
_Q8 = gguf.GGMLQuantizationType.Q8_0

Array = NDArray[np.float32]
Random = Callable[..., Array]


@dataclass(frozen=True, slots=True)
class Shape:
    """Shape of a model. copies: every token is followed by a fixed other one, at the full cost: the model repeats text that it is shown.

    drafts: the share of tokens after which an MTP layer drafts correctly; 0 for a model without one.
    """

    name: str
    embedding: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    context: int = 4096
    copies: bool = False
    kv_heads: int = 2
    drafts: float = 0.0
    f16: bool = False

    @property
    def architecture(self) -> str:
        """Return llama.cpp's name of the architecture. It runs no MTP layer of GLM-4, only that of GLM-4.5, which has experts; other layers
        need none."""
        return "glm4moe" if self.drafts else "glm4"

    @property
    def head(self) -> int:
        return self.embedding // self.heads


MIDDLE = Shape(name="glm4-45M", embedding=512, layers=12, heads=8, feed_forward=1536, vocabulary=8_192)
COPYING = Shape(name="glm4-45M-copying", embedding=512, layers=12, heads=8, feed_forward=1536, vocabulary=8_192, copies=True)
COPYING_F16 = replace(COPYING, name="glm4-45M-copying-f16", f16=True)
COPYING_NINE = Shape(
    name="GLM-4-9B-2-layers-copying", embedding=4096, layers=2, heads=32, feed_forward=13_696, vocabulary=8_192, copies=True
)
DRAFTING = tuple(
    Shape(
        name=f"glm4moe-50M-drafts-{share:.0%}",
        embedding=512,
        layers=12,
        heads=8,
        feed_forward=1536,
        vocabulary=8_192,
        copies=True,
        drafts=share,
    )
    for share in (1.0, 0.7, 0.1)
)
WIDE = Shape(name="glm4-151552", embedding=64, layers=2, heads=4, feed_forward=128, vocabulary=GLM_VOCABULARY)
FIRST_WORD = 256
"""Tokens from here to the control tokens are words."""


def words(shape: Shape) -> int:
    """Return the number after the last token that is a word."""
    return shape.vocabulary - len(CONTROL)


def follower(token: int, shape: Shape) -> int:
    """Return the token that a copying model generates after `token`."""
    count = words(shape) - FIRST_WORD
    return FIRST_WORD + (token - FIRST_WORD + 1) % count


def make(folder: Path, shape: Shape) -> Path:
    """Write the model at Q8_0 or F16. It never generates control tokens, so that an answer ends only at its limit."""
    path = folder / f"{shape.name}.gguf"
    writer = gguf.GGUFWriter(path, shape.architecture)
    writer.add_name(shape.name)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16 if shape.f16 else gguf.LlamaFileType.MOSTLY_Q8_0)
    add_facts(writer, shape)
    for name, values in _tensors(shape, np.random.default_rng(0)):
        if values.ndim > 1 and not name.endswith("gate_inp.weight"):
            kind = _F16 if shape.f16 else _Q8
            writer.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)
        else:
            writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def add_facts(writer: gguf.GGUFWriter, shape: Shape) -> None:
    """Write the header: the model's shape, and its vocabulary of bytes, words and control tokens."""
    named = [" " + "".join(_LETTERS[number // 26**place % 26] for place in range(4)) for number in range(words(shape) - FIRST_WORD)]
    tokens = [*byte_alphabet(), *(name.replace(" ", "Ġ") for name in named), *CONTROL]
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.embedding)
    writer.add_block_count(shape.layers + bool(shape.drafts))
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10_000.0)
    writer.add_rope_dimension_count(shape.head // 2)
    writer.add_vocab_size(shape.vocabulary)
    if shape.drafts:
        writer.add_nextn_predict_layers(1)
        writer.add_leading_dense_block_count(shape.layers)
        writer.add_expert_count(EXPERTS)
        writer.add_expert_used_count(1)
        writer.add_expert_shared_count(1)
        writer.add_expert_feed_forward_length(shape.feed_forward)
        writer.add_expert_gating_func(gguf.ExpertGatingFuncType.SIGMOID)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("glm4")
    writer.add_token_list(tokens)
    normal = len(tokens) - len(CONTROL)
    writer.add_token_types([gguf.TokenType.NORMAL] * normal + [gguf.TokenType.CONTROL] * len(CONTROL))
    writer.add_token_merges(["h e", "l l"])
    writer.add_eos_token_id(tokens.index("<|endoftext|>"))
    writer.add_add_bos_token(False)


def _tensors(shape: Shape, rng: np.random.Generator) -> Iterator[tuple[str, NDArray[np.float32]]]:
    wide = shape.embedding

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
        yield from _layer(f"blk.{layer}.", shape, random)
    if shape.drafts:
        yield from _next_layer(f"blk.{shape.layers}.", shape, embedding, random, rng)


def _layer(block: str, shape: Shape, random: Random) -> Iterator[tuple[str, Array]]:
    wide = shape.embedding
    # Values that are scaled to zero at the end, so that the token alone decides, are still computed.
    loud = 0.0 if shape.copies else 1.0
    for norm in ("attn_norm", "post_attention_norm") if shape.drafts else ("attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm"):
        yield f"{block}{norm}.weight", np.full(wide, loud if norm.startswith("post") else 1.0, np.float32)
    for key, heads in (("attn_q", shape.heads), ("attn_k", shape.kv_heads), ("attn_v", shape.kv_heads)):
        yield f"{block}{key}.weight", random(heads * shape.head, wide)
        yield f"{block}{key}.bias", np.zeros(heads * shape.head, np.float32)
    yield f"{block}attn_output.weight", random(wide, wide, loud if shape.drafts else 1.0)
    if shape.drafts:
        yield f"{block}ffn_gate.weight", random(shape.feed_forward, wide)
    yield f"{block}ffn_up.weight", random(shape.feed_forward if shape.drafts else 2 * shape.feed_forward, wide)
    yield f"{block}ffn_down.weight", random(wide, shape.feed_forward, loud if shape.drafts else 1.0)


def _next_layer(block: str, shape: Shape, embedding: Array, random: Random, rng: np.random.Generator) -> Iterator[tuple[str, Array]]:
    """Yield the tensors of the MTP layer. Its own embeddings swap some words, after which it drafts wrongly."""
    for name, values in _layer(block, shape, random):
        if "ffn_" not in name:
            yield name, values
    for key in ("gate", "up"):
        yield f"{block}ffn_{key}_exps.weight", np.stack([random(shape.feed_forward, shape.embedding) for _ in range(EXPERTS)])
        yield f"{block}ffn_{key}_shexp.weight", random(shape.feed_forward, shape.embedding)
    yield f"{block}ffn_down_exps.weight", np.zeros((EXPERTS, shape.embedding, shape.feed_forward), np.float32)
    yield f"{block}ffn_down_shexp.weight", np.zeros((shape.embedding, shape.feed_forward), np.float32)
    yield f"{block}ffn_gate_inp.weight", random(EXPERTS, shape.embedding)
    yield f"{block}exp_probs_b.bias", np.zeros(EXPERTS, np.float32)
    yield f"{block}nextn.eh_proj.weight", np.eye(shape.embedding, 2 * shape.embedding, dtype=np.float32)
    yield f"{block}nextn.enorm.weight", np.ones(shape.embedding, np.float32)
    yield f"{block}nextn.hnorm.weight", np.ones(shape.embedding, np.float32)
    own = embedding.copy()
    mistaken = np.flatnonzero(rng.random(len(own)) >= shape.drafts)
    own[mistaken] = np.roll(own[mistaken], 1, axis=0)
    yield f"{block}nextn.embed_tokens.weight", own
