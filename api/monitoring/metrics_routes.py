"""Serve Prometheus metrics, computed when they are scraped, and count requests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.monitoring.machine_metrics import machine_metrics
from api.services import Portal
from core.errors import PortalError
from core.operations.metric_fields import MetricField, MetricKind, metric_fields

router = APIRouter(tags=["health"])

OLD_NAMES = {
    "prefetched_tokens": "ahead_tokens",
    "prefetch_computed_tokens": "read_ahead_tokens",
    "offloaded_conversations": "parked_conversations",
    "offloaded_bytes": "parked_bytes",
    "offloaded_disk_conversations": "parked_disk_conversations",
    "offloaded_disk_bytes": "parked_disk_bytes",
    "offload_disk_failures": "parked_disk_failures",
    "draft_tokens": "guessed_tokens",
    "draft_tokens_accepted": "guessed_tokens_right",
    "mtp_tokens": "drafted_tokens",
    "mtp_tokens_accepted": "drafted_tokens_right",
    "padding_tokens": "filler_tokens",
    "answers_preempted": "answers_paused",
}
"""Renamed metrics: both names are exported for one release, so that boards and alerts can be changed."""

METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})


class RequestCount:
    """Holds the registry of one application."""

    def __init__(self, portal: Callable[[], Portal]) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("portal_http_requests", "REST requests answered.", ("method", "route", "status"), registry=self.registry)
        self.registry.register(PortalCollector(portal))
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)


class PortalCollector(Collector):
    def __init__(self, portal: Callable[[], Portal]) -> None:
        self._portal = portal

    def describe(self) -> Iterable[Metric]:
        """Describe nothing: registering must not start the portal."""
        return ()

    def collect(self) -> Iterable[Metric]:
        portal = self._portal()
        if (left := portal.disk.free) is not None:
            yield GaugeMetricFamily("portal_disk_free_bytes", "Free space on the disk of the home.", left)
        yield GaugeMetricFamily("portal_turns_running", "Questions being answered for the pages and /api/v1.", portal.turns.count())
        try:
            yield GaugeMetricFamily("portal_index_jobs_pending", (
                "Changes that the search index has not received yet."
            ), portal.index_worker.pending())
            yield GaugeMetricFamily("portal_store_up", "1 if the database answers.", 1)
            jobs = GaugeMetricFamily("portal_jobs", "Background jobs by state; ended ones are kept for 30 days.", labels=("state",))
            for state, number in portal.jobs.states().items():
                jobs.add_metric((state.value,), number)
            yield jobs
            firing = GaugeMetricFamily("portal_alerts_firing", "Alerts that fire now, by severity.", labels=("severity",))
            for severity, number in portal.alert_handling.firing().items():
                firing.add_metric((severity.value,), number)
            yield firing
        except PortalError:
            yield GaugeMetricFamily("portal_store_up", "1 if the database answers.", 0)
        asked, found = portal.embedding_cache.counted()
        yield CounterMetricFamily("portal_embedding_cache_texts", "Texts that requests for embeddings had since the start.", asked)
        yield CounterMetricFamily("portal_embedding_cache_hits", "Those whose vector was there already.", found)
        asked, found = portal.result_cache.counted()
        yield CounterMetricFamily("portal_result_cache_requests", "Deterministic requests that were looked up since the start.", asked)
        yield CounterMetricFamily("portal_result_cache_hits", "Those that it answered.", found)
        says = (
            "Log lines that Elasticsearch did not receive since the start: the queue was full, or it rejected them. The log file has "
            "them."
        )
        yield CounterMetricFamily("portal_log_lines_dropped", says, portal.log_lines_dropped)
        loaded = GaugeMetricFamily("portal_model_loaded", "1 for each model of this process, by state.", labels=("model", "state"))
        memory = GaugeMetricFamily("portal_model_memory_bytes", "Memory that loading the model took.", labels=("model",))
        for each in portal.pool.loaded():
            loaded.add_metric((each.name, each.state.value), 1)
            memory.add_metric((each.name,), each.memory_bytes)
        yield loaded
        yield memory
        free = GaugeMetricFamily("portal_memory_free_bytes", "Available memory of the host and of each GPU.", labels=("device",))
        whole = GaugeMetricFamily("portal_memory_bytes", (
            "Total memory of the host, or of the container, and of each GPU."
        ), labels=("device",))
        for device in portal.pool.memory():
            free.add_metric((device.name,), device.free_bytes)
            whole.add_metric((device.name,), device.total_bytes)
        yield free
        yield whole
        yield from machine_metrics(portal.sampler.latest)
        engines = portal.pool.metrics()
        yield from _engine_metrics(engines)


_FAMILIES: dict[MetricKind, type[Metric]] = {MetricKind.COUNTER: CounterMetricFamily, MetricKind.GAUGE: GaugeMetricFamily}


def _engine_metrics(engines: Mapping[str, Any]) -> Iterable[Metric]:
    """Yield a family per metric of the engines' records, labelled by model."""
    for field, described in _described(engines.values()).items():
        values = {model: value for model, engine in engines.items() if (value := getattr(engine, field, None)) is not None}
        yield _by_model(_FAMILIES[described.kind], described.name, described.help, values)
        if old := OLD_NAMES.get(described.name):
            says = f"Now portal_model_{described.name}; this name goes with the next release."
            yield _by_model(_FAMILIES[described.kind], old, says, values)
    # Embedding models have no histograms.
    spreads = {model: engine.spreads for model, engine in engines.items() if engine.spreads is not None}
    for field, described in _described(spreads.values()).items():
        histogram = HistogramMetricFamily(f"portal_model_{described.name}", described.help, labels=("model",))
        for model, each in spreads.items():
            spread = getattr(each, field)
            bounds = [*(str(float(bound)) for bound in spread.bounds), "+Inf"]
            histogram.add_metric((model,), list(zip(bounds, spread.counts, strict=True)), spread.total)
        yield histogram


def _described(records: Iterable[object]) -> dict[str, MetricField]:
    return {field: described for record in records for field, described in metric_fields(type(record))}


def _by_model(kind: Any, name: str, says: str, values: Mapping[str, float]) -> Metric:
    family: Metric = kind(f"portal_model_{name}", says, labels=("model",))
    for model, value in values.items():
        family.add_metric((model,), value)  # type: ignore[attr-defined]
    return family


class CountRequests:
    """Counts requests by their route's template, never by the path sent: invented paths would create a series each."""

    def __init__(self, app: ASGIApp, metrics: RequestCount) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "unknown")
                method = scope["method"] if route != "unknown" and scope["method"] in METHODS else "any"
                self._metrics.requests.labels(method, route, message["status"]).inc()
            await send(message)

        await self._app(scope, receive, counted)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(request: Request) -> Response:
    """Return Prometheus's text format, for this machine or with the token from the settings."""
    shown: RequestCount = request.app.state.metrics
    return Response(generate_latest(shown.registry), media_type=CONTENT_TYPE_LATEST)
