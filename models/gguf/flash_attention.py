"""Where llama.cpp is quicker without its flash attention: on an x86 processor, once conversations are not quite short.

Flash attention there keeps its sums in 16 bits and converts them back and forth with every token it looks at, but passes over what a
conversation does not fill yet. Plain attention looks at 256 tokens at least, and needs room for the scores of all.
`./portal bench engine --only deep` measures both.
"""

from __future__ import annotations

import platform

from core.models.records import KvType
from models.engine.llama.options import BackendOptions
from models.gguf.facts import ModelFacts

LONG_ENOUGH = 1_024
"""Tokens a slot holds, from which on its conversations are taken to be mostly longer than the 200 where the two are even."""
_MOST_OF_FREE = 0.1
"""Of the host's free memory: more the scores shall not take."""


def score_bytes(facts: ModelFacts, micro_batch: int, context: int) -> int:
    """What plain attention's scores take while a micro-batch is read, with `context` tokens in a stream; a mask comes to two heads more."""
    heads = max(facts.heads, 1)
    return micro_batch * (heads + 2) * context * 4


def plain_is_quicker(facts: ModelFacts, options: BackendOptions, context: int, scores: int, free: int) -> bool:
    """Measured for ordinary attention on x86; elsewhere llama.cpp chooses. free: bytes of the host's memory."""
    ordinary = not (facts.latent_length or facts.state_length or facts.pooling)
    on_processor = options.gpu_layers == 0 and platform.machine() in ("x86_64", "AMD64")
    apart = not options.shared_cells and options.kv_type is KvType.F16
    return ordinary and on_processor and apart and context >= LONG_ENOUGH and scores <= _MOST_OF_FREE * free
