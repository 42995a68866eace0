"""Idle models leave memory, and come back for a question or at their time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.errors import InvalidInput, Waking
from core.inference.requests import ChatMessage, Finished, GenerationRequest, SamplingParams
from core.models.load_settings import LoadSettings
from core.models.records import ModelState, Residency
from core.models.start_records import StartModel
from models.serving.pool.pool import Pool
from models.serving.pool.residency import ResidencyKeeper
from models.serving.router import PoolRouter
from models.serving.state_files.start_list import FileStartList
from samples.gguf_maker import make_gguf
from tests.this_machine import EXTRA_BUFFERS

GUIDE = Path(__file__).parents[5] / "models" / "guide" / "guide.gguf"
SMALL = LoadSettings(context=512, slots=2)
ASKED = GenerationRequest((ChatMessage("user", "x"),), "ann", params=SamplingParams(max_tokens=200), thinking=False, guard=False)  # type: ignore[arg-type]
FRIDAY = datetime(2026, 11, 27, 7, 29, 30, tzinfo=UTC)
PATIENCE_S = 60


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[Pool]:
    pool = Pool(tmp_path, GUIDE, settings_file=tmp_path / "notes.json", extra_buffers=EXTRA_BUFFERS)
    pool.load(make_gguf(tmp_path / "glm.gguf", sharpness=0.1), SMALL, default=True)
    until(lambda: state(pool) is ModelState.READY)
    yield pool
    pool.close()


def until(come: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not come():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def state(pool: Pool) -> ModelState:
    return next(model.state for model in pool.loaded() if model.name == "glm")


def test_a_sleeping_model_is_woken_by_a_question(pool: Pool) -> None:
    router = PoolRouter(pool)
    assert pool.sleeping.sleep("glm") and state(pool) is ModelState.SLEEPING and not pool.metrics()
    assert [model.name for model in router.models()] == ["glm"] and pool.loaded()[0].default
    with pytest.raises(Waking, match="loading again"):
        router.start(ASKED)
    assert [model.name for model in router.models()] == ["glm"]
    until(lambda: state(pool) is ModelState.READY)
    assert isinstance(list(router.start(ASKED).events())[-1], Finished) and pool.loaded()[0].default


def test_a_model_at_work_does_not_sleep(pool: Pool) -> None:
    running = PoolRouter(pool).start(ASKED)
    events = running.events()
    next(events)
    assert not pool.sleeping.sleep("glm") and pool.sleeping.idle_s("glm") < 1
    assert isinstance(list(events)[-1], Finished)
    until(lambda: pool.sleeping.sleep("glm"))


def test_a_sleeping_model_whose_file_is_gone_fails_and_can_be_unloaded(pool: Pool, tmp_path: Path) -> None:
    pool.sleeping.sleep("glm")
    (tmp_path / "glm.gguf").unlink()
    with pytest.raises(Waking):
        PoolRouter(pool).start(ASKED)
    until(lambda: state(pool) is ModelState.FAILED)
    pool.unload("glm")
    assert not pool.loaded()


def test_a_sleeping_model_can_be_unloaded(pool: Pool) -> None:
    pool.sleeping.sleep("glm")
    pool.unload("glm")
    assert not pool.loaded()


def test_a_rule_is_kept_with_the_model_whatever_version_it_has(pool: Pool, tmp_path: Path) -> None:
    pool.reside("glm", Residency(30, "07:30"))
    assert pool.loaded()[0].residency == Residency(30, "07:30")
    pool.reside("glm", Residency())
    assert pool.loaded()[0].residency == Residency()
    kept = FileStartList(tmp_path / "start.json")
    kept.keep(StartModel("glm", tmp_path / "glm.gguf", SMALL, residency=Residency(30, "07:30")))
    assert [model.residency for model in FileStartList(tmp_path / "start.json").all()] == [Residency(30, "07:30")]


def keeper(rule: Residency, idle_s: float, now: list[datetime]) -> tuple[ResidencyKeeper, list[str]]:
    acts: list[str] = []

    def sleep(name: str) -> bool:
        acts.append(f"sleep {name}")
        return True

    return ResidencyKeeper(lambda: {"glm": rule}, lambda _: idle_s, sleep, lambda name: acts.append(f"wake {name}"), lambda: now[0]), acts


@pytest.mark.parametrize(("idle_s", "acts"), [(60 * 30, ["sleep glm"]), (60 * 29, [])])
def test_a_model_sleeps_once_it_was_idle_for_long_enough(idle_s: float, acts: list[str]) -> None:
    made, done = keeper(Residency(30), idle_s, [FRIDAY])
    made.look()
    assert done == acts


@pytest.mark.parametrize(("day", "acts"), [(27, ["wake glm"]), (28, [])])
def test_a_model_is_loaded_at_its_time_on_weekdays_and_once(day: int, acts: list[str]) -> None:
    now = [FRIDAY.replace(day=day)]
    made, done = keeper(Residency(None, "07:30"), 0, now)
    for second in (45, 59):
        now[0] = now[0].replace(second=second)
        made.look()
    assert done == []
    for minute in (30, 31):
        now[0] = now[0].replace(minute=minute, second=0)
        made.look()
    assert done == acts


@pytest.mark.parametrize("wrong", [{"load_at": "7:30"}, {"load_at": "24:00"}, {"load_at": "now"}, {"idle_minutes": 0}])
def test_an_impossible_rule_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        Residency(**wrong)  # type: ignore[arg-type]
