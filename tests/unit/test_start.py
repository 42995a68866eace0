"""The start's decisions after crashes."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bootstrap.models import GUIDE
from bootstrap.parts import now
from bootstrap.portal import Portal, build_portal
from bootstrap.startup import load_models
from core.errors import InvalidInput, NotAllowed, NotFound
from core.models.load_settings import Adapter, LoadSettings
from core.models.records import ModelState
from core.models.start_records import Crash
from core.people.permissions import Role
from core.people.records import User
from models.serving.state_files.last_run import RunRecord
from samples.fakes import FakePool, FakeRouter
from samples.gguf_maker import make_gguf
from settings import Settings
from tests.unit.api.conftest import PlainHasher


def crashed(home: Path, model: str, times: int) -> None:
    (home / "logs").mkdir(parents=True, exist_ok=True)
    crash = {"at": "2026-11-21T09:30:00+00:00", "model": model, "doing": "decoding", "answers": 1, "requests": ["a"], "error": "Aborted"}
    (home / "logs" / "crashes.json").write_text(json.dumps([crash | {"in_a_row": times}]))


@pytest.mark.parametrize("model, times, loaded", [("guide", 3, False), ("guide", 2, True), ("other", 9, True)])
def test_a_model_that_ended_three_runs_in_a_row_is_not_loaded_by_itself(tmp_path: Path, model: str, times: int, loaded: bool) -> None:
    crashed(tmp_path, model, times)
    pool = FakePool()
    portal = build_portal(Settings(home=tmp_path), pool=pool, router=FakeRouter(), hasher=PlainHasher())
    load_models(portal)
    portal.close()
    assert pool.asked == ([("load", GUIDE)] if loaded else [])


def test_in_a_process_of_its_own_it_is_loaded_all_the_same(tmp_path: Path) -> None:
    crashed(tmp_path, "guide", 3)
    pool = FakePool()
    portal = build_portal(Settings(home=tmp_path, isolated=True), pool=pool, router=FakeRouter(), hasher=PlainHasher())
    load_models(portal)
    portal.close()
    assert pool.asked == [("load", GUIDE)]


def test_a_crash_stands_in_the_audit(tmp_path: Path) -> None:
    record = RunRecord(tmp_path / "logs")
    record.found = (Crash(now(), "guide", "sampling", 2, ("turn-1", "turn-2"), "Aborted", 1),)
    portal = build_portal(Settings(home=tmp_path), pool=FakePool(), router=FakeRouter(), hasher=PlainHasher(), record=record)
    with portal.database.connect() as rows:
        found = rows.exec_driver_sql("SELECT action, subject, details FROM audit_events").all()
    portal.close()
    assert [(action, subject) for action, subject, _ in found] == [("model.crash", "guide")]
    assert "turn-1 turn-2" in str(found[0][2])
    assert list((tmp_path / "logs" / "running").iterdir()) == []


# Models that are loaded at every start


def restarted(home: Path, pool: FakePool) -> Portal:
    portal = build_portal(Settings(home=home), pool=pool, router=FakeRouter(), hasher=PlainHasher())
    load_models(portal)
    return portal


def admin_of(portal: Portal) -> User:
    if not portal.accounts.has_any():
        portal.accounts.add(None, "admin", Role.ADMIN, password="correct horse battery", full_name="Ada")
    return portal.accounts.people(None)[0]


def test_a_model_that_an_admin_loaded_is_loaded_at_the_next_start_with_its_settings(tmp_path: Path) -> None:
    first = restarted(tmp_path, FakePool())
    adapters = (Adapter("legal", Path("/models/legal.gguf"), 0.5),)
    settings = LoadSettings(context=4096, slots=2, gpu_shares=(), adapters=adapters, isolated=True)
    first.models.load(admin_of(first), Path("/models/glm.gguf"), settings, default=True)
    first.close()
    pool = FakePool()
    restarted(tmp_path, pool).close()
    assert pool.asked == [("load", GUIDE), ("load", Path("/models/glm.gguf"))]
    assert pool.settings[-1] == settings and pool.defaults == [False, True]


def test_a_model_loaded_for_now_or_unloaded_again_is_not_loaded_at_the_next_start(tmp_path: Path) -> None:
    first = restarted(tmp_path, FakePool())
    admin = admin_of(first)
    first.models.load(admin, Path("/models/glm.gguf"), LoadSettings(), at_start=False)
    first.models.load(admin, Path("/models/glm.gguf"), LoadSettings())
    assert first.models.names_at_start(admin) == {"fake"}
    first.models.unload(admin, "fake")
    first.close()
    pool = FakePool()
    restarted(tmp_path, pool).close()
    assert pool.asked == [("load", GUIDE)] and pool.defaults == [True]


def test_whether_a_model_is_kept_can_be_changed_while_it_runs(tmp_path: Path) -> None:
    portal = restarted(tmp_path, FakePool())
    admin = admin_of(portal)
    portal.models.keep(admin, "fake", at_start=True)
    assert portal.models.names_at_start(admin) == {"fake"}
    portal.models.keep(admin, "fake", at_start=False)
    assert portal.models.names_at_start(admin) == frozenset()
    with pytest.raises(NotFound):
        portal.models.keep(admin, "nobody", at_start=True)
    with pytest.raises(NotAllowed):
        portal.models.keep(replace(admin, role=Role.MANAGER), "fake", at_start=True)
    portal.close()


def test_a_model_that_cannot_be_loaded_at_the_start_is_reported_until_it_is_left_out(tmp_path: Path) -> None:
    first = restarted(tmp_path, FakePool())
    first.models.load(admin_of(first), Path("/models/glm.gguf"), LoadSettings(), default=True)
    first.close()
    pool = FakePool(models=[])
    pool.refuse = [InvalidInput("no guide"), InvalidInput("The file {file} does not exist.", file="/models/glm.gguf")]
    portal = restarted(tmp_path, pool)
    admin = admin_of(portal)
    problems = portal.models.start_problems(admin)
    assert [(each.name, str(each.reason)) for each in problems] == [("guide", "no guide"), ("fake", (
        "The file /models/glm.gguf does not exist."
    ))]
    with pytest.raises(NotAllowed):
        portal.models.start_problems(replace(admin, role=Role.ANALYST))
    for name in ("fake", "guide"):
        portal.models.unload(admin, name)
    assert portal.models.start_problems(admin) == []
    portal.close()
    pool = FakePool()
    restarted(tmp_path, pool).close()
    assert pool.asked == [("load", GUIDE)]


@pytest.mark.parametrize("written", ["", "[]", "{}", "[3]", '[{"name": "a", "path": "b", "settings": {"odd": 1}, "default": true}]'])
def test_a_damaged_list_is_none(tmp_path: Path, written: str) -> None:
    (tmp_path / "start_models.json").write_text(written)
    pool = FakePool()
    restarted(tmp_path, pool).close()
    assert pool.asked == [("load", GUIDE)]


def test_a_real_model_comes_back_after_a_restart_and_its_failure_is_reported(tmp_path: Path) -> None:
    path = make_gguf(tmp_path / "glm.gguf")

    def start() -> Portal:
        portal = build_portal(Settings(home=tmp_path / "home"), hasher=PlainHasher())
        load_models(portal)
        return portal

    def settled(portal: Portal) -> dict[str, tuple[ModelState, bool]]:
        until = time.monotonic() + 60
        while any(model.state is ModelState.LOADING for model in portal.pool.loaded()) and time.monotonic() < until:
            time.sleep(0.02)
        return {model.name: (model.state, model.default) for model in portal.pool.loaded()}

    portal = start()
    portal.models.load(admin_of(portal), path, LoadSettings(context=512, slots=2), default=True)
    assert settled(portal) == {"glm": (ModelState.READY, True), "guide": (ModelState.READY, False)}
    assert [model.guide for model in portal.pool.loaded()] == [False, True]
    portal.close()
    portal = start()
    assert settled(portal) == {"glm": (ModelState.READY, True), "guide": (ModelState.READY, False)}
    portal.close()
    make_gguf(path, template="{% if")
    portal = start()
    assert settled(portal) == {"guide": (ModelState.READY, True), "glm": (ModelState.FAILED, False)}
    [problem] = portal.models.start_problems(admin_of(portal))
    assert problem.name == "glm" and "The chat template of glm" in str(problem.reason)
    portal.models.unload(admin_of(portal), "glm")
    assert portal.models.start_problems(admin_of(portal)) == []
    make_gguf(path)
    portal.models.load(admin_of(portal), path, LoadSettings(context=512, slots=2))
    settled(portal)
    portal.models.unload(admin_of(portal), "guide")
    portal.close()
    portal = start()
    assert settled(portal)["glm"] == (ModelState.READY, True), "it took the guide's place before"
    portal.close()
