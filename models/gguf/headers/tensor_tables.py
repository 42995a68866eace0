"""List llama.cpp's tensors of each architecture: names, shapes in the header's numbers, and types.

Source: `load_arch_tensors` in src/models of the llama.cpp that llama-cpp-python 0.3.36 contains. llama.cpp itself decides whether a tensor
may be missing, and reports it. A name that is listed twice may have either shape.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from models.gguf.headers.header import TENSOR_TYPES

EXACT = frozenset({"F32"})
"""Types of tensors that are added to activations or multiplied element by element: llama.cpp aborts the process for any other type."""
NUMBERS = frozenset({"F32", "F16", "BF16"})
_INTERNAL = {"Q8_1", "Q8_K", "I8", "I16", "I32", "I64", "F64"}
MATRIX = frozenset(name for name, _, _ in TENSOR_TYPES.values()) - _INTERNAL
"""Types of matrices that llama.cpp can multiply by: neither whole numbers nor the types that it only uses during computation."""
_EXACT_ENDINGS = (".bias", "norm.weight", "norm_2.weight", "_base.weight", "_scale.weight", "_ape.weight", "ssm_a")
_EXACT_NAMES = ("token_types.weight", "rope_freqs.weight")

# E embedding, V vocabulary, T trained context, F feed-forward, H heads; Q, K, W: width of all queries, keys, values; D of one head
_TOP = """
token_embd.weight E V
output_norm.weight E
output.weight E V
"""
_QKV = """
attn_qkv.weight E QKV
attn_qkv.bias QKV
attn_q.weight E Q
attn_q.bias Q
attn_k.weight E K
attn_k.bias K
attn_v.weight E W
attn_v.bias W
"""
# QL, L: compressed length of queries, and of keys with values; R: rotated; N: not rotated; KM, VM: of one head, uncompressed
_LATENT = """
attn_q_a_norm.weight QL
attn_kv_a_norm.weight L
attn_q_a.weight E QL
attn_q_b.weight QL H*KM
attn_q.weight E H*KM
attn_kv_a_mqa.weight E L+R
attn_k_b.weight N L H
attn_v_b.weight L VM H
attn_kv_b.weight L H*N+H*VM
attn_output.weight H*VM E
"""
_GATED = """
ffn_gate.weight E F
ffn_up.weight E F
ffn_down.weight F E
"""
# X experts, FX: feed-forward of one expert, FS: of the experts that every token takes
_EXPERTS = """
ffn_gate_inp.weight E X
exp_probs_b.bias X
ffn_gate_exps.weight E FX X
ffn_up_exps.weight E FX X
ffn_gate_up_exps.weight E 2*FX X
ffn_down_exps.weight FX E X
ffn_gate_shexp.weight E FS
ffn_up_shexp.weight E FS
ffn_down_shexp.weight FS E
"""
_NEXT = """
nextn.eh_proj.weight 2*E E
nextn.enorm.weight E
nextn.hnorm.weight E
nextn.embed_tokens.weight E V
nextn.shared_head_head.weight E V
nextn.shared_head_norm.weight E
"""
# IH heads, IK: width of one head of the small attention that chooses what to attend to; IP: how many keys it pools
_INDEXER = """
indexer.k_norm.weight IK
indexer.k_norm.bias IK
indexer.proj.weight E IH
indexer.attn_k.weight E IK
indexer.attn_q_b.weight QL IH*IK
"""
# KH: of one head of Kimi delta attention; C: of its convolution; S: residual streams
_DELTA = """
indexer_compressor_gate.weight E IK
indexer_compressor_ape.weight IK IP
attn_q.weight E H*KH
attn_k.weight E H*KH
attn_v.weight E H*KH
attn_qkv.weight E 3*H*KH
attn_output.weight H*KH E
ssm_conv1d_q.weight C 1 H*KH
ssm_conv1d_k.weight C 1 H*KH
ssm_conv1d_v.weight C 1 H*KH
ssm_f_a.weight E KH
ssm_f_b.weight KH H*KH
ssm_g_a.weight E KH
ssm_g_b.weight KH H*KH
ssm_beta.weight E H
ssm_a H
ssm_dt.bias H*KH
ssm_norm.weight KH
hc_attn_fn.weight S*E 2*S+S*S
hc_attn_base.weight 2*S+S*S
hc_attn_scale.weight 3
hc_ffn_fn.weight S*E 2*S+S*S
hc_ffn_base.weight 2*S+S*S
hc_ffn_scale.weight 3
"""
# TT kinds of token, Z classes
_BERT_TOP = """
token_embd.weight E V
token_types.weight E TT
position_embd.weight E T
token_embd_norm.weight E
token_embd_norm.bias E
enc.output_norm.weight E
output_norm.weight E
output.weight E V
cls.weight E E
cls.weight E 1
cls.bias E
cls.bias 1
cls.norm.weight E
cls.output.weight E Z
cls.output.bias Z
dense_2.weight E D2
dense_3.weight D3 E
"""
_BERT_LAYER = """
attn_norm.weight E
attn_norm_2.weight E
attn_norm_2.bias E
attn_output.weight Q E
attn_output.bias E
attn_output_norm.weight E
attn_output_norm.bias E
attn_q_norm.weight E
attn_q_norm.weight D
attn_q_norm.bias E
attn_k_norm.weight E
attn_k_norm.weight D
attn_k_norm.bias E
post_attention_norm.weight E
post_ffw_norm.weight E
ffn_norm.weight E
ffn_gate.weight E F
ffn_up.weight E F
ffn_up.weight E 2*F
ffn_up.bias F
ffn_up.bias 2*F
ffn_down.weight F E
ffn_down.bias E
ffn_gate_inp.weight E X
ffn_up_exps.weight E F X
ffn_down_exps.weight F E X
layer_output_norm.weight E
layer_output_norm.bias E
"""
_GLM4_LAYER = """
attn_norm.weight E
attn_output.weight Q E
post_attention_norm.weight E
ffn_norm.weight E
post_ffw_norm.weight E
ffn_up.weight E 2*F
ffn_down.weight F E
"""
_GLM4MOE_LAYER = """
attn_norm.weight E
attn_output.weight Q E
attn_q_norm.weight D
attn_k_norm.weight D
post_attention_norm.weight E
"""
_PLAIN_NORMS = """
attn_norm.weight E
ffn_norm.weight E
"""
_ENCODER = (_BERT_TOP, _QKV + _BERT_LAYER)
_TABLES = {
    "chatglm": (_TOP, _QKV + _GLM4_LAYER),
    "glm4": (_TOP, _QKV + _GLM4_LAYER + _NEXT),
    "glm4moe": (_TOP, _QKV + _GLM4MOE_LAYER + _GATED + _EXPERTS + _NEXT),
    "deepseek2": (_TOP, _PLAIN_NORMS + _LATENT + _GATED + _EXPERTS + _NEXT),
    "glm-dsa": (_TOP, _PLAIN_NORMS + _LATENT + _INDEXER + _GATED + _EXPERTS + _NEXT),
    "glm5-next": (_TOP, _PLAIN_NORMS + _LATENT + _INDEXER + _DELTA + _GATED + _EXPERTS + _NEXT),
} | dict.fromkeys(
    ("bert", "modern-bert", "nomic-bert", "nomic-bert-moe", "neo-bert", "jina-bert-v2", "jina-bert-v3", "eurobert", "gemma-embedding"),
    _ENCODER,
)
Shapes = dict[str, list[tuple[str, ...]]]


class Table(NamedTuple):
    """The shapes, by name, of the tensors that a model has once (`top`) and of those of each layer. ({}, {}) for an unknown architecture.
    """

    top: Shapes
    layer: Shapes


def known(architecture: str) -> bool:
    """Tell whether there is a table for the architecture."""
    return architecture in _TABLES


@cache
def table_of(architecture: str) -> Table:
    top, layer = _TABLES.get(architecture, ("", ""))
    return Table(_read(top), _read(layer))


def types_for(name: str, dimensions: int) -> frozenset[str]:
    """Return the types that a tensor may have. name: without its layer."""
    if dimensions == 1 or name.endswith(_EXACT_ENDINGS) or name in _EXACT_NAMES:
        return EXACT
    return NUMBERS if "ssm_conv1d" in name else MATRIX


def _read(table: str) -> Shapes:
    shapes: Shapes = {}
    for line in table.split("\n"):
        name, *shape = line.split() or [""]
        if name:
            shapes.setdefault(name, []).append(tuple(shape))
    return shapes
