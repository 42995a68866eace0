from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from api.monitoring.metrics_routes import OLD_NAMES
from bootstrap.portal import Portal
from core.errors import Unavailable
from core.inference.records import Timings
from core.models.records import ModelState
from core.usage.machines.records import Gauge, Measured, Subject
from data.logs.shipping import LogShipper
from data.search.elasticsearch.logs import ElasticsearchLogs
from data.search.elasticsearch.rollover import RolloverLimits
from data.search.elasticsearch.server import ElasticsearchServer
from models.engine.stats.histogram import EngineHistograms
from models.engine.stats.metrics import EngineMetrics
from samples.fakes import MODEL, FakePool
from tests.unit.api.conftest import Server
from tests.unit.api.portal.chat.test_conversations import ask, new


def test_the_process_answers(client: httpx.Client) -> None:
    assert client.get("/healthz").json() == client.get("/health").json() == {"status": "ok"}


def test_a_portal_that_can_answer_is_ready(client: httpx.Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["ready"] is True
    assert answer.json()["model"] == {"ready": True, "detail": "fake"}


def test_others_learn_that_it_is_ready_but_not_what_runs_there(client: httpx.Client) -> None:
    answer = client.get("/readyz", headers={"X-Forwarded-For": "10.1.1.1"})
    assert answer.status_code == 200
    assert answer.json()["model"] == {"ready": True, "detail": ""}


def test_without_a_ready_model_it_is_not(client: httpx.Client, pool: FakePool) -> None:
    pool.models = [replace(MODEL, state=ModelState.LOADING)]
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["model"] == {"ready": False, "detail": "fake is loading"}
    pool.models = []
    assert client.get("/readyz").json()["model"]["detail"] == "no model is loaded"


def _gone(*_: object, **__: object) -> None:
    raise Unavailable("It does not answer.")


def test_without_the_store_it_is_not(client: httpx.Client, portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portal.accounts, "has_any", _gone)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["store"] == {"ready": False, "detail": "It does not answer."}


def test_without_the_index_it_still_answers_questions(
    client: httpx.Client, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portal.index, "search", _gone)
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["index"]["ready"] is False


def _engine() -> EngineMetrics:
    histograms = EngineHistograms()
    histograms.step(3, 200, 0.03)
    histograms.step(70, 0, 9.0)
    histograms.answer(Timings(queue_s=0.1, ttft_s=0.4), [0.004, 0.02, 0.021])
    totals = EngineMetrics(
        4, 1, 2, 100, 50, 25, 10, 0.5, 3, 0, 7, 4096, None, prompt_tokens=100, slot_tokens=6, prefetched_tokens=4, copied_tokens=8,
        restored_tokens=5, disk_tokens=2, disk_offloaded_bytes=8192, disk_failures=1,
        draft_tokens=8, accepted_tokens=6, mtp_tokens=4, mtp_accepted=3, decode_failures=2, full=5, aborted=1,
        padding_tokens=9,
    )  # fmt: skip
    return replace(totals, spreads=histograms.spreads)


def _read(client: httpx.Client) -> dict[tuple[str, ...], float]:
    found = {}
    for family in text_string_to_metric_families(client.get("/metrics").text):
        for sample in family.samples:
            found[(sample.name, *sample.labels.values())] = sample.value
    return found


def test_metrics_tell_the_engine_the_turns_and_the_process(
    client: httpx.Client, pool: FakePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "metrics", lambda: {"fake": _engine()})
    read = _read(client)
    assert read["portal_turns_running",] == 0
    assert read["portal_store_up",] == 1
    assert read["portal_index_jobs_pending",] >= 0
    assert read["portal_model_loaded", "fake", "ready"] == 1
    assert read["portal_model_slots_busy", "fake"] == 1
    assert read["portal_model_decoded_tokens_total", "fake"] == 100
    assert read["portal_model_step_seconds_total", "fake"] == 0.5
    origins = ("slot", "prefetched", "copied", "restored", "disk")
    assert sum(read[f"portal_model_{origin}_tokens_total", "fake"] for origin in origins) == 25
    assert (read["portal_model_offloaded_disk_bytes", "fake"], read["portal_model_offload_disk_failures_total", "fake"]) == (8192, 1)
    assert ("portal_model_tokens_per_second", "fake") not in read
    assert read["portal_model_decode_failures_total", "fake"] == 2
    assert read["portal_model_context_full_total", "fake"] == 5
    assert read["portal_model_steps_aborted_total", "fake"] == 1
    assert read["portal_model_padding_tokens_total", "fake"] == 9
    assert read["portal_memory_free_bytes", "host"] < read["portal_memory_bytes", "host"]
    assert read["process_resident_memory_bytes",] > 1_000_000


def test_metrics_tell_what_the_machine_measured_and_no_more(client: httpx.Client, portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = Measured(Subject.GPU, "0 GPU", {Gauge.POWER: 350.0, Gauge.GPU: 0.75, Gauge.BUSY_POWER: 350.0})
    monkeypatch.setattr(type(portal.sampler), "latest", [Measured(Subject.MACHINE, "", {Gauge.PEOPLE_WAITING: 3}), gpu])
    read = _read(client)
    assert read["portal_people_waiting",] == 3 and read["portal_gpu_power_watts", "0 GPU"] == 350
    assert read["portal_gpu_used_ratio", "0 GPU"] == 0.75
    assert ("portal_cpu_used_ratio",) not in read and ("portal_gpu_temperature_celsius", "0 GPU") not in read


def test_metrics_that_were_renamed_keep_their_old_names_too(client: httpx.Client, pool: FakePool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "metrics", lambda: {"fake": _engine()})
    read = _read(client)
    for now, before in OLD_NAMES.items():
        ending = "_total" if (f"portal_model_{now}_total", "fake") in read else ""
        assert read[f"portal_model_{before}{ending}", "fake"] == read[f"portal_model_{now}{ending}", "fake"]
    assert read["portal_model_guessed_tokens_total", "fake"] == 8


def test_log_lines_that_were_not_sent_are_counted(client: httpx.Client, portal: Portal, server: Server) -> None:
    assert _read(client)["portal_log_lines_dropped_total",] == 0, "there is no Elasticsearch"
    index = ElasticsearchLogs(ElasticsearchServer("http://127.0.0.1:9"), RolloverLimits(), timedelta(days=1))
    shipper = LogShipper(index, capacity=2)
    server.portal = replace(portal, log_shipper=shipper)
    for number in range(5):
        shipper.handle(logging.makeLogRecord({"msg": f"line {number}"}))
    assert _read(client)["portal_log_lines_dropped_total",] == 3
    shipper.finish()


def test_times_come_as_histograms(client: httpx.Client, pool: FakePool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "metrics", lambda: {"fake": _engine()})
    read = _read(client)

    def buckets(name: str, *bounds: str) -> list[float]:
        return [read[f"portal_model_{name}_bucket", bound, "fake"] for bound in bounds]

    assert buckets("step_duration_seconds", "0.025", "0.05", "2.5", "+Inf") == [0, 1, 1, 2]
    assert read["portal_model_step_duration_seconds_sum", "fake"] == pytest.approx(9.03)
    assert buckets("step_answers", "2.0", "4.0", "64.0", "128.0") == [0, 1, 1, 2]
    assert buckets("step_prompt_tokens", "128.0", "256.0", "+Inf") == [0, 1, 1]
    assert buckets("inter_token_seconds", "0.002", "0.005", "0.02", "0.035", "+Inf") == [0, 1, 2, 3, 3]
    assert buckets("queue_wait_seconds", "0.05", "0.1", "+Inf") == [0, 1, 1]
    assert buckets("first_token_seconds", "0.25", "0.5", "+Inf") == [0, 1, 1]
    assert read["portal_model_first_token_seconds_count", "fake"] == 1


def test_requests_are_counted_by_route_and_never_by_id(client: httpx.Client, ann: httpx.Client) -> None:
    route = "/api/v1/conversations/{conversation_id}/messages"
    before = _read(client)
    conversation = new(ann)
    ask(ann, conversation)
    for n in range(3):
        client.get(f"/api/nothing/{n}")
        client.request("BREW", "/healthz")
    after = _read(client)

    def grown(*key: str) -> float:
        return after.get(key, 0) - before.get(key, 0)

    assert grown("portal_http_requests_total", "POST", route, "200") == 1
    assert grown("portal_http_requests_total", "any", "unknown", "404") == 3
    assert not any(conversation in label or "BREW" in label for key in after for label in key)


def test_metrics_go_on_without_the_store(client: httpx.Client, portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portal.index_worker, "pending", _gone)
    assert _read(client)["portal_store_up",] == 0


def test_the_description_lists_every_route_and_loads_nothing_from_elsewhere(client: httpx.Client) -> None:
    described = client.get("/api/v1/openapi.json")
    assert described.json()["openapi"].startswith("3.")
    assert set(re.findall(r"https?://[^\"\s]+", described.text)) == set()
    for page in ("/docs", "/redoc", "/api/v1/docs"):
        assert client.get(page).status_code == 404


def test_an_error_inside_is_a_sentence_and_not_a_traceback(
    client: httpx.Client, signed_in: Callable[[str], httpx.Client], portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = signed_in("ann")

    def broken(*_: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(portal.conversations, "list", broken)
    monkeypatch.setattr(portal.gateway, "models", broken)
    for path in ("/api/v1/conversations", "/v1/models"):
        answer = ann.get(path)
        assert answer.status_code == 500
        assert "secret" not in answer.text
        assert f"the code {answer.headers['X-Request-ID']}: the log" in answer.json()["error"]["message"]


def test_a_model_that_is_stuck_is_named(client: httpx.Client, pool: FakePool) -> None:
    pool.models = [replace(MODEL, stuck_s=42.4)]
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["model"] == {"ready": False, "detail": "fake is stuck: its step has taken 42 s"}
    pool.models = [replace(MODEL, stuck_s=42.4), replace(MODEL, name="other", default=False)]
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["model"] == {"ready": True, "detail": "other; fake is stuck: its step has taken 42 s"}
