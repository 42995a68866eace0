"""Estimate how many bytes a model's contexts and computations take."""

from __future__ import annotations

from core.models.load_settings import KvType
from models.engine.llama.backend import LlamaBackend
from models.gguf.facts import ModelFacts
from models.gguf.flash_attention import score_bytes

KV_BYTES = {KvType.F16: 2.0, KvType.Q8_0: 34 / 32, KvType.Q4_0: 18 / 32}
MICRO_BATCH = 512
MEGABYTE = 1024 * 1024


def context_bytes_per_token(facts: ModelFacts, kv_type: KvType) -> float:
    """Return the bytes per token of one slot. MLA keeps one compressed entry per layer, ordinary attention a key and a value for each KV
    head."""
    size = KV_BYTES[kv_type]
    if facts.latent_length:
        attending = sum(1 for heads in facts.kv_heads if heads)
        return (attending * facts.latent_length + facts.index_length) * size
    return sum(facts.kv_heads) * (facts.key_length + facts.value_length) * size


def state_bytes(facts: ModelFacts) -> int:
    """Return the bytes of one slot that do not depend on the length of its conversation."""
    return 4 * facts.state_length


def work_bytes(facts: ModelFacts, slots: int, context: int, *, plain: bool = False) -> int:
    """Estimate the scratch memory of one decode: activations of a micro-batch, attention scores, and the logits of every slot.

    plain: without flash attention, which never holds all scores at once. A generous estimate: llama.cpp reserves 130 MB for a GLM-4-9B
    where this says 330 MB.
    """
    wide = max(2 * facts.feed_forward, 4 * facts.embedding)
    activations = MICRO_BATCH * (6 * facts.embedding + 2 * wide) * 4
    scores = score_bytes(facts, MICRO_BATCH, context)
    scores = scores if plain else min(scores, 128 * MEGABYTE)
    return activations + scores + 2 * (slots + LlamaBackend.max_draft_tokens) * facts.vocabulary * 4 + 32 * MEGABYTE


def vector_work_bytes(facts: ModelFacts, batch: int, cells: int) -> int:
    """Estimate activations and the mask of a whole batch. llama.cpp also keeps room for every token's logits, used or not."""
    wide = max(2 * facts.feed_forward, 4 * facts.embedding)
    logits = facts.vocabulary * (2 if facts.remembers else 1)
    return batch * 4 * (6 * facts.embedding + wide + logits + 2 * cells) + 32 * MEGABYTE
