"""Build the chain of llama.cpp samplers that chooses an answer's tokens, with what each GLM family recommends."""

from __future__ import annotations

import ctypes
import math
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from core.inference.requests import SamplingParams
from models.engine.llama.native import lib

PENALTY_WINDOW = 64
"""How many last tokens a repeat penalty looks at."""
WHOLE_ANSWER = 8192
"""How many last tokens of the answer presence and frequency penalties look at."""
TOP_K = 40
"""The default top-k. It goes first: cutting GLM's 151,552 candidates down makes the rest of the chain cheap."""

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
_FLASH_TOOLS = replace(_COMMON, temperature=0.7, top_p=1.0, min_p=0.01)
_FILLED = ("temperature", "top_p", "top_k", "min_p", "repeat_penalty")


@dataclass(frozen=True, slots=True)
class ThinkingTags:
    """The tokens of `<think>` and `</think>`. inside: the prompt ends within the thoughts."""

    opening: tuple[int, ...]
    closing: tuple[int, ...]
    inside: bool


@dataclass(frozen=True, slots=True)
class Resolved(SamplingParams):
    """The parameters for one model, completed with its family's recommendations. tags: None if this answer does not think."""

    tags: ThinkingTags | None = None


def recommended(architecture: str, name: str, *, tools: bool = False) -> SamplingParams:
    """Return Z.ai's recommendation for the model's family, found by name, else by architecture. tools: whether the answer may call
    tools.
    """
    spelled = name.lower().replace("_", "-").replace(" ", "-").replace("glm-", "glm")
    if tools and ("glm4.7-flash" in spelled or (architecture == "deepseek2" and "glm4" not in spelled)):
        return _FLASH_TOOLS
    for part, params in _FAMILIES:
        if part in spelled:
            return params
    return _ARCHITECTURES.get(architecture, _OLDER)


def resolve(asked: SamplingParams, default: SamplingParams, max_tokens: int, tags: ThinkingTags | None = None) -> Resolved:
    """Complete `asked` with defaults; an answer without a seed gets a random one."""
    given = {field.name: getattr(asked, field.name) for field in fields(asked)}
    for name in _FILLED:
        if given[name] is None:
            given[name] = getattr(default, name)
    given["seed"] = secrets.randbits(32) if asked.seed is None else asked.seed
    given["max_tokens"] = max_tokens
    return Resolved(**given | {"tags": tags})


def new_chain(params: SamplingParams, prompt: Sequence[int], vocabulary: int) -> Any:
    """Return a native chain for resolved parameters; free it with llama_sampler_free. Temperature 0 takes the likeliest token.

    Penalties come after top-k: over the whole vocabulary they would cost four times as much.
    """
    settings = lib.llama_sampler_chain_default_params()
    settings.no_perf = True
    chain = lib.llama_sampler_chain_init(settings)
    add = lib.llama_sampler_chain_add
    greedy = not params.temperature
    penalties = _penalties(params, prompt, vocabulary)
    if params.logit_bias:
        add(chain, _bias(params.logit_bias, vocabulary))
    if greedy and penalties:
        add(chain, lib.llama_sampler_init_top_k(4 * PENALTY_WINDOW))
    elif not greedy and params.top_k:
        add(chain, lib.llama_sampler_init_top_k(params.top_k))
    for penalty in penalties:
        add(chain, penalty)
    if greedy:
        add(chain, lib.llama_sampler_init_greedy())
        return chain
    if params.typical_p is not None and params.typical_p < 1.0:
        add(chain, lib.llama_sampler_init_typical(params.typical_p, 1))
    if params.top_p is not None and params.top_p < 1.0:
        add(chain, lib.llama_sampler_init_top_p(params.top_p, 1))
    if params.min_p:
        add(chain, lib.llama_sampler_init_min_p(params.min_p, 1))
    add(chain, lib.llama_sampler_init_temp(params.temperature))
    add(chain, lib.llama_sampler_init_dist(params.seed if params.seed is not None else secrets.randbits(32)))
    return chain


def _penalties(params: SamplingParams, prompt: Sequence[int], vocabulary: int) -> list[Any]:
    """Add the penalties: the repeat penalty considers the last tokens of prompt and answer; presence and frequency only the answer."""
    made = []
    if params.repeat_penalty not in (None, 1.0):
        repeat = lib.llama_sampler_init_penalties(vocabulary, PENALTY_WINDOW, params.repeat_penalty, 0.0, 0.0)
        for token in prompt[-PENALTY_WINDOW:]:
            lib.llama_sampler_accept(repeat, token)
        made.append(repeat)
    if params.frequency_penalty or params.presence_penalty:
        frequency, presence = params.frequency_penalty or 0.0, params.presence_penalty or 0.0
        made.append(lib.llama_sampler_init_penalties(vocabulary, WHOLE_ANSWER, 1.0, frequency, presence))
    return made


def _bias(wanted: Sequence[tuple[int, float]], vocabulary: int) -> Any:
    """Add the logit biases; -100 forbids a token, as OpenAI describes it."""
    known = [(token, -math.inf if bias <= -100 else bias) for token, bias in wanted if token < vocabulary]
    array = (lib.llama_logit_bias * len(known))(*known)
    return lib.llama_sampler_init_logit_bias(vocabulary, len(known), ctypes.cast(array, lib.llama_logit_bias_p))
