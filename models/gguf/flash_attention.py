"""Decide where llama.cpp is faster without its flash attention: on an x86 processor, unless conversations are short.

Flash attention there keeps its sums in 16 bits and converts them back and forth with every token it attends to, but skips the part of the
context that a conversation does not fill yet. Plain attention reads at least 256 tokens, and needs memory for the scores of all. `./portal
bench engine --only deep` measures both.
"""

from __future__ import annotations

import platform

from core.models.load_settings import KvType
from models.engine.llama.options import BackendOptions
from models.gguf.facts import ModelFacts

LONG_ENOUGH = 1_024
"""Tokens per slot from which most conversations are assumed to be longer than 200 tokens, where the two are equally fast."""
_MAX_OF_FREE = 0.1
"""Largest share of the host's free memory that the scores may take."""


def score_bytes(facts: ModelFacts, micro_batch: int, context: int) -> int:
    """Return the bytes of plain attention's scores for one micro-batch, with `context` tokens in a stream; a mask takes as much as two more
    heads."""
    heads = max(facts.heads, 1)
    return micro_batch * (heads + 2) * context * 4


def plain_is_faster(facts: ModelFacts, options: BackendOptions, context: int, scores: int, free: int) -> bool:
    """Tell whether plain attention is faster. Measured for ordinary attention on x86; elsewhere llama.cpp chooses. free: bytes of the
    host's memory."""
    ordinary = not (facts.latent_length or facts.state_length or facts.pooling)
    on_processor = options.gpu_layers == 0 and platform.machine() in ("x86_64", "AMD64")
    apart = not options.shared_cells and options.kv_type is KvType.F16
    return ordinary and on_processor and apart and context >= LONG_ENOUGH and scores <= _MAX_OF_FREE * free
