"""Make synthetic GLMs: GGUF files of the real architectures' shapes, with a vocabulary of bytes and random weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import gguf
import numpy as np

from samples.gguf_tensors import (
    ATTENDED,
    CONVOLUTION,
    EMBEDDING,
    EXPERTS,
    FEED_FORWARD,
    HEAD,
    HEADS,
    INDEX,
    INDEX_HEADS,
    KV_HEADS,
    LATENT,
    LAYERS,
    NOPE,
    POOL,
    QUERY_LATENT,
    ROPE,
    STREAMS,
    VALUE,
    is_recurrent,
    scripted,
    tensors_of,
    without_effect,
)

CONTROL = ("<|endoftext|>", "[gMASK]", "<sop>", "<|system|>", "<|user|>", "<|assistant|>", "<|observation|>")
IMAGE_MARKS = ("<|begin_of_image|>", "<|end_of_image|>")
"""Tokens in the vocabulary of a model with sections."""
SHOWN = ("<think>", "</think>", "/nothink")
TEMPLATE = (
    "[gMASK]<sop>{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}{% endfor %}<|assistant|>"
    "{{ '</think>' if enable_thinking is defined and not enable_thinking else '<think>' }}"
)
WITHOUT_THINKING = "[gMASK]<sop>{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}{% endfor %}<|assistant|>\n"
"""A chat template of a model that does not think."""
SHAPES = ("glm4", "chatglm", "glm4moe", "deepseek2", "glm-dsa", "glm5-next")
LATENT_SHAPES = ("deepseek2", "glm-dsa", "glm5-next")

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
    script: Mapping[str, str] | None = None,
) -> Path:
    """Write a model that loads and answers nonsense: always the same for the same arguments, never an end token.

    layers: many of them make a slow model, for tests that act while an answer runs. sharpness: how sure the model is of its next
    token; a sure one soon repeats itself, one near 0 never does. next_layer: an MTP layer, which drafts the token after the next.
    forgetful: the next token depends on the last one only, and the next-token layer knows it.
    punctuation: it may say digits and punctuation too, as answers that follow a grammar need it.
    script: what surely follows which text, each of which becomes a token; with `forgetful`.
    sections: positions have three parts (M-RoPE), as in GLM-V; so much of a head belongs to each.
    """
    known = [*byte_alphabet(), *CONTROL, *SHOWN, *(IMAGE_MARKS if sections is not None else ())]
    follows = {_spelled(before, known): _spelled(after, known) for before, after in (script or {}).items()}
    tokens = [*known, *dict.fromkeys(text for pair in follows.items() for text in pair if text not in known)]
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_name(name)
    writer.add_file_type(_FILE_TYPES[quantization])
    _add_shape(writer, architecture, context, len(tokens), layers + next_layer)
    if sections is not None:
        writer.add_rope_dimension_sections(list(sections))
    if next_layer:
        writer.add_nextn_predict_layers(1)
    _add_vocabulary(writer, architecture, tokens, len(tokens) - len(known))
    if template is not None:
        writer.add_chat_template(template)
    for tensor, values in tensors_of(architecture, len(tokens), layers, sharpness, np.random.default_rng(seed), next_layer, punctuation):
        if forgetful and tensor.startswith("blk."):
            values = without_effect(tensor, values)
        if follows and tensor in ("token_embd.weight", "output.weight"):
            values = scripted(tensor, values, [(tokens.index(before), tokens.index(after)) for before, after in follows.items()])
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


def _spelled(text: str, known: Sequence[str]) -> str:
    """Return a text as the vocabulary spells it; marks stay as they are."""
    return text if text in known else "".join(byte_alphabet()[byte] for byte in text.encode())


def _add_vocabulary(writer: gguf.GGUFWriter, architecture: str, tokens: list[str], texts: int) -> None:
    """texts: how many tokens at the end are ordinary text."""
    kinds = [gguf.TokenType.NORMAL] * 256 + [gguf.TokenType.CONTROL] * len(CONTROL) + [gguf.TokenType.USER_DEFINED] * len(SHOWN)
    kinds += [gguf.TokenType.CONTROL] * (len(tokens) - len(kinds) - texts) + [gguf.TokenType.NORMAL] * texts
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
        writer.add_head_count_kv([int(not is_recurrent(architecture, layer)) for layer in range(layers)])
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


_EXACT = tuple(f"{name}.weight" for name in ("gate_inp", "ape", "f_a", "f_b", "g_a", "g_b", "conv1d_q", "conv1d_k", "conv1d_v"))
"""Tensors that are never quantized, as in real files."""
