"""Define how to load a model, and translate that for llama.cpp."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.models.load_settings import FlashAttention, KvType, SplitMode
from models.engine.llama.native import lib

KV_TYPES = {KvType.F16: 1, KvType.Q8_0: 8, KvType.Q4_0: 2}
_FLASH_ATTENTION = {"auto": -1, "off": 0, "on": 1}


@dataclass(frozen=True, slots=True)
class BackendOptions:
    """How to load. context: tokens that one slot holds. extra_buffers: let llama.cpp repack weights for the CPU."""

    context: int
    slots: int
    gpu_layers: int = 0
    kv_type: KvType = KvType.F16
    threads: int = 1
    extra_buffers: bool = True
    batch_tokens: int = 512
    offload_bytes: int = 0
    """Host memory for conversations that leave their slots."""
    pooling: str = ""
    """The pooling of a model for embeddings: mean, cls, last or rank."""
    mtp: bool = False
    """Load the MTP layer, which the file must have: see ModelFacts.next_layer_bytes."""
    shared_cells: int = 0
    """Tokens that all slots hold together in one KV cache; 0: each slot has its own."""
    flash_attention: FlashAttention = FlashAttention.AUTO
    split_mode: SplitMode = SplitMode.LAYER
    main_gpu: int = 0
    gpu_shares: Sequence[float] = ()
    adapters: Sequence[tuple[int, str, float]] = ()
    """LoRA adapters: (key, path, scale)."""
    gpu_sampling: bool = False
    """Let the device with the model find each row's likeliest tokens: see GpuCandidates."""
    projector: str = ""
    """The path of the projector that goes with the model, so that it sees images; empty: none."""


def context_params(options: BackendOptions, *, batch_tokens: int, outputs: int) -> Any:
    """Return llama_context_params. outputs: most rows of logits in one decode."""
    params = lib.llama_context_default_params()
    params.n_ctx = options.shared_cells or options.context * options.slots
    params.n_batch = batch_tokens
    params.n_ubatch = min(512, batch_tokens)
    params.n_seq_max = options.slots
    params.n_outputs_max = outputs
    params.n_outputs_max_per_seq = outputs - options.slots + 1
    params.n_threads = params.n_threads_batch = options.threads
    params.type_k = params.type_v = KV_TYPES[options.kv_type]
    # With auto, llama.cpp decides by the device; a quantized V needs it.
    params.flash_attn_type = _FLASH_ATTENTION[options.flash_attention if options.kv_type == KvType.F16 else FlashAttention.ON]
    params.offload_kqv = options.gpu_layers != 0
    # With one stream a slot, an idle conversation costs the others nothing.
    params.kv_unified = bool(options.shared_cells)
    params.no_perf = True
    return params
