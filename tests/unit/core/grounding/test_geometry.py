"""Boxes are mapped between the model's view, the upright original and the file within one pixel."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InvalidInput
from core.grounding.answers import read_answer
from core.grounding.boxes import clipped, overlap
from core.grounding.geometry import Edges, from_decoded, from_file, from_thousandths, to_decoded, to_file, to_thousandths
from core.grounding.records import Box
from core.images.fitting import MAX_RATIO, fitted_size
from core.images.records import PixelMapping


@st.composite
def views(draw: st.DrawFn) -> tuple[PixelMapping, Edges]:
    """Return a file as GLM-V sees it, upright and in multiples of 28 pixels, and a box on the upright original."""
    width = draw(st.integers(1, 12_000))
    height = draw(st.integers(max(1, width // MAX_RATIO + 1), min(12_000, width * MAX_RATIO)))
    mapping = PixelMapping(width, height, draw(st.integers(1, 8)), 1, 1)
    wide, high = mapping.upright_size
    left, top = draw(st.floats(0, wide - 1)), draw(st.floats(0, high - 1))
    edges = (left, top, draw(st.floats(left + 0.5, wide)), draw(st.floats(top + 0.5, high)))
    return mapping.resized(*fitted_size(wide, high)), edges


def near(one: Edges, other: Edges, within: float = 1.0) -> bool:
    return all(abs(a - b) <= within for a, b in zip(one, other, strict=True))


@given(views())
@settings(max_examples=300, deadline=None)
def test_a_box_comes_back_through_resizing_and_orientation_within_one_pixel(case: tuple[PixelMapping, Edges]) -> None:
    mapping, edges = case
    assert near(from_decoded(mapping, to_decoded(mapping, edges)), edges)
    assert near(from_thousandths(mapping, to_thousandths(mapping, edges)), edges)
    in_file = to_file(mapping, edges)
    assert near(from_file(mapping, in_file), edges)
    assert 0 <= in_file[0] < in_file[2] <= mapping.source_width + 1e-6
    assert 0 <= in_file[1] < in_file[3] <= mapping.source_height + 1e-6


@given(views())
@settings(max_examples=200, deadline=None)
def test_whole_thousandths_cost_half_a_thousandth_at_most(case: tuple[PixelMapping, Edges]) -> None:
    mapping, edges = case
    whole = [round(each) for each in to_thousandths(mapping, edges)]
    boxes = read_answer(f"<|begin_of_box|>[{whole}]<|end_of_box|>", mapping)
    if whole[0] == whole[2] or whole[1] == whole[3]:
        assert boxes == []  # Thinner than a thousandth.
        return
    assert near(boxes[0].edges, edges, max(mapping.upright_size) / 2000 + 1e-6)


@pytest.mark.parametrize(
    ("orientation", "corner"),
    [(1, (0, 0)), (2, (39, 0)), (3, (39, 29)), (4, (0, 29)), (5, (0, 0)), (6, (0, 29)), (7, (39, 29)), (8, (39, 0))],
)
def test_the_upper_left_pixel_lies_in_the_file_where_its_orientation_says(orientation: int, corner: tuple[int, int]) -> None:
    """EXIF's table: row and column 0 of the file lie at the top left, top right, bottom right and so on. The file has 40 by 30 pixels."""
    left, top, right, bottom = to_file(PixelMapping(40, 30, orientation, 40, 30), (0, 0, 1, 1))
    assert (left, top) == corner and (right - left, bottom - top) == (1, 1)


def test_overlap_is_the_shared_part_of_both() -> None:
    one = Box(0, 0, 10, 10)
    assert overlap(one, one) == 1.0
    assert overlap(one, Box(5, 0, 15, 10)) == pytest.approx(1 / 3)
    assert overlap(one, Box(10, 0, 20, 10)) == 0.0


def test_what_is_no_box_is_refused_or_dropped() -> None:
    for edges in ((5, 0, 5, 9), (0, 9, 5, 0), (float("nan"), 0, 1, 1), (0, 0, float("inf"), 1)):
        with pytest.raises(InvalidInput):
            Box(*edges)
    assert clipped((float("nan"), 0, 1, 1), 10, 10) is None
    assert clipped((20, 20, 30, 30), 10, 10) is None
