from __future__ import annotations

from dataclasses import replace

import pytest

from core.models.records import MemoryPlan
from pages.widgets.models import memory_bar, memory_plan

GB = 1_000_000_000
PLAN = MemoryPlan("GPU", 20 * GB, 8 * GB, 2 * GB, 40 * GB, 48 * GB, 16_384, 4)


@pytest.mark.parametrize(
    ("free", "colour", "words"),
    [
        (40, "green", "Fits, 10.0 GB to spare."),
        (31, "orange", "Fits with 1.0 GB left, which is tight for other programs."),
        (25, "red", "Short by 5.0 GB. Lower the slots, the context or its precision."),
        (21, "red", "Short by 9.0 GB. The weights alone do not fit: unload a model or take a smaller file."),
    ],
)
def test_the_verdict_says_by_how_much_and_what_to_change(free: int, colour: str, words: str) -> None:
    verdict = memory_plan._verdict(replace(PLAN, free_bytes=free * GB))
    assert verdict.startswith(f":{colour}[") and words in verdict


def drawn(monkeypatch: pytest.MonkeyPatch, plan: MemoryPlan, measured: int = 0) -> str:
    shown: list[str] = []
    monkeypatch.setattr(memory_bar.st, "html", shown.append)
    memory_bar.memory_bar(plan, measured)
    return shown[0]


def test_the_bar_adds_up_to_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    bar = drawn(monkeypatch, PLAN)
    for words in ("Weights <em>20.0 GB", "Context <em>8.0 GB", "Work space <em>2.0 GB", "Other use <em>8.0 GB", "Free <em>10.0 GB"):
        assert words in bar
    assert "width:41.667%" in bar


def test_a_measured_load_is_drawn_as_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    bar = drawn(monkeypatch, PLAN, measured=31 * GB)
    assert "Work space <em>3.0 GB" in bar and "Free <em>9.0 GB" in bar


def test_a_plan_that_does_not_fit_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Short by 5.0 GB" in drawn(monkeypatch, replace(PLAN, free_bytes=25 * GB))
