"""Write a GLM-4 at Q4_K_M without quantizing a model: the blocks are random, in the file's layout, with scales of realistic size.

No tensor ever exists as numbers, so that GLM-4-9B's 6 GB are on disk in seconds and take tens of megabytes of memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Kind
from numpy.typing import NDArray

from bench.engine_parts.synthetic import FIRST_WORD, GLM_VOCABULARY, Shape, add_facts, words

NINE = Shape(name="GLM-4-9B", embedding=4096, layers=40, heads=32, feed_forward=13_696, vocabulary=GLM_VOCABULARY, context=32_768)
SMALL = Shape(name="GLM-4-small", embedding=256, layers=8, heads=4, feed_forward=416, vocabulary=1_024)
"""A small model with the same mix of types: its feed-forward width is no multiple of 256 either."""
_AT_ONCE = 1 << 20
"""Bytes of one tensor made at a time: few enough to stay in the processor's cache."""
_SPREAD = {Kind.Q4_K: 168.34, Kind.Q6_K: 1365.7, Kind.Q5_0: 9.247, Kind.Q8_0: 73.90}
"""Standard deviation of a block's weights if its scale is 1 and everything else in it is random."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """A quantized matrix. spread: standard deviation of its weights. said: begin and end of the rows that are not all zero; None: all rows.
    """

    name: str
    rows: int
    columns: int
    kind: Kind
    spread: float
    said: tuple[int, int] | None = None

    @property
    def row_bytes(self) -> int:
        length, size = gguf.GGML_QUANT_SIZES[self.kind]
        return self.columns // length * size

    @property
    def bytes(self) -> int:
        return self.rows * self.row_bytes


@dataclass(frozen=True, slots=True)
class Vector:
    """A tensor that is never quantized: norms and biases, all of one value."""

    name: str
    length: int
    value: float

    @property
    def bytes(self) -> int:
        return 4 * self.length


def file_name(shape: Shape) -> str:
    return f"{shape.name}-Q4_K_M.gguf"


def make(folder: Path, shape: Shape) -> Path:
    """Write the model. It never generates control tokens, so that an answer ends only at its limit."""
    path = folder / file_name(shape)
    unfinished = path.with_suffix(".new")
    writer = begin(unfinished, shape)
    rng = np.random.Generator(np.random.SFC64(0))
    assert writer.fout is not None
    file = writer.fout[0]
    for tensor in tensors(shape):
        writer.write_padding(file, file.tell())
        for part in numbers(tensor, rng):
            part.tofile(file)
    writer.write_padding(file, file.tell())
    writer.close()
    return unfinished.replace(path)


def begin(path: Path, shape: Shape) -> gguf.GGUFWriter:
    """Begin a file with everything except the tensors' numbers, which follow in the order of `tensors`."""
    writer = gguf.GGUFWriter(path, shape.architecture)
    writer.add_name(f"{shape.name}, synthetic")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_K_M)
    add_facts(writer, shape)
    for tensor in tensors(shape):
        size = (tensor.length,) if isinstance(tensor, Vector) else (tensor.rows, tensor.columns)
        kind = Kind.F32 if isinstance(tensor, Vector) else tensor.kind
        writer.add_tensor_info(tensor.name, size, np.dtype(np.float32), tensor.bytes, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    return writer


def tensors(shape: Shape) -> Iterator[Blocks | Vector]:
    """Yield the tensors with the types that llama.cpp's quantizer chooses for Q4_K_M."""
    wide = shape.embedding

    def blocks(
        name: str, rows: int, columns: int, *, better: bool = False, loud: float = 1.0, said: tuple[int, int] | None = None
    ) -> Blocks:
        # GLM-4-9B's 13,696 is not a multiple of 256; then the quantizer uses blocks of 32.
        plain, exact = (Kind.Q5_0, Kind.Q8_0) if columns % 256 else (Kind.Q4_K, Kind.Q6_K)
        return Blocks(
            name=f"{name}.weight", rows=rows, columns=columns, kind=exact if better else plain, spread=loud / columns**0.5, said=said
        )

    yield blocks("token_embd", shape.vocabulary, wide, loud=8.0)
    yield Vector("output_norm.weight", wide, 1.0)
    yield blocks("output", shape.vocabulary, wide, better=True, loud=5.0, said=(FIRST_WORD, words(shape)))
    for layer in range(shape.layers):
        block, better = f"blk.{layer}.", more_bits(layer, shape.layers)
        for norm in ("attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm"):
            yield Vector(f"{block}{norm}.weight", wide, 1.0)
        for key, heads in (("attn_q", shape.heads), ("attn_k", shape.kv_heads), ("attn_v", shape.kv_heads)):
            yield blocks(block + key, heads * shape.head, wide, better=better and key == "attn_v")
            yield Vector(f"{block}{key}.bias", heads * shape.head, 0.0)
        yield blocks(f"{block}attn_output", wide, wide)
        yield blocks(f"{block}ffn_up", 2 * shape.feed_forward, wide)
        yield blocks(f"{block}ffn_down", wide, shape.feed_forward, better=better)


def more_bits(layer: int, layers: int) -> bool:
    """Tell whether Q4_K_M stores this layer's attn_v and ffn_down more precisely: an eighth at each end, and every third between."""
    return layer < layers // 8 or layer >= 7 * layers // 8 or (layer - layers // 8) % 3 == 2


def numbers(tensor: Blocks | Vector, rng: np.random.Generator) -> Iterator[NDArray[np.generic]]:
    """Yield the contents of the file, some rows at a time."""
    if isinstance(tensor, Vector):
        yield np.full(tensor.length, tensor.value, np.float32)
        return
    first, end = tensor.said or (0, tensor.rows)
    at_once = max(1, _AT_ONCE // tensor.row_bytes)
    for begin_row in range(0, tensor.rows, at_once):
        rows = min(at_once, tensor.rows - begin_row)
        made = _random_blocks(tensor.kind, rows * tensor.columns, tensor.spread, rng).reshape(rows, tensor.row_bytes)
        made[: max(0, first - begin_row)] = 0
        made[max(0, end - begin_row) :] = 0
        yield made


def token_bytes(shape: Shape, length: float) -> float:
    """Return the bytes that one token of one chat reads: all weights except the embeddings of other tokens, and the KV cache of `length`
    tokens at f16."""
    weights = sum(tensor.bytes for tensor in tensors(shape) if tensor.name != "token_embd.weight")
    return weights + length * token_cells(shape)


def token_cells(shape: Shape) -> int:
    """Return the bytes of one token in the KV cache at f16."""
    return shape.layers * 2 * shape.kv_heads * shape.head * 2


def _random_blocks(kind: Kind, weights: int, spread: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    length, size = gguf.GGML_QUANT_SIZES[kind]
    count = weights // length
    whole = rng.integers(0, 1 << 64, -(-count * size // 8), np.uint64)
    blocks = whole.view(np.uint8)[: count * size].reshape(count, size)
    scale = spread / _SPREAD[kind]
    if kind is Kind.Q4_K:
        # Each 32 weights are scale * q - minimum with q in 0 to 15: the minimum takes the same random six bits as the scale, times 7.5, so
        # that their mean is 0. Bytes 4 to 7 hold the first four scales (and two bits of the last four), 8 to 11 the minima, 12 to 15 the
        # rest of both. Little-endian, as GGUF is.
        head = blocks.view(np.uint64)
        scales = head[:, 0] >> 32
        head[:, 0] = scales << 32 | (_half(7.5 * scale) << 16 | _half(scale))
        head[:, 1] = scales | (head[:, 1] >> 32 & 0x0F0F0F0F) * 17 << 32
    else:
        blocks.view(np.uint16)[:, -1 if kind is Kind.Q6_K else 0] = _half(scale)
    return blocks


def _half(value: float) -> int:
    return int(np.float16(value).view(np.uint16))
