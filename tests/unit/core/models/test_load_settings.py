from __future__ import annotations

from typing import Any

import pytest

from core.errors import InvalidInput
from core.models.load_settings import LoadSettings


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"kv_type": "q5_0"}, "kv_type must be one of f16, q8_0, q4_0"),
        ({"kv_type": "q8_0", "flash_attention": "off"}, "needs flash attention"),
        ({"flash_attention": "yes"}, "flash_attention must be one of auto, on, off"),
        ({"streams": "two"}, "streams must be one of"),
        ({"split_mode": "tensor"}, "split_mode must be one of none, layer, row"),
        ({"split_mode": "none", "gpu_shares": (1.0, 1.0)}, "one GPU holds the whole model"),
        ({"gpu_shares": (0.0, 0.0)}, "share above 0"),
        ({"gpu_shares": (1.0, -1.0)}, "gpu_shares must be between"),
        ({"gpu_shares": (1.0, float("nan"))}, "gpu_shares must be between"),
        ({"main_gpu": 1}, "has no main GPU"),
        ({"main_gpu": -1, "split_mode": "none"}, "main_gpu must be between"),
    ],
)
def test_settings_that_do_not_go_together_are_refused_in_words(given: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        LoadSettings(**given)


def test_quantized_context_goes_with_flash_attention_on_or_left_to_the_device() -> None:
    for attention in ("auto", "on"):
        assert LoadSettings(kv_type="q4_0", flash_attention=attention).flash_attention == attention
