"""Positions are mapped from a decoded image to its original and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from core.images.fitting import fitted_size
from core.images.records import PixelMapping

SIDES = some.integers(20, 8000)


def mapping(orientation: int, source: tuple[int, int], size: tuple[int, int] | None = None) -> PixelMapping:
    upright = source[::-1] if orientation >= 5 else source
    width, height = size or upright
    return PixelMapping(source_width=source[0], source_height=source[1], orientation=orientation, width=width, height=height)


@given(some.integers(1, 8), SIDES, SIDES, some.floats(0, 1), some.floats(0, 1))
def test_a_position_comes_back_to_the_same_pixel_through_resizing_and_orientation(
    orientation: int, width: int, height: int, right: float, down: float
) -> None:
    upright = mapping(orientation, (width, height))
    if max(upright.upright_size) > 100 * min(upright.upright_size):
        return
    fitted = upright.resized(*fitted_size(*upright.upright_size))
    x, y = right * width, down * height
    back = fitted.to_source(*fitted.from_source(x, y))
    assert back == pytest.approx((x, y), abs=0.01)
    assert fitted.from_upright(*fitted.to_upright(3, 4)) == pytest.approx((3, 4), abs=0.01)


@pytest.mark.parametrize(
    ("orientation", "corner"),
    [(1, (0, 0)), (2, (100, 0)), (3, (100, 60)), (4, (0, 60)), (5, (0, 0)), (6, (0, 60)), (7, (100, 60)), (8, (100, 0))],
)
def test_the_upright_corner_is_where_the_file_stores_it(orientation: int, corner: tuple[int, int]) -> None:
    assert mapping(orientation, (100, 60)).to_source(0, 0) == corner


def test_the_size_of_a_turned_original_is_reported_upright() -> None:
    assert mapping(6, (100, 60)).upright_size == (60, 100)
    assert mapping(3, (100, 60)).upright_size == (100, 60)


@pytest.mark.parametrize("wrong", [0, 9])
def test_only_the_eight_orientations_exist(wrong: int) -> None:
    with pytest.raises(ValueError):
        mapping(wrong, (10, 10))


def test_an_image_has_pixels() -> None:
    with pytest.raises(ValueError):
        mapping(1, (0, 10))
