"""Images are resized to whole patches that a vision model reads."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from PIL import Image

from core.errors import InvalidInput
from core.images.fitting import MAX_RATIO, Patches, fitted_size, prompt_tokens_of, tokens_of
from core.images.formats import pixel_size


@given(some.integers(1, 20_000), some.integers(1, 20_000))
def test_every_size_becomes_whole_squares_within_the_bounds(width: int, height: int) -> None:
    if max(width, height) > MAX_RATIO * min(width, height):
        return
    fitted = fitted_size(width, height)
    assert fitted[0] % 28 == 0 and fitted[1] % 28 == 0
    assert 8 <= tokens_of(width, height) <= 4096
    if max(fitted) <= MAX_RATIO * min(fitted):
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


@pytest.mark.parametrize("more", [{"format": "PNG"}, {"format": "JPEG"}, {"format": "JPEG", "progressive": True, "dpi": (300, 300)}])
def test_the_size_of_a_stored_image_is_read_from_its_header(more: dict[str, Any]) -> None:
    content = BytesIO()
    Image.effect_noise((123, 77), 60).convert("RGB").save(content, **more)
    assert pixel_size(content.getvalue()) == (123, 77)
    assert prompt_tokens_of(content.getvalue()) == tokens_of(123, 77) + 2


CUT = [b"", b"text", b"\x89PNG\r\n\x1a\n", b"\xff\xd8", b"\xff\xd8\xff\xc0\x00", b"\xff\xd8\xff\xe0\x00\x00" * 9]


@pytest.mark.parametrize("content", CUT)
def test_what_has_no_size_takes_no_tokens(content: bytes) -> None:
    assert pixel_size(content) is None and prompt_tokens_of(content) == 0
