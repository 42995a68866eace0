"""Map boxes between a model's answer, the upright original that people see, and the stored pixels of the file."""

from __future__ import annotations

from collections.abc import Callable

from core.images.records import PixelMapping

Edges = tuple[float, float, float, float]
"""Left, top, right, bottom."""
THOUSANDTHS = 1000
"""GLM-V's unit: a box is four integers from 0 to 1000, whatever the image's size."""


def from_thousandths(mapping: PixelMapping, edges: Edges) -> Edges:
    """Map thousandths of the image to pixels of the upright original."""
    return _corners(mapping.resized(THOUSANDTHS, THOUSANDTHS).to_upright, edges)


def to_thousandths(mapping: PixelMapping, edges: Edges) -> Edges:
    return _corners(mapping.resized(THOUSANDTHS, THOUSANDTHS).from_upright, edges)


def from_decoded(mapping: PixelMapping, edges: Edges) -> Edges:
    """Map pixels of the decoded image, which detectors see, to pixels of the upright original."""
    return _corners(mapping.to_upright, edges)


def to_decoded(mapping: PixelMapping, edges: Edges) -> Edges:
    return _corners(mapping.from_upright, edges)


def to_file(mapping: PixelMapping, edges: Edges) -> Edges:
    """Map pixels of the upright original to the stored pixels of the file, for programs that ignore its orientation."""
    return _corners(mapping.resized(*mapping.upright_size).to_source, edges)


def from_file(mapping: PixelMapping, edges: Edges) -> Edges:
    return _corners(mapping.resized(*mapping.upright_size).from_source, edges)


def _corners(move: Callable[[float, float], tuple[float, float]], edges: Edges) -> Edges:
    """Map two opposite corners, and order them again because rotation may swap them."""
    x1, y1 = move(edges[0], edges[1])
    x2, y2 = move(edges[2], edges[3])
    return (min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))
