"""Make synthetic GLMs: GGUF files of the real architectures' shapes, with a vocabulary of bytes and random weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import gguf
import numpy as np
from numpy.typing import NDArray

CONTROL = ("<|endoftext|>", "[gMASK]", "<sop>", "<|system|>", "<|user|>", "<|assistant|>", "<|observation|>")
IMAGE_MARKS = ("<|begin_of_image|>", "<|end_of_image|>")
"""In the vocabulary of a model with sections."""
SHOWN = ("<think>", "</think>", "/nothink")
TEMPLATE = (
    "[gMASK]<sop>{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}{% endfor %}<|assistant|>"
    "{{ '</think>' if enable_thinking is defined and not enable_thinking else '<think>' }}"
)
EMBEDDING, HEADS, KV_HEADS, FEED_FORWARD, LAYERS, EXPERTS = 64, 4, 2, 128, 2, 4
HEAD = EMBEDDING // HEADS
LATENT, ROPE, NOPE, VALUE, QUERY_LATENT = 32, 16, 32, 16, 32
INDEX_HEADS, INDEX, ATTENDED = 2, 64, 64
"""Layers that attend to some tokens only (glm-dsa, glm5-next): what they choose those by, and how many they choose."""
POOL, STREAMS, CONVOLUTION = 4, 4, 4
"""glm5-next chooses tokens by fours, has four residual streams and convolutions over four tokens."""
SHAPES = ("glm4", "chatglm", "glm4moe", "deepseek2", "glm-dsa", "glm5-next")
LATENT_SHAPES = ("deepseek2", "glm-dsa", "glm5-next")

Array = NDArray[np.float32]
_QUANTIZED = {"Q8_0": gguf.GGMLQuantizationType.Q8_0, "Q4_0": gguf.GGMLQuantizationType.Q4_0, "F16": gguf.GGMLQuantizationType.F16}
_FILE_TYPES = {"Q8_0": gguf.LlamaFileType.MOSTLY_Q8_0, "Q4_0": gguf.LlamaFileType.MOSTLY_Q4_0, "F16": gguf.LlamaFileType.MOSTLY_F16}


def make_gguf(
    path: Path,
    architecture: str = "glm4",
    *,
    quantization: str = "F16",
    context: int = 1024,
    template: str | None = TEMPLATE,
    name: str = "synthetic",
    seed: int = 0,
    layers: int = LAYERS,
    sharpness: float = 5.0,
    next_layer: bool = False,
    forgetful: bool = False,
    sections: tuple[int, int, int, int] | None = None,
    punctuation: bool = False,
) -> Path:
    """Write a model that loads and answers nonsense: always the same for the same arguments, never an end token.

    layers: many of them make a slow model, for tests that act while an answer runs. sharpness: how sure the model is of its next
    token; a sure one soon repeats itself, one near 0 never does. next_layer: one more, which guesses the token after the next.
    forgetful: the next token depends on the last one only, and the next-token layer knows it.
    punctuation: it may say digits and punctuation too, as answers that follow a grammar need it.
    sections: positions have three parts (M-RoPE), as in GLM-V; so much of a head belongs to each.
    """
    tokens = [*byte_alphabet(), *CONTROL, *SHOWN, *(IMAGE_MARKS if sections is not None else ())]
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_name(name)
    writer.add_file_type(_FILE_TYPES[quantization])
    _add_shape(writer, architecture, context, len(tokens), layers + next_layer)
    if sections is not None:
        writer.add_rope_dimension_sections(list(sections))
    if next_layer:
        writer.add_nextn_predict_layers(1)
    _add_vocabulary(writer, architecture, tokens)
    if template is not None:
        writer.add_chat_template(template)
    for tensor, values in _tensors(architecture, len(tokens), layers, sharpness, np.random.default_rng(seed), next_layer, punctuation):
        if forgetful and tensor.startswith("blk."):
            values = _forgetful(tensor, values)
        if values.ndim > 1 and not tensor.endswith(_EXACT):
            kind = _QUANTIZED[quantization]
            writer.add_tensor(tensor, gguf.quants.quantize(values, kind), raw_dtype=None if quantization == "F16" else kind)
        else:
            writer.add_tensor(tensor, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def make_adapter(
    path: Path, architecture: str = "glm4", *, seed: int = 1, rank: int = 4, strength: float = 1.0, layers: int = LAYERS, **metadata: str
) -> Path:
    """Write a LoRA adapter for a model of `make_gguf`. strength: how much it changes. metadata: of `general.type` and the like, to be
    wrong in."""
    writer = gguf.GGUFWriter(path, architecture)
    for key, value in ({"general.type": "adapter", "adapter.type": "lora"} | metadata).items():
        writer.add_string(key, value)
    writer.add_float32("adapter.lora.alpha", float(rank))
    rng = np.random.default_rng(seed)
    for layer in range(layers):
        for key in ("attn_output", "ffn_down"):
            length = FEED_FORWARD if key == "ffn_down" else HEADS * (VALUE if architecture == "deepseek2" else HEAD)
            name = f"blk.{layer}.{key}.weight"
            writer.add_tensor(name + ".lora_a", np.asarray(rng.standard_normal((rank, length)) / np.sqrt(length), np.float32))
            writer.add_tensor(name + ".lora_b", np.asarray(rng.standard_normal((EMBEDDING, rank)) * strength, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def byte_alphabet() -> list[str]:
    """GPT-2's spelling of the 256 bytes: printable ones as themselves, the others from U+0100 on."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    spelled = {byte: chr(byte) for byte in printable} | {byte: chr(256 + index) for index, byte in enumerate(others)}
    return [spelled[byte] for byte in range(256)]


