"""Make the tensors of synthetic GLMs, with random weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

EMBEDDING, HEADS, KV_HEADS, FEED_FORWARD, LAYERS, EXPERTS = 64, 4, 2, 128, 2, 4
HEAD = EMBEDDING // HEADS
LATENT, ROPE, NOPE, VALUE, QUERY_LATENT = 32, 16, 32, 16, 32
INDEX_HEADS, INDEX, ATTENDED = 2, 64, 64
"""Layers that attend to some tokens only (glm-dsa, glm5-next): what they choose those by, and how many they choose."""
POOL, STREAMS, CONVOLUTION = 4, 4, 4
"""glm5-next chooses tokens by fours, has four residual streams and convolutions over four tokens."""
Array = NDArray[np.float32]


def is_recurrent(architecture: str, layer: int) -> bool:
    """Tell whether a layer of glm5-next is recurrent: every second one, but not the first, and not the MTP layer."""
    return architecture == "glm5-next" and layer == 1


def tensors_of(
    architecture: str, vocabulary: int, layers: int, sharpness: float, rng: np.random.Generator, next_layer: bool, punctuation: bool
) -> list[tuple[str, Array]]:
    def random(*shape: int) -> Array:
        return np.asarray(rng.standard_normal(shape, dtype=np.float32) / np.sqrt(shape[-1]), np.float32)

    def ones(length: int = EMBEDDING) -> Array:
        return np.ones(length, np.float32)

    output = random(vocabulary, EMBEDDING) * sharpness
    # Only bytes that are ASCII letters may be said: answers are readable, and no control token ends them.
    said = [token for token in range(128) if chr(token).isalpha() or (punctuation and chr(token).isprintable())]
    output[[token for token in range(vocabulary) if token not in said]] = 0
    made = [("token_embd.weight", random(vocabulary, EMBEDDING) * 8), ("output_norm.weight", ones()), ("output.weight", output)]
    for layer in range(layers + next_layer):
        attention = _delta_attention if is_recurrent(architecture, layer) else _ATTENTION.get(architecture, _attention)
        named = {"attn_norm.weight": ones(), **attention(random, ones)}
        if architecture == "glm5-next" and layer < layers:
            named |= _streams(random)
        dense = architecture in ("glm4", "chatglm") or layer == 0
        named |= _feed_forward(architecture, random) if dense else _experts(random)
        named |= {key + ".weight": ones() for key in _NORMS[architecture]}
        if layer == layers:
            named |= {"nextn.eh_proj.weight": random(EMBEDDING, 2 * EMBEDDING), "nextn.enorm.weight": ones(), "nextn.hnorm.weight": ones()}
        made += [(f"blk.{layer}.{key}", values) for key, values in named.items()]
    return made


def without_effect(tensor: str, values: Array) -> Array:
    """Make layers add nothing, and the MTP layer start from the token alone."""
    if tensor.endswith("eh_proj.weight"):
        return np.eye(*values.shape, dtype=np.float32)
    return np.zeros_like(values) if "attn_output" in tensor or "ffn_down" in tensor else values


def scripted(tensor: str, values: Array, follows: Sequence[tuple[int, int]]) -> Array:
    """Give each token of a script a direction of its own, which points at the token that follows it."""
    values = values.copy()
    if tensor == "output.weight":
        values[:] = 0
    for column, (before, after) in enumerate(follows):
        if tensor == "output.weight":
            values[after, column] = 10
        else:
            values[before] = 0
            values[before, column] = 8
    return values


def _attention(random: Callable[..., Array], ones: Callable[..., Array]) -> dict[str, Array]:
    named = {"attn_output.weight": random(EMBEDDING, EMBEDDING)}
    for key, heads in (("attn_q", HEADS), ("attn_k", KV_HEADS), ("attn_v", KV_HEADS)):
        named[key + ".weight"] = random(heads * HEAD, EMBEDDING)
        named[key + ".bias"] = np.zeros(heads * HEAD, np.float32)
    return named


def _latent_attention(random: Callable[..., Array], ones: Callable[..., Array], rope: int = ROPE) -> dict[str, Array]:
    return {
        "attn_q_a.weight": random(QUERY_LATENT, EMBEDDING),
        "attn_q_a_norm.weight": ones(QUERY_LATENT),
        "attn_q_b.weight": random(HEADS * (NOPE + rope), QUERY_LATENT),
        "attn_kv_a_mqa.weight": random(LATENT + rope, EMBEDDING),
        "attn_kv_a_norm.weight": ones(LATENT),
        "attn_k_b.weight": random(HEADS, LATENT, NOPE),
        "attn_v_b.weight": random(HEADS, VALUE, LATENT),
        "attn_output.weight": random(EMBEDDING, HEADS * VALUE),
    }


def _choosing_attention(random: Callable[..., Array], ones: Callable[..., Array], rope: int = ROPE) -> dict[str, Array]:
    """Attends to the tokens that a small attention of its own finds worth it."""
    return _latent_attention(random, ones, rope) | {
        "indexer.k_norm.weight": ones(INDEX),
        "indexer.k_norm.bias": np.zeros(INDEX, np.float32),
        "indexer.proj.weight": random(INDEX_HEADS, EMBEDDING),
        "indexer.attn_k.weight": random(INDEX, EMBEDDING),
        "indexer.attn_q_b.weight": random(INDEX_HEADS * INDEX, QUERY_LATENT),
    }


def _pooled_attention(random: Callable[..., Array], ones: Callable[..., Array]) -> dict[str, Array]:
    return _choosing_attention(random, ones, rope=0) | {
        "indexer_compressor_gate.weight": random(INDEX, EMBEDDING),
        "indexer_compressor_ape.weight": random(POOL, INDEX),
    }


def _delta_attention(random: Callable[..., Array], ones: Callable[..., Array]) -> dict[str, Array]:
    """Kimi delta attention: a state of fixed size instead of entries for each token."""
    wide = HEADS * HEAD
    named = {f"ssm_conv1d_{key}.weight": random(wide, 1, CONVOLUTION) for key in "qkv"}
    named |= {f"attn_{key}.weight": random(wide, EMBEDDING) for key in "qkv"}
    for key in "fg":
        named |= {f"ssm_{key}_a.weight": random(HEAD, EMBEDDING), f"ssm_{key}_b.weight": random(wide, HEAD)}
    return named | {
        "ssm_beta.weight": random(HEADS, EMBEDDING),
        "ssm_a": -ones(HEADS),
        "ssm_dt.bias": np.zeros(wide, np.float32),
        "ssm_norm.weight": ones(HEAD),
        "attn_output.weight": random(EMBEDDING, wide),
    }


def _streams(random: Callable[..., Array]) -> dict[str, Array]:
    """Return how a layer reads the residual streams, and what it leaves in each."""
    mixed = (2 + STREAMS) * STREAMS
    named = {}
    for key in ("attn", "ffn"):
        named[f"hc_{key}_fn.weight"] = random(mixed, STREAMS * EMBEDDING)
        named[f"hc_{key}_base.weight"] = np.zeros(mixed, np.float32)
        named[f"hc_{key}_scale.weight"] = np.ones(3, np.float32)
    return named


def _feed_forward(architecture: str, random: Callable[..., Array]) -> dict[str, Array]:
    down = {"ffn_down.weight": random(EMBEDDING, FEED_FORWARD)}
    if architecture in ("glm4", "chatglm"):
        return down | {"ffn_up.weight": random(2 * FEED_FORWARD, EMBEDDING)}
    return down | {"ffn_up.weight": random(FEED_FORWARD, EMBEDDING), "ffn_gate.weight": random(FEED_FORWARD, EMBEDDING)}


def _experts(random: Callable[..., Array]) -> dict[str, Array]:
    named = {"ffn_gate_inp.weight": random(EXPERTS, EMBEDDING), "exp_probs_b.bias": np.zeros(EXPERTS, np.float32)}
    for key in ("gate", "up"):
        named[f"ffn_{key}_exps.weight"] = random(EXPERTS, FEED_FORWARD, EMBEDDING)
        named[f"ffn_{key}_shexp.weight"] = random(FEED_FORWARD, EMBEDDING)
    named["ffn_down_exps.weight"] = random(EXPERTS, EMBEDDING, FEED_FORWARD)
    named["ffn_down_shexp.weight"] = random(EMBEDDING, FEED_FORWARD)
    return named


_ATTENTION = {"deepseek2": _latent_attention, "glm-dsa": _choosing_attention, "glm5-next": _pooled_attention}
_NORMS = {
    "glm4": ("post_attention_norm", "ffn_norm", "post_ffw_norm"),
    "chatglm": ("ffn_norm",),
    "glm4moe": ("post_attention_norm",),
    "deepseek2": ("ffn_norm",),
    "glm-dsa": ("ffn_norm",),
    "glm5-next": ("ffn_norm",),
}
