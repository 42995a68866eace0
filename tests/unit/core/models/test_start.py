"""What is loaded at a start: the model of the settings, or the version that a swap brought under its name."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from core.errors import InvalidInput, NotFound
from core.models.load_settings import LoadSettings
from core.models.records import Residency
from core.models.service import ModelService
from core.models.start_records import StartModel
from core.people.audit_records import AuditFilter
from core.people.records import User
from core.unit_of_work import UnitOfWorkFactory
from models.serving.state_files.start_list import FileStartList
from samples.fakes import FakePool
from tests.unit.core.conftest import MovingClock

FIRST = StartModel("glm", Path("/models/glm.gguf"), LoadSettings(), default=True)
NEXT = StartModel("glm", Path("/models/glm-next.gguf"), LoadSettings(), default=True, residency=Residency(30))


@pytest.fixture
def pool() -> FakePool:
    return FakePool()


@pytest.fixture
def start_list(tmp_path: Path) -> FileStartList:
    return FileStartList(tmp_path / "start_models.json")


@pytest.fixture
def models(pool: FakePool, unit_of_work: UnitOfWorkFactory, clock: MovingClock, tmp_path: Path, start_list: FileStartList) -> ModelService:
    return ModelService(pool, unit_of_work, clock, tmp_path, start_list)


def loads(pool: FakePool) -> list[object]:
    return [what for act, what in pool.asked if act == "load"]


def test_the_version_that_a_swap_brought_is_loaded_in_place_of_the_first_model(
    models: ModelService, pool: FakePool, start_list: FileStartList
) -> None:
    start_list.keep(NEXT)
    models.load_at_start(FIRST, {})
    assert loads(pool) == [NEXT.path] and ("reside", Residency(30)) in pool.asked
    assert models.loaded_at_start("glm") and not models.loaded_at_start("other")


def test_if_that_version_cannot_be_loaded_the_one_before_serves(
    models: ModelService, pool: FakePool, start_list: FileStartList, admin: User
) -> None:
    start_list.keep(NEXT)
    pool.refuse = [InvalidInput("The file is gone.")]
    models.load_at_start(FIRST, {})
    assert loads(pool) == [NEXT.path, FIRST.path]
    assert [str(problem.reason) for problem in models.start_problems(admin)] == ["The file is gone."]


def test_a_rule_of_the_first_model_holds_at_the_next_start(models: ModelService, pool: FakePool, start_list: FileStartList) -> None:
    start_list.keep(replace(FIRST, residency=Residency(None, "07:30")))
    models.load_at_start(FIRST, {})
    assert loads(pool) == [FIRST.path] and ("reside", Residency(None, "07:30")) in pool.asked


def test_setting_when_a_model_leaves_memory_is_kept_and_audited(
    models: ModelService, pool: FakePool, start_list: FileStartList, unit_of_work: UnitOfWorkFactory, admin: User
) -> None:
    models.reside(admin, "fake", Residency(15))
    assert ("reside", Residency(15)) in pool.asked
    assert [(model.name, model.residency) for model in start_list.all()] == [("fake", Residency(15))]
    with unit_of_work() as work:
        [event] = [entry.event for entry in work.audit.find(AuditFilter(), 20) if entry.event.action == "model.reside"]
    assert (event.subject, event.details["idle"]) == ("fake", "15")
    with pytest.raises(NotFound):
        models.reside(admin, "other", Residency(15))


def test_loads_unloads_and_a_new_default_are_marked_for_charts(
    models: ModelService, unit_of_work: UnitOfWorkFactory, clock: MovingClock, admin: User
) -> None:
    before = clock()
    models.load(admin, Path("/models/glm.gguf"), LoadSettings())
    models.make_default(admin, "fake")
    models.unload(admin, "fake")
    with unit_of_work() as work:
        found = work.swaps.markers(before, clock() + timedelta(seconds=1))
    marked = {(each.kind, each.subject) for each in found}
    assert marked == {("model.load", "fake"), ("model.make_default", "fake"), ("model.unload", "fake")}
