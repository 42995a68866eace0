from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from core.errors import InvalidInput
from core.inference.requests import SamplingParams
from models.engine.sampling.sampler import recommended, resolve


@pytest.mark.parametrize(
    ("architecture", "name", "temperature", "top_p"),
    [
        ("glm4", "GLM-4-9B-0414-Q4_K_M", 0.8, 0.8),
        ("chatglm", "glm-4-9b-chat", 0.8, 0.8),
        ("glm4", "GLM-4-32B-0414-4.5bpw", 0.8, 0.8),
        ("glm4", "GLM-Z1-9B-0414", 0.6, 0.95),
        ("glm4moe", "GLM-4.5-Air-Q4_K_M", 0.6, 0.95),
        ("glm4moe", "unsloth_GLM 4.6", 1.0, 0.95),
        ("glm4moe", "GLM-4.6V", 0.8, 0.6),
        ("deepseek2", "GLM-4.7-Flash-Q4_K_M", 1.0, 0.95),
        ("glm-dsa", "renamed", 1.0, 0.95),
        ("glm4moe", "renamed", 0.6, 0.95),
    ],
)
def test_each_family_gets_what_is_recommended_for_it(architecture: str, name: str, temperature: float, top_p: float) -> None:
    params = recommended(architecture, name)
    assert (params.temperature, params.top_p, params.repeat_penalty) == (temperature, top_p, 1.0)


def test_flash_and_vision_have_their_own_cut_offs() -> None:
    assert recommended("deepseek2", "GLM-4.7-Flash").min_p == 0.01
    assert recommended("glm4moe", "GLM-4.6V").top_k == 2


def test_flash_calls_tools_with_settings_of_its_own() -> None:
    for architecture, name in (("deepseek2", "GLM-4.7-Flash-Q4_K_M"), ("deepseek2", "renamed")):
        params = recommended(architecture, name, tools=True)
        assert (params.temperature, params.top_p) == (0.7, 1.0)
    assert recommended("glm4moe", "GLM-4.6", tools=True) == recommended("glm4moe", "GLM-4.6")


def test_resolving_keeps_all_that_was_asked() -> None:
    asked = SamplingParams(
        temperature=0.1, presence_penalty=1, frequency_penalty=-1, typical_p=0.5, logit_bias=((1, 2.0),), stop_tokens=(3,), logprobs=4,
        grammar="root ::= .", thinking_budget=5,
    )  # fmt: skip
    params = resolve(asked, recommended("glm4", "GLM-4-9B"), 9)
    changed = {field.name for field in fields(asked) if getattr(params, field.name) != getattr(asked, field.name)}
    assert changed == {"top_p", "top_k", "min_p", "repeat_penalty", "max_tokens", "seed"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"typical_p": 1.1}, {"presence_penalty": 3}, {"frequency_penalty": float("nan")}, {"logprobs": 21}, {"thinking_budget": -1},
        {"stop_tokens": (-1,)}, {"stop_tokens": (1,) * 65}, {"logit_bias": ((1, 101.0),)}, {"logit_bias": ((-1, 1.0),)},
        {"grammar": "root ::= .", "json_schema": "{}"},
    ],
)  # fmt: skip
def test_what_is_out_of_range_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        SamplingParams(**wrong)


def test_what_is_asked_wins_and_the_rest_is_filled_in() -> None:
    params = resolve(SamplingParams(temperature=0.0, stop=("x",)), recommended("glm4", "GLM-4-9B"), 77)
    assert (params.temperature, params.top_p, params.max_tokens, params.stop) == (0.0, 0.8, 77, ("x",))
    assert None not in (params.top_k, params.min_p, params.repeat_penalty)


def test_an_answer_without_a_seed_gets_a_new_one_each_time() -> None:
    seeds = {resolve(SamplingParams(), SamplingParams(), 1).seed for _ in range(4)}
    assert len(seeds) == 4
    assert resolve(SamplingParams(seed=5), SamplingParams(), 1).seed == 5
