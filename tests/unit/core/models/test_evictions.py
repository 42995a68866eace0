"""Which models make room for another one, and who would notice."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.errors import NotAllowed, NotFound
from core.inference.choosing.access import ModelAccess
from core.inference.offers import Preset
from core.models.evictions import evictions_for
from core.models.memory_records import MemoryPlan
from core.models.records import LoadedModel, ModelState
from core.models.service import ModelService
from core.people.records import User
from core.unit_of_work import UnitOfWorkFactory
from models.serving.state_files.start_list import FileStartList
from samples.fakes import MODEL, FakePool
from tests.unit.core.conftest import MovingClock

GB = 1_000_000_000
PLAN = MemoryPlan("CPU, 1 thread", 10 * GB, 1 * GB, 1 * GB, 4 * GB, 32 * GB, 4096, 4)
"""Needs 8 GB more than are free."""


def loaded(name: str, gigabytes: int, device: str = "CPU, 1 thread", **changes: object) -> LoadedModel:
    plan = replace(PLAN, device=device)
    return replace(MODEL, name=name, memory_bytes=gigabytes * GB, plan=plan, default=False, **changes)  # type: ignore[arg-type]


def names(plan: MemoryPlan, *models: LoadedModel) -> list[str]:
    return [each.model for each in evictions_for(plan, models, {}, ())]


def test_an_idle_model_goes_before_one_that_people_use() -> None:
    assert names(PLAN, loaded("busy", 9, slots_busy=1), loaded("queued", 9, waiting=1), loaded("idle", 9)) == ["idle"]


def test_the_default_goes_last_of_those_that_nobody_uses_now() -> None:
    assert names(PLAN, replace(loaded("default", 9), default=True), loaded("other", 8)) == ["other"]


def test_as_many_go_as_are_needed_and_no_more() -> None:
    assert names(PLAN, loaded("small", 1), loaded("medium", 5), loaded("busy", 4, slots_busy=2)) == ["medium", "busy"]
    assert names(PLAN, loaded("small", 1), loaded("large", 9, slots_busy=2)) == ["large"], "the small one alone does not help"


def test_nothing_goes_in_vain() -> None:
    assert names(PLAN, loaded("a", 3), loaded("b", 4)) == [], "both together are not enough"
    assert names(PLAN, loaded("failed", 9, state=ModelState.FAILED), loaded("asleep", 0, state=ModelState.SLEEPING)) == []


def test_a_model_on_a_gpu_makes_no_room_on_the_host_but_within_the_limit_of_all() -> None:
    gpu = loaded("gpu", 9, device="CUDA0 (H100)")
    assert names(PLAN, gpu) == [] and names(replace(PLAN, budget_bytes=20 * GB), gpu) == ["gpu"]


@pytest.fixture
def models(unit_of_work: UnitOfWorkFactory, clock: MovingClock, tmp_path: Path) -> ModelService:
    pool = FakePool(models=[loaded("glm", 9, slots_busy=2, waiting=3)])
    return ModelService(pool, unit_of_work, clock, tmp_path, FileStartList(tmp_path / "start_models.json"))


def test_groups_that_use_a_model_by_default_are_named_also_through_a_preset(
    models: ModelService, unit_of_work: UnitOfWorkFactory, clock: MovingClock, admin: User, ana: User
) -> None:
    now = datetime(2026, 11, 29, tzinfo=UTC)
    with unit_of_work() as work:
        work.offers.put_preset(Preset(name="contracts", model="glm", created_at=now, updated_at=now))
        work.commit()
    access = ModelAccess(unit_of_work, clock)
    for group, model in (("Sales", "glm"), ("Legal", "contracts"), ("Support", "other")):
        access.set_group_model(admin, group, model)
    [one] = models.evictions(admin, PLAN)
    assert (one.running, one.waiting, one.people, one.groups) == (2, 3, 5, ("Legal", "Sales"))
    assert models.eviction(admin, "glm") == one
    assert models.evictions(admin, replace(PLAN, free_bytes=16 * GB)) == (), "it fits as it is"
    with pytest.raises(NotFound):
        models.eviction(admin, "nobody")
    with pytest.raises(NotAllowed):
        models.evictions(ana, PLAN)
