"""A load that fails leaves neither processes nor native memory behind."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from core.models.load_settings import LoadSettings
from core.models.records import ModelState
from models.engine.llama.options import BackendOptions
from models.serving.pool.pool import Pool
from models.trials.file_buffers import FileBuffers
from samples.gguf_maker import make_gguf
from tests.this_machine import EXTRA_BUFFERS

GUIDE = Path(__file__).parents[4] / "models" / "guide" / "guide.gguf"
PATIENCE_S = 60
Trial = Callable[[FileBuffers, Path, str, BackendOptions, Callable[[], bool]], BackendOptions]
TRIAL: Trial = FileBuffers.try_to_load


def moved(path: Path) -> None:
    path.rename(path.with_name("elsewhere.gguf"))


def broken(path: Path) -> None:
    raise ZeroDivisionError("a fault of the portal")


@pytest.mark.parametrize(
    ("happens", "reason"),
    [(moved, "glm.gguf was moved or deleted. Put it back, or choose another file."), (broken, "a fault of the portal")],
    ids=["the file is moved", "the portal has a fault"],
)
def test_a_load_that_fails_during_its_trial_ends_its_processes(
    happens: Callable[[Path], None], reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, rendering = set(psutil.Process().children()), list[psutil.Process]()

    def trial(
        buffers: FileBuffers, path: Path, version: str, options: BackendOptions, wanted: Callable[[], bool]
    ) -> BackendOptions:
        rendering.extend(set(psutil.Process().children()) - before)
        happens(path)
        return TRIAL(buffers, path, version, options, wanted)

    monkeypatch.setattr(FileBuffers, "try_to_load", trial)
    pool = Pool(tmp_path, GUIDE, settings_file=tmp_path / "notes.json", extra_buffers=EXTRA_BUFFERS)
    pool.load(make_gguf(tmp_path / "glm.gguf", sharpness=0.1), LoadSettings(context=512, slots=1))
    deadline = time.monotonic() + PATIENCE_S
    while (model := pool.loaded()[0]).state is ModelState.LOADING:
        assert time.monotonic() < deadline, "it still loads"
        time.sleep(0.01)
    assert model.state is ModelState.FAILED and reason in str(model.error)
    assert rendering, "the chat template has a process before the file is tried"
    assert not [each for each in rendering if each.is_running()]
    pool.close()
