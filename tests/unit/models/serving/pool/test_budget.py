"""All models together stay within the memory that the settings give them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bootstrap.models import GUIDE
from core.errors import InvalidInput
from core.models.load_settings import LoadSettings
from core.models.records import LoadedModel, ModelState
from models.gguf.catalogue import Catalogue
from models.serving.pool.pool import Pool
from samples.gguf_maker import make_gguf
from tests.this_machine import EXTRA_BUFFERS

SMALL = LoadSettings(context=256, slots=1)
PATIENCE_S = 120
BUDGET = 100_000_000
"""Room for one model of `SMALL`, which is planned with some 40 MB, and not for three."""


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[Pool]:
    pool = Pool(tmp_path, GUIDE, settings_file=tmp_path / "notes.json", extra_buffers=EXTRA_BUFFERS, budget_bytes=BUDGET)
    yield pool
    pool.close()


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def state(pool: Pool, name: str) -> LoadedModel:
    return next(model for model in pool.loaded() if model.name == name)


def load(pool: Pool, path: Path, settings: LoadSettings = SMALL) -> LoadedModel:
    pool.load(path, settings)
    until(lambda: state(pool, path.stem).state is not ModelState.LOADING)
    assert state(pool, path.stem).state is ModelState.READY
    return state(pool, path.stem)


def test_a_model_that_would_exceed_the_limit_is_refused_with_what_is_left(pool: Pool, tmp_path: Path) -> None:
    path = make_gguf(tmp_path / "glm.gguf")
    plan = pool.plan(pool.read_file(path), SMALL)
    assert plan.fits and plan.budget_bytes == plan.total_bytes == BUDGET and plan.free_bytes == BUDGET
    before = pool.budget()
    assert before is not None and (before.free_bytes, before.total_bytes) == (BUDGET, BUDGET)
    load(pool, path)
    budget = pool.budget()
    assert budget is not None and budget.free_bytes < BUDGET
    other = make_gguf(tmp_path / "other.gguf", seed=1)
    assert pool.plan(pool.read_file(other), SMALL).free_bytes == budget.free_bytes
    with pytest.raises(InvalidInput, match="PORTAL_MODEL_MEMORY_GB"):
        pool.load(other, LoadSettings(context=1024, slots=256))
    assert state(pool, "glm").state is ModelState.READY


def test_a_limit_above_what_the_machine_has_changes_nothing(tmp_path: Path) -> None:
    path = make_gguf(tmp_path / "glm.gguf")
    pool = Pool(tmp_path, GUIDE, settings_file=tmp_path / "notes.json", extra_buffers=EXTRA_BUFFERS, budget_bytes=10**18)
    try:
        plan = pool.plan(pool.read_file(path), SMALL)
        assert plan.fits and plan.budget_bytes == 0 and plan.total_bytes < 10**15
    finally:
        pool.close()


def test_a_sleeping_model_does_not_count_and_wakes_though_its_own_memory_is_all_there_is(tmp_path: Path) -> None:
    path = make_gguf(tmp_path / "glm.gguf")
    pool = Pool(tmp_path, GUIDE, settings_file=tmp_path / "notes.json", extra_buffers=EXTRA_BUFFERS)
    try:
        needed = pool.plan(pool.read_file(path), SMALL).needed_bytes
    finally:
        pool.close()
    pool = Pool(tmp_path, GUIDE, settings_file=tmp_path / "notes.json", extra_buffers=EXTRA_BUFFERS, budget_bytes=round(1.5 * needed))
    try:
        load(pool, path)
        until(lambda: pool.sleeping.sleep("glm"))
        budget = pool.budget()
        assert budget is not None and budget.free_bytes == budget.total_bytes
        pool.sleeping.wake("glm")
        until(lambda: state(pool, "glm").state is not ModelState.LOADING)
        assert state(pool, "glm").state is ModelState.READY, state(pool, "glm").error
    finally:
        pool.close()


def test_the_catalogue_says_what_fits_within_the_limit(pool: Pool) -> None:
    catalogue = Catalogue(room=pool.room)
    entry = catalogue.entry("glm-4-9b-0414")
    plan = catalogue.plan(entry, entry.quantization("Q4_K_M"))
    assert not plan.fits and plan.total_bytes == BUDGET
