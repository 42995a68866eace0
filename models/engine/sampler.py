"""The chain of llama.cpp samplers that chooses one answer's tokens, and what each GLM family recommends."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from core.generation import SamplingParams
from models.engine.native import lib

PENALTY_WINDOW = 64
"""How many last tokens a repeat penalty looks at."""
TOP_K = 40
"""Where nothing else is asked. It goes first: cutting GLM's 151,552 candidates down makes the rest of the chain cheap."""

_COMMON = SamplingParams(top_k=TOP_K, min_p=0.0, repeat_penalty=1.0)
_FAMILIES: tuple[tuple[str, SamplingParams], ...] = (
    ("glm4.7-flash", replace(_COMMON, temperature=1.0, top_p=0.95, min_p=0.01)),
    ("glm4.6v", replace(_COMMON, temperature=0.8, top_p=0.6, top_k=2)),
    ("glm4.5", replace(_COMMON, temperature=0.6, top_p=0.95)),
    ("glm4.6", replace(_COMMON, temperature=1.0, top_p=0.95)),
    ("glm4.7", replace(_COMMON, temperature=1.0, top_p=0.95)),
    ("glm5", replace(_COMMON, temperature=1.0, top_p=0.95)),
    ("glmz1", replace(_COMMON, temperature=0.6, top_p=0.95)),
    ("guide", replace(_COMMON, temperature=0.3, top_p=0.9)),
)
_ARCHITECTURES: dict[str, SamplingParams] = {
    "glm4moe": replace(_COMMON, temperature=0.6, top_p=0.95),
    "deepseek2": replace(_COMMON, temperature=1.0, top_p=0.95, min_p=0.01),
    "glm-dsa": replace(_COMMON, temperature=1.0, top_p=0.95),
    "glm5-next": replace(_COMMON, temperature=1.0, top_p=0.95),
}
_OLDER = replace(_COMMON, temperature=0.8, top_p=0.8)


def recommended(architecture: str, name: str) -> SamplingParams:
    """What Z.ai recommends for the family that the model's name tells; its architecture's where the name tells nothing."""
    spelled = name.lower().replace("_", "-").replace(" ", "-").replace("glm-", "glm")
    for part, params in _FAMILIES:
        if part in spelled:
            return params
    return _ARCHITECTURES.get(architecture, _OLDER)


def resolve(asked: SamplingParams, default: SamplingParams, max_tokens: int) -> SamplingParams:
    """`asked` with every None filled in; an answer without a seed gets a random one."""
    return replace(
        asked,
        temperature=default.temperature if asked.temperature is None else asked.temperature,
        top_p=default.top_p if asked.top_p is None else asked.top_p,
        top_k=default.top_k if asked.top_k is None else asked.top_k,
        min_p=default.min_p if asked.min_p is None else asked.min_p,
        repeat_penalty=default.repeat_penalty if asked.repeat_penalty is None else asked.repeat_penalty,
        seed=secrets.randbits(32) if asked.seed is None else asked.seed,
        max_tokens=max_tokens,
    )


def new_chain(params: SamplingParams, prompt: Sequence[int], vocabulary: int) -> Any:
    """A native chain for resolved params; free it with llama_sampler_free. Temperature 0 takes the likeliest token."""
    settings = lib.llama_sampler_chain_default_params()
    settings.no_perf = True
    chain = lib.llama_sampler_chain_init(settings)
    add = lib.llama_sampler_chain_add
    greedy = not params.temperature
    penalty = params.repeat_penalty or 1.0
    if greedy and penalty != 1.0:
        add(chain, lib.llama_sampler_init_top_k(4 * PENALTY_WINDOW))
    elif not greedy and params.top_k:
        add(chain, lib.llama_sampler_init_top_k(params.top_k))
    if penalty != 1.0:
        # After top-k: over the whole vocabulary it would cost four times as much.
        penalties = lib.llama_sampler_init_penalties(vocabulary, PENALTY_WINDOW, penalty, 0.0, 0.0)
        for token in prompt[-PENALTY_WINDOW:]:
            lib.llama_sampler_accept(penalties, token)
        add(chain, penalties)
    if greedy:
        add(chain, lib.llama_sampler_init_greedy())
        return chain
    if params.top_p is not None and params.top_p < 1.0:
        add(chain, lib.llama_sampler_init_top_p(params.top_p, 1))
    if params.min_p:
        add(chain, lib.llama_sampler_init_min_p(params.min_p, 1))
    add(chain, lib.llama_sampler_init_temp(params.temperature))
    add(chain, lib.llama_sampler_init_dist(params.seed if params.seed is not None else secrets.randbits(32)))
    return chain
