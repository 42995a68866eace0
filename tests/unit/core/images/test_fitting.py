"""Images are resized to whole squares that a vision model reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from core.errors import InvalidInput
from core.images.fitting import MOST_RATIO, Patches, fitted_size, tokens_of


@given(some.integers(1, 20_000), some.integers(1, 20_000))
def test_every_size_becomes_whole_squares_within_the_bounds(width: int, height: int) -> None:
    if max(width, height) > MOST_RATIO * min(width, height):
        return
    fitted = fitted_size(width, height)
    assert fitted[0] % 28 == 0 and fitted[1] % 28 == 0
    assert 8 <= tokens_of(width, height) <= 4096
    if max(fitted) <= MOST_RATIO * min(fitted):
        assert fitted_size(*fitted) == fitted


@given(some.integers(300, 4000), some.integers(300, 4000))
def test_the_shape_stays_within_a_square(width: int, height: int) -> None:
    wide, high = fitted_size(width, height)
    assert abs(wide / high - width / height) <= (width / height) * (28 / wide + 28 / high)


@pytest.mark.parametrize(
    ("size", "fitted"),
    [((28, 28), (84, 84)), ((560, 280), (560, 280)), ((570, 290), (560, 280)), ((1600, 1200), (1596, 1204)), ((8000, 6000), (2044, 1540))],
)
def test_sizes_are_the_nearest_ones(size: tuple[int, int], fitted: tuple[int, int]) -> None:
    assert fitted_size(*size) == fitted


def test_other_models_have_other_squares() -> None:
    assert fitted_size(100, 100, Patches(side=16, least=1, most=64)) == (96, 96)
    with pytest.raises(ValueError):
        Patches(side=0)


def test_an_image_that_is_too_narrow_is_refused() -> None:
    with pytest.raises(InvalidInput, match="too narrow"):
        fitted_size(10_000, 10)
