"""Boxes are mapped between the model's view, the upright image and the file within one pixel."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InvalidInput
from core.grounding.answers import read_answer
from core.grounding.boxes import Box, clipped, overlap
from core.grounding.geometry import Edges, Seen

SIDE = 28


@st.composite
def views(draw: st.DrawFn) -> tuple[Seen, Edges]:
    """An image as a GLM-V sees it, in multiples of 28 pixels, and a box on it."""
    width, height = draw(st.integers(1, 12_000)), draw(st.integers(1, 12_000))
    scale = min(1.0, draw(st.floats(0.05, 1.0)))
    seen = Seen(
        width, height, max(1, round(width * scale / SIDE)) * SIDE, max(1, round(height * scale / SIDE)) * SIDE, draw(st.integers(1, 8))
    )
    left, top = draw(st.floats(0, width - 1)), draw(st.floats(0, height - 1))
    return seen, (left, top, draw(st.floats(left + 0.5, width)), draw(st.floats(top + 0.5, height)))


def near(one: Edges, other: Edges, within: float = 1.0) -> bool:
    return all(abs(a - b) <= within for a, b in zip(one, other, strict=True))


@given(views())
@settings(max_examples=300)
def test_a_box_comes_back_through_resizing_and_orientation_within_one_pixel(case: tuple[Seen, Edges]) -> None:
    seen, edges = case
    assert near(seen.from_seen(seen.to_seen(edges)), edges)
    assert near(seen.from_thousandths(seen.to_thousandths(edges)), edges)
    in_file = seen.to_file(edges)
    assert near(seen.from_file(in_file), edges)
    wide, high = seen.file_size
    assert 0 <= in_file[0] < in_file[2] <= wide + 1e-6 and 0 <= in_file[1] < in_file[3] <= high + 1e-6


@given(views())
@settings(max_examples=200)
def test_whole_thousandths_cost_half_a_thousandth_at_most(case: tuple[Seen, Edges]) -> None:
    seen, edges = case
    whole = [round(each) for each in seen.to_thousandths(edges)]
    boxes = read_answer(f"<|begin_of_box|>[{whole}]<|end_of_box|>", seen)
    if whole[0] == whole[2] or whole[1] == whole[3]:
        assert boxes == []  # Thinner than a thousandth.
        return
    assert near(boxes[0].edges, edges, max(seen.width, seen.height) / 2000 + 1e-6)


@pytest.mark.parametrize(
    ("orientation", "corner"),
    [(1, (0, 0)), (2, (39, 0)), (3, (39, 29)), (4, (0, 29)), (5, (0, 0)), (6, (0, 39)), (7, (29, 39)), (8, (29, 0))],
)
def test_the_upper_left_pixel_lies_where_the_orientation_says(orientation: int, corner: tuple[int, int]) -> None:
    """EXIF's table: row and column 0 of the file lie at the top left, top right, bottom right and so on."""
    left, top, right, bottom = Seen(40, 30, 40, 30, orientation).to_file((0, 0, 1, 1))
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
    with pytest.raises(InvalidInput):
        Seen(0, 1, 1, 1)
    with pytest.raises(InvalidInput):
        Seen(1, 1, 1, 1, 9)
