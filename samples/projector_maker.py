"""Make a synthetic GLM-V: a projector of glm4v's shape for a model of samples.gguf_maker, with random weights."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
from numpy.typing import NDArray

from samples.gguf_tensors import EMBEDDING

WIDTH, HEADS, FEED_FORWARD, PATCH, IMAGE = 32, 2, 64, 14, 56
"""Sizes of the vision tower. Patches of 14 x 14 pixels become tokens by fours, as in GLM-V."""
Array = NDArray[np.float32]


def make_projector(path: Path, *, seed: int = 0, layers: int = 2, embedding: int = EMBEDDING) -> Path:
    """Write a projector. embedding: the width of the text model that it is for."""
    writer = gguf.GGUFWriter(path, "clip")
    writer.add_type("mmproj")
    writer.add_name("synthetic projector")
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_bool("clip.has_vision_encoder", True)
    writer.add_string("clip.projector_type", "glm4v")
    writer.add_bool("clip.use_silu", True)
    for key, value in (
        ("embedding_length", WIDTH), ("feed_forward_length", FEED_FORWARD), ("block_count", layers), ("projection_dim", embedding),
        ("attention.head_count", HEADS), ("image_size", IMAGE), ("patch_size", PATCH), ("spatial_merge_size", 2),
    ):  # fmt: skip
        writer.add_uint32(f"clip.vision.{key}", value)
    writer.add_float32("clip.vision.attention.layer_norm_epsilon", 1e-5)
    writer.add_array("clip.vision.image_mean", [0.5, 0.5, 0.5])
    writer.add_array("clip.vision.image_std", [0.25, 0.25, 0.25])
    for name, values in _tensors(np.random.default_rng(seed), layers, embedding).items():
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _tensors(rng: np.random.Generator, layers: int, embedding: int) -> dict[str, Array]:
    def random(*shape: int) -> Array:
        return np.asarray(rng.standard_normal(shape) / np.sqrt(shape[-1]), np.float32)

    side = IMAGE // PATCH
    made = {
        "v.patch_embd.weight": random(WIDTH, 3, PATCH, PATCH),
        "v.patch_embd.weight.1": random(WIDTH, 3, PATCH, PATCH),
        "v.patch_embd.bias": np.zeros(WIDTH, np.float32),
        "v.norm_embd.weight": np.ones(WIDTH, np.float32),
        "v.position_embd.weight": random(side * side, WIDTH),
        "v.post_ln.weight": np.ones(WIDTH, np.float32),
        "mm.model.fc.weight": random(embedding, embedding),
        "mm.up.weight": random(FEED_FORWARD, embedding),
        "mm.gate.weight": random(FEED_FORWARD, embedding),
        "mm.down.weight": random(embedding, FEED_FORWARD) * 8,
        "mm.post_norm.weight": np.ones(embedding, np.float32),
        "mm.post_norm.bias": np.zeros(embedding, np.float32),
        "mm.patch_merger.weight": random(embedding, WIDTH, 2, 2),
        "mm.patch_merger.bias": np.zeros(embedding, np.float32),
    }
    for layer in range(layers):
        prefix = f"v.blk.{layer}."
        made |= {prefix + f"{name}.weight": random(WIDTH, WIDTH) for name in ("attn_q", "attn_k", "attn_v", "attn_out")}
        made |= {prefix + f"{name}.weight": random(FEED_FORWARD, WIDTH) for name in ("ffn_up", "ffn_gate")}
        made |= {prefix + "ffn_down.weight": random(WIDTH, FEED_FORWARD)}
        made |= {prefix + f"{name}.weight": np.ones(WIDTH, np.float32) for name in ("ln1", "ln2")}
    return made
