from __future__ import annotations

import pytest

from core.generation import SamplingParams
from models.engine.sampler import recommended, resolve


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


def test_what_is_asked_wins_and_the_rest_is_filled_in() -> None:
    params = resolve(SamplingParams(temperature=0.0, stop=("x",)), recommended("glm4", "GLM-4-9B"), 77)
    assert (params.temperature, params.top_p, params.max_tokens, params.stop) == (0.0, 0.8, 77, ("x",))
    assert None not in (params.top_k, params.min_p, params.repeat_penalty)


def test_an_answer_without_a_seed_gets_a_new_one_each_time() -> None:
    seeds = {resolve(SamplingParams(), SamplingParams(), 1).seed for _ in range(4)}
    assert len(seeds) == 4
    assert resolve(SamplingParams(seed=5), SamplingParams(), 1).seed == 5
