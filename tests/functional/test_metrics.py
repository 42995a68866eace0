"""The metrics that Prometheus reads from a portal with every kind of model loaded."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bench.portal_parts.portal import Measured, running_portal
from samples.gguf_maker import make_gguf
from tests.vector_gguf_maker import make_bert

PATIENCE_S = 60


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Measured]:
    folder = tmp_path_factory.mktemp("models")
    make_gguf(folder / "chat.gguf", name="chat")
    make_bert(folder / "vectors.gguf")
    make_bert(folder / "ranks.gguf", "rank")
    with running_portal(PORTAL_MODELS_FOLDER=str(folder)) as running:
        yield running


@pytest.mark.parametrize("isolated", [False, True], ids=["in the portal's process", "in processes of their own"])
def test_metrics_can_be_read_with_every_kind_of_model_loaded(portal: Measured, isolated: bool) -> None:
    names = ("chat", "vectors", "ranks")
    with portal.sign_in() as admin:
        for name in names:
            admin.post("/api/v1/models/load", json={"path": f"{name}.gguf", "isolated": isolated}).raise_for_status()
        _until_ready(admin, {*names, "guide"})
        admin.post("/v1/embeddings", json={"model": "vectors", "input": "a b c"}).raise_for_status()
        admin.post("/v1/rerank", json={"model": "ranks", "query": "a", "documents": ["a", "b"]}).raise_for_status()
        samples = _scrape(portal)
        for name in names:
            admin.delete(f"/api/v1/models/{name}").raise_for_status()
        _until_ready(admin, {"guide"})
    for name in (*names, "guide"):
        assert samples["portal_model_loaded", name, "ready"] == 1
        assert ("portal_model_steps_total", name) in samples
    assert ("portal_model_step_duration_seconds_count", "chat") in samples
    assert ("portal_model_step_duration_seconds_count", "vectors") not in samples, "a model for vectors keeps no histograms"


def _scrape(portal: Measured) -> dict[tuple[str, ...], float]:
    answer = httpx.get(f"{portal.url}/metrics", timeout=60)
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.text)
    return {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}


def _until_ready(admin: httpx.Client, names: set[str]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        loaded = {each["name"]: each["state"] for each in admin.get("/api/v1/models").json()["loaded"]}
        if set(loaded) == names and set(loaded.values()) == {"ready"}:
            return
        assert time.monotonic() < deadline, loaded
        time.sleep(0.1)
