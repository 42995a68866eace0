"""Adapters on llama.cpp, from the request to the answer."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import InvalidInput, NotFound
from core.inference.requests import GenerationRequest
from core.models.load_settings import Adapter, LoadSettings
from core.models.records import ModelState
from models.serving.pool.pool import Pool
from models.serving.router import PoolRouter
from models.trials.self_test import GUIDE
from samples.gguf_maker import make_adapter, make_gguf
from tests.this_machine import EXTRA_BUFFERS
from tests.unit.models.serving.pool.test_pool import answer, load
from tests.unit.models.serving.pool.test_pool import request as asking


@pytest.fixture(scope="module", params=["glm4", "deepseek2"])
def pool(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    folder = tmp_path_factory.mktemp("models")
    layers = 1 if request.param == "deepseek2" else 2
    model = make_gguf(folder / "glm.gguf", request.param)
    adapters = tuple(
        Adapter(name, make_adapter(folder / f"{name}.gguf", request.param, seed=seed, layers=layers), scale)
        for seed, (name, scale) in enumerate([("legal", 1.0), ("sql", 1.0), ("off", 0.0)], start=1)
    )
    made = Pool(folder, GUIDE, settings_file=folder / "notes.json", extra_buffers=EXTRA_BUFFERS)
    load(made, model, LoadSettings(context=512, slots=8, adapters=adapters))
    yield made
    made.close()


def asked(model: str, question: str = "hello there", adapter: str | None = None) -> GenerationRequest:
    return replace(asking(question, model=model, thinking=False, temperature=0.0, max_tokens=24), adapter=adapter, guard=False)


def said(pool: Pool, one: GenerationRequest) -> str:
    return answer(pool, one)[1]


def test_each_adapter_answers_in_its_own_way_and_scale_0_not_at_all(pool: Pool) -> None:
    plain, legal, sql, off = (said(pool, asked(name)) for name in ("glm", "glm:legal", "glm:sql", "glm:off"))
    assert len({plain, legal, sql}) == 3
    assert off == plain
    assert said(pool, asked("glm", adapter="legal")) == legal == said(pool, asked("glm:legal", adapter="legal"))
    assert said(pool, asked("glm")) == plain, "and the model is as it was"


def test_an_answer_is_the_same_alone_and_in_a_crowd_of_other_adapters(pool: Pool) -> None:
    names = ["glm", "glm:legal", "glm:sql", "glm:off"] * 4
    requests = [replace(asked(name, f"question {number // 4}"), user_id=str(number)) for number, name in enumerate(names)]
    alone = [said(pool, one) for one in requests]
    with ThreadPoolExecutor(len(requests)) as threads:
        crowd = list(threads.map(lambda one: said(pool, one), requests))
    # The first tokens: later ones may fall otherwise where two are nearly equally likely and the batch has another shape.
    assert [text[:8] for text in crowd] == [text[:8] for text in alone]


def test_the_answer_says_which_adapter_gave_it(pool: Pool) -> None:
    running = PoolRouter(pool).start(asked("glm:legal"))
    list(running.events())
    assert running.model == "glm:legal" and running.model_version.startswith(pool.loaded()[0].version + "+")


def test_an_adapter_that_is_not_there_is_not_found_in_words(pool: Pool) -> None:
    for wrong in (asked("glm:poetry"), asked("glm", adapter="poetry")):
        with pytest.raises(NotFound, match="The model glm has no adapter poetry\\. Choose one of: legal, sql, off\\."):
            PoolRouter(pool).start(wrong)
    with pytest.raises(NotFound, match="no model other"):
        PoolRouter(pool).start(asked("other:legal"))
    with pytest.raises(InvalidInput, match="asks for the adapter legal, but the request asks for sql"):
        PoolRouter(pool).start(asked("glm:legal", adapter="sql"))


def test_what_can_be_asked_is_listed(pool: Pool) -> None:
    assert PoolRouter(pool).models()[0].names == ("glm", "glm:legal", "glm:sql", "glm:off")


def test_an_adapter_of_another_model_refuses_the_load_before_it_begins(tmp_path: Path) -> None:
    model, adapter = make_gguf(tmp_path / "glm.gguf"), make_adapter(tmp_path / "a.gguf", "chatglm")
    pool = Pool(tmp_path, GUIDE, settings_file=tmp_path / "notes.json", extra_buffers=EXTRA_BUFFERS)
    with pytest.raises(InvalidInput, match="made for the architecture 'chatglm'"):
        pool.load(model, LoadSettings(adapters=(Adapter("a", adapter),)))
    assert pool.loaded() == []
    plain = pool.plan(pool.read_file(model), LoadSettings())
    more = pool.plan(pool.read_file(model), LoadSettings(adapters=(Adapter("a", adapter),)))
    assert more.weights_bytes == plain.weights_bytes + adapter.stat().st_size
    pool.close()


def test_a_model_comes_back_with_its_adapters_as_it_was_loaded_last(tmp_path: Path) -> None:
    model, adapter = make_gguf(tmp_path / "glm.gguf"), make_adapter(tmp_path / "a.gguf")
    settings = LoadSettings(context=256, slots=2, adapters=(Adapter("a", adapter, 0.5),))
    pool = Pool(tmp_path, GUIDE, settings_file=tmp_path / "notes.json", extra_buffers=EXTRA_BUFFERS)
    assert load(pool, model, settings).state is ModelState.READY
    pool.close()
    again = Pool(tmp_path, GUIDE, settings_file=tmp_path / "notes.json", extra_buffers=EXTRA_BUFFERS)
    assert again.remembered(model) == settings
    again.close()
