"""Clip boxes to an image, and measure how much two boxes overlap."""

from __future__ import annotations

import math

from core.grounding.records import MAX_LABEL, Box


def clipped(
    edges: tuple[float, float, float, float], width: int, height: int, *, label: str = "", confidence: float | None = None, phrase: int = 0
) -> Box | None:
    """Return a box with ordered edges, clipped to the image; None if it is no valid box or lies outside."""
    if not all(map(math.isfinite, edges)):
        return None
    left, right = sorted((edges[0], edges[2]))
    top, bottom = sorted((edges[1], edges[3]))
    left, right = max(0.0, left), min(float(width), right)
    top, bottom = max(0.0, top), min(float(height), bottom)
    if right - left <= 0 or bottom - top <= 0:
        return None
    return Box(left=left, top=top, right=right, bottom=bottom, label=label[:MAX_LABEL], confidence=confidence, phrase=phrase)


def overlap(one: Box, other: Box) -> float:
    """Return the intersection over union of two boxes, 0 to 1."""
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / (one.area + other.area - shared)
