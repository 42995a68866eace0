"""The history of the machines over REST."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx

from bootstrap.portal import Portal
from core.usage.machines.records import HOUR_S, Gauge, Span, Spread, Subject
from data.unit_of_work import SqlUnitOfWork


def test_managers_read_the_history_with_units_and_see_what_is_missing(signed_in: Callable[[str], httpx.Client], portal: Portal) -> None:
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
    gauges = {Gauge.POWER: Spread(n=3, mean=200.0, low=100.0, high=300.0)}
    with SqlUnitOfWork(portal.database) as work:
        work.machines.add([Span(server="two", subject=Subject.GPU, name="0 GPU", step_s=HOUR_S, at=hour, gauges=gauges)])
        work.commit()
    max_ = signed_in("max")
    read = max_.get("/api/v1/usage/machines", params={"subject": "gpu", "server": "two"}).json()
    assert read["step"] == 3600 and "two" in read["servers"]
    [item] = read["items"]
    assert (item["server"], item["subject"], item["name"]) == ("two", "gpu", "0 GPU")
    assert item["gauges"] == {"power": {"unit": "watts", "readings": 3, "mean": 200.0, "lowest": 100.0, "highest": 300.0}}
    assert max_.get("/api/v1/usage/machines", params={"step": "60", "server": "two"}).json()["items"] == []
    long = {"step": 60, "since": "2026-01-01T00:00:00Z"}
    for wrong in ({"step": 90}, {"subject": "house"}, long, {"until": "0001-01-01T00:00:00Z"}, {"until": "x"}):
        assert max_.get("/api/v1/usage/machines", params=wrong).status_code == 422, wrong
