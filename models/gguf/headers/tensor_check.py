"""Check that a model's file fits its architecture, number by number and tensor by tensor, before llama.cpp sees it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from core.errors import InvalidInput
from models.gguf.headers.header import Header, Tensor
from models.gguf.headers.header_numbers import Numbers, check_numbers
from models.gguf.headers.tensor_tables import table_of, types_for

_LAYER = re.compile(r"blk\.(\d{1,4})\.(.+)")


def check_model(headers: Sequence[Header], architecture: str) -> None:
    """Raise InvalidInput with the number or tensor that does not fit. headers: of all parts, in order."""
    check_numbers(headers[0], architecture)
    numbers = Numbers(headers[0], architecture)
    table = table_of(architecture)
    layers = numbers.whole("block_count")
    file = headers[0].path.name
    lengths = [_lengths(headers[0], numbers, layer) for layer in range(layers)]
    for tensor in (tensor for header in headers for tensor in header.tensors):
        match = _LAYER.fullmatch(tensor.name)
        layer, name = (int(match[1]), match[2]) if match else (0, tensor.name)
        if layer >= layers:
            raise _unfit(file, tensor, f"the model has {layers} layers")
        wanted = types_for(name, len(tensor.shape))
        if tensor.type not in wanted:
            raise _unfit(file, tensor, f"llama.cpp computes with it as {_listed(wanted)}, not {tensor.type}")
        shapes = [_shape(one, lengths[layer]) for one in (table.layer if match else table.top).get(name, ())]
        if shapes and _trimmed(tensor.shape) not in shapes:
            raise _unfit(file, tensor, f"its shape is {_times(tensor.shape)} instead of {' or '.join(map(_times, shapes))}")


def _unfit(file: str, tensor: Tensor, reason: str) -> InvalidInput:
    return InvalidInput(
        "{file} cannot be used: its tensor {tensor} does not fit the architecture ({reason}). Download it again, or convert the model "
        "again.",
        file=file, tensor=tensor.name, reason=reason,
    )  # fmt: skip


def _lengths(header: Header, numbers: Numbers, layer: int) -> dict[str, int]:
    """Return the value of each letter of the tables in this layer."""
    embedding, heads = numbers.whole("embedding_length"), numbers.whole("attention.head_count", layer=layer)
    kv_heads = numbers.whole("attention.head_count_kv", heads, layer)
    width = embedding // max(1, heads)
    key, value = numbers.whole("attention.key_length", width), numbers.whole("attention.value_length", width)
    latent_key = numbers.whole("attention.key_length_mla") or key
    rotated = numbers.whole("rope.dimension_count", key)
    feed_forward = numbers.whole("feed_forward_length", layer=layer)
    used = max(1, numbers.whole("expert_used_count", layer=layer))
    expert = numbers.whole("expert_feed_forward_length", layer=layer) or feed_forward // used
    labels = numbers.length("classifier.output_labels")
    return {
        "E": embedding,
        "V": header.array_lengths.get("tokenizer.ggml.tokens") or numbers.whole("vocab_size"),
        "T": numbers.whole("context_length"),
        "F": feed_forward,
        "H": heads,
        "D": key,
        "Q": key * heads,
        "K": key * kv_heads,
        "W": value * kv_heads,
        "QKV": key * heads + (key + value) * kv_heads,
        "QL": numbers.whole("attention.q_lora_rank"),
        "L": numbers.whole("attention.kv_lora_rank"),
        "R": rotated,
        "N": latent_key - rotated,
        "KM": latent_key,
        "VM": numbers.whole("attention.value_length_mla") or value,
        "X": numbers.whole("expert_count"),
        "FX": expert,
        "FS": expert * numbers.whole("expert_shared_count"),
        "IH": numbers.whole("attention.indexer.head_count"),
        "IK": numbers.whole("attention.indexer.key_length"),
        "IP": numbers.whole("attention.indexer.kpool"),
        "KH": numbers.whole("kda.head_dim"),
        "C": numbers.whole("ssm.conv_kernel"),
        "S": numbers.whole("hyper_connection.count"),
        "TT": _whole(header, "tokenizer.ggml.token_type_count"),
        "Z": 1 if labels is None else labels,
        "D2": numbers.whole("dense_2_feat_out"),
        "D3": numbers.whole("dense_3_feat_in"),
    }


def _whole(header: Header, key: str) -> int:
    value = header.metadata.get(key)
    return value if isinstance(value, int) else 0


def _shape(lengths: Sequence[str], known: Mapping[str, int]) -> tuple[int, ...]:
    return _trimmed(tuple(_sum(length, known) for length in lengths))


def _sum(length: str, known: Mapping[str, int]) -> int:
    """Return a sum of products of letters and numbers, such as 2*S+S*S."""
    total = 0
    for product in length.split("+"):
        value = 1
        for factor in product.split("*"):
            value *= int(factor) if factor.isdigit() else known[factor]
        total += value
    return total


def _trimmed(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape without trailing ones, which carry no information."""
    while len(shape) > 1 and shape[-1] == 1:
        shape = shape[:-1]
    return shape


def _times(shape: Sequence[int]) -> str:
    return " x ".join(f"{length:,}" for length in shape)


def _listed(types: frozenset[str]) -> str:
    return " or ".join(sorted(types)) if len(types) < 4 else "a floating-point or quantized type"
