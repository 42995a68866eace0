"""Compute what a request costs by a price."""

from __future__ import annotations

from core.inference.records import Usage
from core.usage.money.records import Price

_HOUR_S, _MILLION, _KILO = 3600, 1_000_000, 1000


def cost_of(price: Price, usage: Usage, device_s: float | None) -> float | None:
    """Return the cost; None if the price is one of computing alone and no computing was measured."""
    if device_s is None and not price.by_tokens:
        return None
    cached = price.input if price.cached is None else price.cached
    fresh = usage.prompt_tokens - usage.cached_tokens
    tokens = (fresh * price.input + usage.cached_tokens * cached + usage.completion_tokens * price.output) / _MILLION
    hours = (device_s or 0.0) / _HOUR_S
    return tokens + hours * (price.device_hour + price.watts / _KILO * price.kwh)
