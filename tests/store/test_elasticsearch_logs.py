"""Log lines in a real Elasticsearch: sent, rolled over, deleted when old; and the cost of a dead server."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from elasticsearch import NotFoundError

from bootstrap.portal import build_portal
from core.errors import Unavailable
from core.operations.log_context import log_context
from data.logs import shipping as log_shipping
from data.logs.shipping import LogShipper
from data.search.elasticsearch.logs import ElasticsearchLogs
from data.search.elasticsearch.rollover import RolloverLimits
from data.search.elasticsearch.server import ElasticsearchServer
from samples.fakes import FakePool, FakeRouter
from samples.servers.elasticsearch_node import ElasticsearchNode
from samples.servers.ports import free_port
from settings import Settings

log = logging.getLogger("tests.shipped")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_shipping, "EVERY_S", 0.05)
    log.setLevel(logging.DEBUG)


@pytest.fixture
def server(elasticsearch_node: ElasticsearchNode) -> Iterator[ElasticsearchServer]:
    opened = ElasticsearchServer(elasticsearch_node.url, prefix=f"test-{uuid4().hex[:12]}")
    yield opened
    opened.close()


def logs(server: ElasticsearchServer, limits: RolloverLimits | None = None, kept: timedelta = timedelta(days=90)) -> ElasticsearchLogs:
    """Return logs with their own connection, as a portal has."""
    own = ElasticsearchServer(server.address, prefix=server.prefix)
    return ElasticsearchLogs(own, limits or RolloverLimits(), kept)


def found(server: ElasticsearchServer) -> list[dict[str, str]]:
    """Return all lines, oldest first."""
    try:
        server.client.indices.refresh(index=f"{server.prefix}-logs")
    except NotFoundError:
        return []
    hits = server.client.search(index=f"{server.prefix}-logs", size=1000, sort=["@timestamp"])["hits"]["hits"]
    return [hit["_source"] for hit in hits]


def indices(server: ElasticsearchServer) -> list[str]:
    return sorted(name.removeprefix(f"{server.prefix}-logs-v1-") for name in server.client.indices.get(index=f"{server.prefix}-logs-*"))


def wait_until(true: Callable[[], object]) -> None:
    until = time.monotonic() + 60
    while not true():
        assert time.monotonic() < until
        time.sleep(0.05)


def line(at: datetime, message: str = "x") -> tuple[str, dict[str, str]]:
    return uuid4().hex, {"time": at.isoformat(), "level": "INFO", "logger": "l", "message": message}


def test_lines_from_info_on_arrive_masked_and_with_whose_they_are(server: ElasticsearchServer) -> None:
    shipper = LogShipper(logs(server))
    shipper.start()
    with log_context(request_id="r1", user_id="u1", turn_id="t1", model="glm"):
        log.debug("not this")
        log.info("password=hunter2 第一行")
        try:
            raise ValueError("mail to ann@example.com")
        except ValueError:
            log.exception("trouble")
    wait_until(lambda: len([each for each in found(server) if each["logger"] == "tests.shipped"]) == 2)
    shipper.finish()
    first, second = [each for each in found(server) if each["logger"] == "tests.shipped"]
    assert first["message"] == "password=*** 第一行" and second["exception"].endswith("ValueError: mail to ***")
    assert [first[name] for name in ("request_id", "user_id", "turn_id", "model")] == ["r1", "u1", "t1", "glm"]
    assert first["host"] and shipper.dropped == 0
    assert [each for each in found(server) if "elastic" in each["logger"]] == []


def test_what_waits_at_the_end_is_sent(server: ElasticsearchServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_shipping, "EVERY_S", 60)
    shipper = LogShipper(logs(server))
    shipper.start()
    log.info("last words")
    shipper.finish(timeout=20)
    assert [each["message"] for each in found(server)] == ["last words"]


def test_a_line_that_is_sent_twice_is_there_once(server: ElasticsearchServer) -> None:
    index = logs(server)
    index.prepare()
    index.prepare()
    again = line(datetime.now(UTC))
    assert index.write([again]) == 0 and index.write([again]) == 0
    assert len(found(server)) == 1


def test_the_mappings_are_strict(server: ElasticsearchServer) -> None:
    index = logs(server)
    index.prepare()
    id, fields = line(datetime.now(UTC))
    assert index.write([(id, fields | {"question": "what I ask"}), line(datetime.now(UTC))]) == 1


def test_a_new_index_begins_when_the_present_one_has_grown_enough(server: ElasticsearchServer) -> None:
    index = logs(server, RolloverLimits(documents=3))
    index.prepare()
    now = datetime.now(UTC)
    index.maintain(now)
    index.write([line(now)])
    index.write([line(now)])
    server.client.indices.refresh(index=f"{server.prefix}-logs")
    index.maintain(now)
    assert indices(server) == ["000001"]
    index.write([line(now)])
    server.client.indices.refresh(index=f"{server.prefix}-logs")
    index.maintain(now)
    index.maintain(now)
    assert indices(server) == ["000001", "000002"]
    index.write([line(now, "in the second")])
    assert len(found(server)) == 4
    assert server.client.count(index=f"{server.prefix}-logs-v1-000002")["count"] == 1
    index.prepare()  # as another start does
    assert indices(server) == ["000001", "000002"]


def test_an_index_goes_when_its_newest_line_is_too_old(server: ElasticsearchServer) -> None:
    index = logs(server, RolloverLimits(documents=1), kept=timedelta(days=10))
    index.prepare()
    now = datetime.now(UTC)
    for days in (30, 11, 9):
        index.write([line(now - timedelta(days=days), f"{days} days old")])
        server.client.indices.refresh(index=f"{server.prefix}-logs")
        index.maintain(now - timedelta(days=days))
    index.write([line(now - timedelta(days=40), "written to")])
    server.client.indices.refresh(index=f"{server.prefix}-logs")
    logs(server, kept=timedelta(days=10)).maintain(now)
    assert [each["message"] for each in found(server)] == ["written to", "9 days old"]


def test_a_dead_server_costs_nothing_and_what_is_left_out_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    shipper = LogShipper(logs(ElasticsearchServer(f"http://127.0.0.1:{free_port()}")), capacity=100)
    shipper.start()
    began = time.monotonic()
    for number in range(1000):
        log.info("line %d", number)
    assert time.monotonic() - began < 10
    wait_until(lambda: "Log lines are waiting to be sent" in caplog.text)
    time.sleep(0.5)
    assert caplog.text.count("Log lines are waiting to be sent") == 1
    assert shipper.dropped >= 900
    shipper.finish()


def test_after_the_server_is_back_it_has_what_waited_and_says_what_is_missing(
    server: ElasticsearchServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    index = logs(server)
    working, down = index.write, True

    def write(lines: list[tuple[str, dict[str, str]]]) -> int:
        if down:
            raise Unavailable("down")
        return working(lines)

    monkeypatch.setattr(index, "write", write)
    shipper = LogShipper(index, capacity=5)
    shipper.start()
    for number in range(8):
        log.info("line %d", number)
    wait_until(lambda: "Log lines are waiting to be sent: down" in caplog.text)
    down = False
    wait_until(lambda: "3 log lines were not sent" in caplog.text and "reach Elasticsearch again" in caplog.text)
    shipper.finish()
    messages = [each["message"] for each in found(server)]
    assert [each for each in messages if each.startswith("line")] == [f"line {number}" for number in range(5)]
    assert [each for each in messages if "missing" in each] == ["3 log lines of this portal are missing here. Its log file has them."]


def test_a_portal_with_elasticsearch_sends_its_own_lines(elasticsearch_node: ElasticsearchNode, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, elasticsearch_url=elasticsearch_node.url)
    portal = build_portal(settings, pool=FakePool(), router=FakeRouter())
    log.warning("a line of the portal of %s", tmp_path)
    portal.close()
    reader = ElasticsearchServer(elasticsearch_node.url)
    assert [each["message"] for each in found(reader) if str(tmp_path) in each["message"]] == [f"a line of the portal of {tmp_path}"]
    assert not [each for each in logging.getLogger().handlers if isinstance(each, LogShipper)]
    reader.close()
