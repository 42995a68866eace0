"""The whole ladder of trials on failing processors, simulated by libraries that fault where such processors do."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bootstrap import models as model_parts
from bootstrap.models import GUIDE
from core.errors import StartFailed
from core.models.load_settings import LoadSettings
from core.models.records import ModelState
from core.models.start_records import Crash
from models.engine.llama.options import BackendOptions
from models.serving.pool.pool import Pool
from models.serving.state_files.last_run import RunRecord
from models.trials import file_buffers, machine_trial
from samples.gguf_maker import make_gguf
from settings import Settings
from tests import faulty_processor
from tests.this_machine import EXTRA_BUFFERS

pytestmark = [faulty_processor.CAN_BE_MADE, pytest.mark.skipif(not EXTRA_BUFFERS, reason="this processor fails by itself")]

CRASH = Crash(datetime(2026, 11, 21, tzinfo=UTC), "guide", "decoding", 1, (), "Segmentation fault", 1)


def preload(monkeypatch: pytest.MonkeyPatch, library: Path) -> None:
    """Preload the fault for child processes that start from here on."""
    monkeypatch.setenv("LD_PRELOAD", ":".join(part for part in (str(library), os.environ.get("LD_PRELOAD", "")) if part))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a home without a note, whose environment has none either."""
    monkeypatch.setattr("sys.prefix", str(tmp_path / "nowhere" / "venv"))
    made = tmp_path / "home"
    made.mkdir()
    return made


@pytest.mark.parametrize("fault", [faulty_processor.AMX, faulty_processor.PRIVILEGED], ids=["SIGILL", "SIGSEGV"])
def test_a_home_without_a_note_finds_out_that_weights_must_stay_as_they_are(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    preload(monkeypatch, faulty_processor.refuses_repacked(tmp_path, fault))
    assert model_parts.extra_buffers(home) is False
    monkeypatch.delenv("LD_PRELOAD")
    assert model_parts.extra_buffers(home) is False, "the note was not read"
    assert model_parts.extra_buffers(home, again=True) is True


def test_a_note_of_another_processor_is_not_believed(home: Path) -> None:
    machine_trial.write_trial_result(home / "engine.json", machine_trial.TrialResult("another", False))
    assert model_parts.extra_buffers(home) is True
    noted = json.loads((home / "engine.json").read_text())
    assert noted["machine"] != "another" and noted["tokens_per_second"] > 1


def test_the_note_beside_the_environment_counts_for_other_homes(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model_parts.extra_buffers(home)
    monkeypatch.setattr("sys.prefix", str(home / "venv"))
    monkeypatch.setattr(machine_trial, "try_decode", lambda *_, **__: pytest.fail("tried again"))
    assert model_parts.extra_buffers(tmp_path / "other") is True


def test_a_processor_that_refuses_everything_is_reported_in_a_sentence(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    preload(monkeypatch, faulty_processor.refuses_everything(tmp_path))
    with pytest.raises(StartFailed) as failed:
        model_parts.extra_buffers(home)
    assert "with repacked weights: SIGILL; without repacked weights: SIGILL. Type ./portal run" in str(failed.value)
    assert not (home / "engine.json").exists()


def test_a_file_that_aborts_with_repacked_weights_loads_without_and_is_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_gguf(tmp_path / "flash.gguf", "deepseek2", context=256)
    preload(monkeypatch, faulty_processor.cannot_lay_out(tmp_path))
    tried: list[bool] = []
    real = file_buffers.try_to_load

    def counted(file: Path, options: BackendOptions, wanted: Callable[[], bool]) -> None:
        tried.append(options.extra_buffers)
        real(file, options, wanted)

    monkeypatch.setattr(file_buffers, "try_to_load", counted)
    for _ in range(2):
        pool = Pool(tmp_path, GUIDE, settings_file=tmp_path / "notes.json")
        pool.load(path, LoadSettings(context=256, slots=1))
        until = time.monotonic() + 60
        while pool.loaded()[0].state is ModelState.LOADING and time.monotonic() < until:
            time.sleep(0.02)
        [model] = pool.loaded()
        assert (model.state, model.error) == (ModelState.READY, None)
        assert not pool.versions.entry("flash").plan.options.extra_buffers
        pool.close()
    assert tried == [True, False, False]


def test_after_a_crash_in_native_code_the_machine_is_tried_again(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model_parts.extra_buffers(home)
    preload(monkeypatch, faulty_processor.refuses_repacked(tmp_path))
    settings = Settings(home=home, offload_disk_mb=0)
    for found, extra in (((), True), ((CRASH,), False)):
        record = RunRecord(tmp_path / "logs")
        record.found = found
        pool = model_parts.open_pool(settings, record)
        assert pool.extra_buffers is extra
        pool.close()
        record.close()
