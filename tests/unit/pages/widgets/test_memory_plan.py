from __future__ import annotations

from dataclasses import replace

import pytest

from core.models.memory_records import DeviceMemory, MemoryPlan
from core.models.records import LoadedModel
from pages.widgets.models import memory_bar, memory_plan
from samples.fakes import MODEL

GB = 1_000_000_000
PLAN = MemoryPlan("GPU", 20 * GB, 8 * GB, 2 * GB, 40 * GB, 48 * GB, 16_384, 4)


@pytest.mark.parametrize(
    ("free", "colour", "words"),
    [
        (40, "green", "Fits, 10.0 GB to spare."),
        (31, "orange", "Fits with 1.0 GB left, which leaves little for other programs."),
        (25, "red", "Short by 5.0 GB. Reduce the slots, the context or its precision."),
        (21, "red", "Short by 9.0 GB. The weights alone do not fit: unload a model or choose a smaller file."),
    ],
)
def test_the_verdict_says_by_how_much_and_what_to_change(free: int, colour: str, words: str) -> None:
    verdict = memory_plan.verdict_of(replace(PLAN, free_bytes=free * GB))
    assert verdict.startswith(f":{colour}[") and words in verdict


def drawn(monkeypatch: pytest.MonkeyPatch, plan: MemoryPlan) -> str:
    shown: list[str] = []
    monkeypatch.setattr(memory_bar.st, "html", shown.append)
    memory_bar.plan_bar(plan)
    return shown[0]


def test_the_bar_adds_up_to_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    bar = drawn(monkeypatch, PLAN)
    for words in ("Weights <em>20.0 GB", "Context <em>8.0 GB", "Compute buffers <em>2.0 GB", "In use now <em>8.0 GB"):
        assert words in bar
    assert "Free after loading <em>10.0 GB" in bar
    assert "width:41.667%" in bar


def loaded(name: str, taken: int, device: str = "CPU, 2 threads") -> LoadedModel:
    return replace(MODEL, name=name, memory_bytes=taken, plan=replace(PLAN, device=device))


def test_the_machines_memory_is_shared_out_among_its_models() -> None:
    host = DeviceMemory("host", 6 * GB, 16 * GB)
    models = [loaded("small", 1 * GB), loaded("large", 4 * GB), loaded("elsewhere", 5 * GB, "CUDA0")]
    assert [(each.model, each.bytes) for each in memory_bar.held_by(host, [host], models)] == [("large", 4 * GB), ("small", 1 * GB)]
    gpu = DeviceMemory("CUDA0", 6 * GB, 16 * GB)
    assert [(each.model, each.bytes) for each in memory_bar.held_by(gpu, [host, gpu], models)] == [("elsewhere", 5 * GB)]


def test_models_never_hold_more_than_is_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    host = DeviceMemory("host", 12 * GB, 16 * GB)
    models = [loaded("one", 6 * GB), loaded("two", 2 * GB)]
    assert sum(each.bytes for each in memory_bar.held_by(host, [host], models)) == 4 * GB
    shown: list[str] = []
    monkeypatch.setattr(memory_bar.st, "html", shown.append)
    memory_bar.device_bar(host, [host], models)
    assert "one <em>3.0 GB" in shown[0] and "Free <em>12.0 GB" in shown[0] and "Other programs" not in shown[0]


def test_a_plan_that_does_not_fit_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Short by 5.0 GB" in drawn(monkeypatch, replace(PLAN, free_bytes=25 * GB))
