from __future__ import annotations

import time
from collections.abc import Callable

import httpx
import pytest
from sqlalchemy import insert

from bootstrap.portal import Portal
from data.index.worker import MAX_ATTEMPTS
from data.tables import IndexJobTable
from tests.store.things import NOW


@pytest.fixture
def ada(signed_in: Callable[[str], httpx.Client]) -> httpx.Client:
    return signed_in("ada")


def test_the_state_tells_how_far_the_index_is(ada: httpx.Client, portal: Portal) -> None:
    portal.index_worker.drain(10)
    state = ada.get("/api/v1/index").json()
    assert (state["engine"], state["parked"], state["rebuilding"]) == ("sqlite", 0, False)


def test_failed_jobs_are_seen_and_tried_again(ada: httpx.Client, portal: Portal) -> None:
    jobs = [
        {"kind": "message", "document_id": f"m{n}", "created_at": NOW, "attempts": MAX_ATTEMPTS, "error": "too strange"} for n in range(3)
    ]
    with portal.database.engine.begin() as connection:
        connection.execute(insert(IndexJobTable), jobs)
    items = ada.get("/api/v1/index/parked").json()["items"]
    assert [(item["document_id"], item["error"]) for item in items] == [(f"m{n}", "too strange") for n in range(3)]
    first = items[0]["number"]
    assert ada.get("/api/v1/index").json()["parked"] == 3
    assert [item["number"] for item in ada.get(f"/api/v1/index/parked?after={first}").json()["items"]] == [first + 1, first + 2]
    assert ada.post("/api/v1/index/parked/retry", json={"number": first}).json() == {"retried": 1}
    assert ada.post("/api/v1/index/parked/retry").json() == {"retried": 2}
    assert portal.index_worker.drain(10)
    assert ada.get("/api/v1/index").json()["parked"] == 0


def test_reconciling_and_rebuilding_are_begun_and_reported(ada: httpx.Client, portal: Portal) -> None:
    portal.index_worker.drain(10)
    assert ada.post("/api/v1/index/reconcile").status_code == 202
    until = time.monotonic() + 60
    while (last := ada.get("/api/v1/index").json()["last_reconciliation"]) is None and time.monotonic() < until:
        time.sleep(0.02)
    assert last["compared"] > 0
    assert ada.post("/api/v1/index/rebuild").json()["engine"] == "sqlite"
    until = time.monotonic() + 60
    while ada.get("/api/v1/index").json()["rebuilding"] and time.monotonic() < until:
        portal.index_worker.drain(1)  # the rebuild is a job: a drain may find nothing yet
    assert ada.get("/api/v1/index").json()["rebuilding"] is False
    assert portal.index_worker.drain(60)
    actions = [item["snippet"] for item in ada.get("/api/v1/search?q=index&kind=audit").json()["items"]]
    assert len(actions) == 2