def _add_vocabulary(writer: gguf.GGUFWriter, architecture: str, tokens: list[str]) -> None:
    kinds = [gguf.TokenType.NORMAL] * 256 + [gguf.TokenType.CONTROL] * len(CONTROL) + [gguf.TokenType.USER_DEFINED] * len(SHOWN)
    kinds += [gguf.TokenType.CONTROL] * (len(tokens) - len(kinds))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("chatglm-bpe" if architecture == "chatglm" else "glm4")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(["h e", "l l"])
    writer.add_eos_token_id(tokens.index("<|endoftext|>"))
    writer.add_add_bos_token(False)


def _add_shape(writer: gguf.GGUFWriter, architecture: str, context: int, vocabulary: int, layers: int) -> None:
    writer.add_context_length(context)
    writer.add_embedding_length(EMBEDDING)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    if architecture == "glm5-next":
        writer.add_head_count_kv([int(not _recurrent(architecture, layer)) for layer in range(layers)])
    else:
        writer.add_head_count_kv(1 if architecture in LATENT_SHAPES else KV_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10_000.0)
    writer.add_rope_dimension_count({"deepseek2": ROPE, "glm-dsa": ROPE, "glm5-next": 0}.get(architecture, HEAD // 2))
    writer.add_vocab_size(vocabulary)
    if architecture in ("glm4moe", *LATENT_SHAPES):
        writer.add_expert_count(EXPERTS)
        writer.add_expert_used_count(2)
        writer.add_expert_shared_count(1)
        writer.add_expert_feed_forward_length(FEED_FORWARD)
        writer.add_leading_dense_block_count(1)
        writer.add_expert_weights_scale(1.0)
        writer.add_expert_gating_func(gguf.ExpertGatingFuncType.SIGMOID)
    if architecture in LATENT_SHAPES:
        rope = 0 if architecture == "glm5-next" else ROPE
        writer.add_q_lora_rank(QUERY_LATENT)
        writer.add_kv_lora_rank(LATENT)
        writer.add_key_length(LATENT + rope)
        writer.add_value_length(LATENT)
        writer.add_key_length_mla(NOPE + rope)
        writer.add_value_length_mla(VALUE)
    if architecture in ("glm-dsa", "glm5-next"):
        writer.add_uint32(f"{architecture}.attention.indexer.head_count", INDEX_HEADS)
        writer.add_uint32(f"{architecture}.attention.indexer.key_length", INDEX)
        writer.add_uint32(f"{architecture}.attention.indexer.top_k", ATTENDED)
    if architecture == "glm5-next":
        writer.add_uint32(f"{architecture}.attention.indexer.kpool", POOL)
        writer.add_bool(f"{architecture}.attention.indexer.kpool_select_tail", True)
        writer.add_uint32(f"{architecture}.hyper_connection.count", STREAMS)
        writer.add_uint32(f"{architecture}.hyper_connection.sinkhorn_iterations", 4)
        writer.add_float32(f"{architecture}.hyper_connection.epsilon", 1e-6)
        writer.add_uint32(f"{architecture}.kda.head_dim", HEAD)
        writer.add_uint32(f"{architecture}.ssm.conv_kernel", CONVOLUTION)


def _recurrent(architecture: str, layer: int) -> bool:
    """Every second layer of glm5-next, but for the first of all and the next-token layer, which attend."""
    return architecture == "glm5-next" and layer == 1


def _tensors(
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
        attention = _delta_attention if _recurrent(architecture, layer) else _ATTENTION.get(architecture, _attention)
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


def _forgetful(tensor: str, values: Array) -> Array:
    """What a layer adds is nothing, and what the next-token layer starts from is the token alone."""
    if tensor.endswith("eh_proj.weight"):
        return np.eye(*values.shape, dtype=np.float32)
    return np.zeros_like(values) if "attn_output" in tensor or "ffn_down" in tensor else values


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
    """How a layer reads the residual streams, and what it leaves in each."""
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


_EXACT = tuple(f"{name}.weight" for name in ("gate_inp", "ape", "f_a", "f_b", "g_a", "g_b", "conv1d_q", "conv1d_k", "conv1d_v"))
"""Never quantized, as in real files."""
_ATTENTION = {"deepseek2": _latent_attention, "glm-dsa": _choosing_attention, "glm5-next": _pooled_attention}
_NORMS = {
    "glm4": ("post_attention_norm", "ffn_norm", "post_ffw_norm"),
    "chatglm": ("ffn_norm",),
    "glm4moe": ("post_attention_norm",),
    "deepseek2": ("ffn_norm",),
    "glm-dsa": ("ffn_norm",),
    "glm5-next": ("ffn_norm",),
}
