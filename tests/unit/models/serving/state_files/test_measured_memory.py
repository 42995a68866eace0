"""A plan is accurate once the same load was measured."""

from __future__ import annotations

import time
from pathlib import Path

from bootstrap.models import GUIDE
from core.models.load_settings import FlashAttention, LoadSettings
from core.models.records import LoadedModel, ModelState
from models.gguf.facts import read_facts
from models.gguf.memory_plan import plan_load
from models.serving.pool.pool import Pool
from models.serving.state_files.measured_memory import MeasuredMemory
from samples.gguf_maker import make_gguf
from samples.gguf_tensors import HEADS
from tests.this_machine import EXTRA_BUFFERS

PATIENCE_S = 120


def test_the_next_plan_of_a_load_is_what_it_took(tmp_path: Path) -> None:
    path = make_gguf(tmp_path / "glm.gguf")
    settings, other = LoadSettings(context=512, slots=2, isolated=True), LoadSettings(context=1024, slots=4, isolated=True)
    pool = Pool(tmp_path, GUIDE, settings_file=tmp_path / "notes.json", extra_buffers=EXTRA_BUFFERS)
    try:
        file = pool.read_file(path)
        assert not pool.plan(file, settings).measured
        # In a separate process nothing that earlier tests gave back can be used again.
        model = loaded(pool, path, settings)
        after = pool.plan(file, settings)
        assert after.measured and after.needed_bytes == model.memory_bytes
        assert not pool.plan(file, other).measured, "another context is another load"
    finally:
        pool.close()
    later = Pool(tmp_path, GUIDE, settings_file=tmp_path / "notes.json", extra_buffers=EXTRA_BUFFERS)
    try:
        assert later.plan(file, settings).needed_bytes == after.needed_bytes, "a new pool of the same home knows it, too"
    finally:
        later.close()


def test_the_work_space_counts_before_a_long_prompt_has_used_it(tmp_path: Path) -> None:
    path = make_gguf(tmp_path / "glm.gguf", context=8192)
    settings = LoadSettings(context=8192, slots=1, flash_attention=FlashAttention.OFF)
    pool = Pool(tmp_path, GUIDE, settings_file=tmp_path / "notes.json", extra_buffers=EXTRA_BUFFERS)
    try:
        plan = pool.plan(pool.read_file(path), settings)
        model = loaded(pool, path, settings)
        # Most of it is the attention scores of a micro-batch over the whole context.
        assert model.memory_bytes > plan.context_bytes + 512 * 8192 * HEADS * 4 // 2
    finally:
        pool.close()


def loaded(pool: Pool, path: Path, settings: LoadSettings) -> LoadedModel:
    pool.load(path, settings)
    deadline = time.monotonic() + PATIENCE_S
    while pool.loaded()[0].state is ModelState.LOADING:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    [model] = pool.loaded()
    assert model.state is ModelState.READY, model.error
    return model


def test_a_changed_file_and_another_machine_begin_anew(tmp_path: Path) -> None:
    path = make_gguf(tmp_path / "glm.gguf")
    facts = read_facts(path)
    settings = LoadSettings(context=512, slots=2)
    plan = plan_load(facts, settings)
    measured = MeasuredMemory(tmp_path / "measured.json", "here")
    # Less than the weights alone, as where the file stays mapped.
    taken = facts.weights_bytes // 2
    measured.keep(facts, settings, plan, taken)
    assert measured.corrected(facts, settings, plan).memory.needed_bytes == taken
    assert measured.corrected(facts, settings, measured.corrected(facts, settings, plan)).memory.needed_bytes == taken
    assert MeasuredMemory(tmp_path / "measured.json", "there").corrected(facts, settings, plan) == plan
    make_gguf(path, seed=1)
    assert measured.corrected(read_facts(path), settings, plan) == plan
    (tmp_path / "measured.json").write_text("[1")
    assert measured.corrected(facts, settings, plan) == plan
