"""What the start makes of the crashes that were found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bootstrap.models import GUIDE
from bootstrap.parts import now
from bootstrap.portal import build_portal, load_first_model
from core.models.records import Crash
from models.serving.last_run import RunRecord
from settings import Settings
from tests.fakes import FakePool, FakeRouter
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
    load_first_model(portal)
    portal.close()
    assert pool.asked == ([("load", GUIDE)] if loaded else [])


def test_in_a_process_of_its_own_it_is_loaded_all_the_same(tmp_path: Path) -> None:
    crashed(tmp_path, "guide", 3)
    pool = FakePool()
    portal = build_portal(Settings(home=tmp_path, isolated=True), pool=pool, router=FakeRouter(), hasher=PlainHasher())
    load_first_model(portal)
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
