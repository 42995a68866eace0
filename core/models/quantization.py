"""Define the precisions that a model file can be quantized to, and the names of the results."""

from __future__ import annotations

import re
from enum import StrEnum


class Precision(StrEnum):
    """The quantizations that the portal can make, most precise first."""

    Q8_0 = "Q8_0"
    Q6_K = "Q6_K"
    Q5_K_M = "Q5_K_M"
    Q4_K_M = "Q4_K_M"
    IQ4_XS = "IQ4_XS"


BITS_PER_WEIGHT = {Precision.Q8_0: 8.5, Precision.Q6_K: 6.6, Precision.Q5_K_M: 5.75, Precision.Q4_K_M: 4.93, Precision.IQ4_XS: 4.35}
"""Approximate bits per weight of a whole file. Some tensors are more precise than the name says."""
_ENDING = re.compile(r"(-\d{5}-of-\d{5})?\.gguf$", re.IGNORECASE)
_WHOLE = re.compile(r"[-._ ]?(bf16|fp?16|fp?32)$", re.IGNORECASE)


def quantized_name(name: str, precision: Precision) -> str:
    """Return the file name of the result: GLM-4-9B-F16.gguf becomes GLM-4-9B-Q4_K_M.gguf."""
    stem = _WHOLE.sub("", _ENDING.sub("", name)) or "model"
    return f"{stem}-{precision.value}.gguf"


def about_bytes(parameters: int, precision: Precision) -> int:
    """Estimate the size of the result in bytes."""
    return round(parameters * BITS_PER_WEIGHT[precision] / 8)
