"""What counts as growth of memory: a slope over all windows, not a peak, and nothing before the warm-up has ended."""

from __future__ import annotations

import random

import pytest

from bench.servers.soak.growing import MAX_WARM_UP_S, growth


def line(seconds: int, start: float, end: float) -> list[tuple[float, float]]:
    return [(float(second), start + (end - start) * second / seconds) for second in range(seconds)]


def test_a_warm_up_does_not_count() -> None:
    assert growth([(float(second), min(200.0, 100.0 + 5 * second)) for second in range(100)]) == 0


def test_a_long_warm_up_ends_after_twenty_minutes() -> None:
    grows_later = [(float(second), 100.0 + max(0.0, second - MAX_WARM_UP_S) / 100) for second in range(7200)]
    assert growth(grows_later) > 0.4


@pytest.mark.parametrize("grown", [0.06, 0.2])
def test_a_steady_growth_is_found_under_noise(grown: float) -> None:
    noise = random.Random(7)
    after_warm_up = 1.5 * grown
    memory = [(passed, size + noise.choice([0, 3, 0, 60, 60])) for passed, size in line(900, 300, 300 * (1 + after_warm_up))]
    assert growth(memory) == pytest.approx(grown, rel=0.25)


def test_noise_and_peaks_alone_are_no_growth() -> None:
    noise = random.Random(7)
    memory = [(passed, size + noise.choice([0, 3, 0, 60, 60])) for passed, size in line(900, 300, 300)]
    busy_window = [(passed, size + 80 * (800 <= passed < 870)) for passed, size in memory]
    assert abs(growth(memory)) < 0.01 and abs(growth(busy_window)) < 0.02


def test_a_leak_in_steps_is_found() -> None:
    assert growth([(float(second), 300.0 + 10 * (second // 150)) for second in range(900)]) > 0.05


def test_too_few_samples_say_nothing() -> None:
    with pytest.raises(ValueError, match="too few"):
        growth(line(20, 100, 100))
