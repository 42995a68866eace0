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

from api.services import Portal
from core.errors import PortalError

router = APIRouter(tags=["health"])

ENGINE: tuple[tuple[str, str, type[Metric], str], ...] = (
    ("slots", "slots", GaugeMetricFamily, "Answers a model can give at the same time."),
    ("busy", "slots_busy", GaugeMetricFamily, "Answers a model is giving."),
    ("waiting", "waiting", GaugeMetricFamily, "Requests that wait for a slot."),
    ("decoded_tokens", "decoded_tokens", CounterMetricFamily, "Tokens generated since the load."),
    ("prefill_tokens", "prefill_tokens", CounterMetricFamily, "Prompt tokens computed since the load."),
    ("prompt_tokens", "prompt_tokens", CounterMetricFamily, "Tokens of all prompts that got a slot since the load."),
    ("cached_tokens", "cached_tokens", CounterMetricFamily, "Prompt tokens found in the KV cache since the load."),
    ("slot_tokens", "slot_tokens", CounterMetricFamily, "Cached tokens from the conversation's own slot."),
    ("prefetched_tokens", "prefetched_tokens", CounterMetricFamily, "Cached tokens that were prefetched."),
    ("copied_tokens", "copied_tokens", CounterMetricFamily, "Cached tokens copied from another conversation's slot."),
    ("restored_tokens", "restored_tokens", CounterMetricFamily, "Cached tokens restored from host memory."),
    ("disk_tokens", "disk_tokens", CounterMetricFamily, "Cached tokens restored from disk."),
    ("prefetch_computed_tokens", "prefetch_computed_tokens", CounterMetricFamily, "Tokens prefetched while nobody waited, used or not."),
    ("offloaded", "offloaded_conversations", GaugeMetricFamily, "Conversations offloaded to host memory."),
    ("offloaded_bytes", "offloaded_bytes", GaugeMetricFamily, "Host memory that offloaded conversations take."),
    ("disk_offloaded", "offloaded_disk_conversations", GaugeMetricFamily, "Conversations offloaded to disk."),
    ("disk_offloaded_bytes", "offloaded_disk_bytes", GaugeMetricFamily, "Disk space that offloaded conversations take."),
    ("disk_failures", "offload_disk_failures", CounterMetricFamily, "Conversations that could not be written to disk or read back."),
    ("draft_tokens", "draft_tokens", CounterMetricFamily, "Draft tokens since the load."),
    ("accepted_tokens", "draft_tokens_accepted", CounterMetricFamily, "Draft tokens that were accepted."),
    ("mtp_tokens", "mtp_tokens", CounterMetricFamily, "Draft tokens from the MTP layer since the load."),
    ("mtp_accepted", "mtp_tokens_accepted", CounterMetricFamily, "Draft tokens that were accepted."),
    ("padding_tokens", "padding_tokens", CounterMetricFamily, (
        "Padding tokens computed in idle slots, so that the weights are read less often."
    )),
    ("preempted", "answers_preempted", CounterMetricFamily, "Answers preempted for another user and resumed later."),
    ("steps", "steps", CounterMetricFamily, "Steps of the decode loop since the load."),
    ("step_running_s", "step_running_seconds", GaugeMetricFamily, "Duration of the current step; 0 between steps."),
    ("step_seconds", "step_seconds", CounterMetricFamily, "Total duration of the steps."),
    ("answers", "answers", CounterMetricFamily, "Answers finished since the load."),
    ("failures", "failures", CounterMetricFamily, "Answers that failed since the load."),
    ("decode_failures", "decode_failures", CounterMetricFamily, "Decodes that failed in llama.cpp since the load."),
    ("full", "context_full", CounterMetricFamily, "Decodes that found the KV cache full since the load."),
    ("aborted", "steps_aborted", CounterMetricFamily, "Steps aborted because their answers were cancelled."),
    ("cells_used", "context_cells_used", GaugeMetricFamily, "Tokens in the KV cache."),
    ("cells_total", "context_cells", GaugeMetricFamily, "Capacity of the KV cache in tokens."),
    ("tokens_per_second", "tokens_per_second", GaugeMetricFamily, "Throughput of all running answers over the last minute."),
)
"""Field of the engine's metrics, metric name after portal_model_, type, help text."""

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
"""Metrics that had another name: both are given for one release, so that boards and alerts can be changed."""

HISTOGRAMS: tuple[tuple[str, str, str], ...] = (
    ("step_duration", "step_duration_seconds", "Duration of a step of the decode loop."),
    ("step_answers", "step_answers", "Sequences in a step."),
    ("step_prompt_tokens", "step_prompt_tokens", "Prompt tokens per step, for steps that process prompts."),
    ("queue_wait", "queue_wait_seconds", "Queue wait of an answer, recorded when it ends."),
    ("first_token", "first_token_seconds", "Time from the question to the first token, including queue wait."),
    ("inter_token", "inter_token_seconds", "Inter-token latency of an answer."),
)
"""Histograms of the engine, as in ENGINE."""

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
        except PortalError:
            yield GaugeMetricFamily("portal_store_up", "1 if the database answers.", 0)
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
        engines = portal.pool.metrics()
        for field, name, kind, says in ENGINE:
            values = {model: value for model, engine in engines.items() if (value := getattr(engine, field)) is not None}
            yield _by_model(kind, name, says, values)
            if name in OLD_NAMES:
                yield _by_model(kind, OLD_NAMES[name], f"Now portal_model_{name}; this name goes with the next release.", values)
        for field, name, says in HISTOGRAMS:
            histogram = HistogramMetricFamily(f"portal_model_{name}", says, labels=("model",))
            for model, engine in engines.items():
                spreads = getattr(engine, "spreads", None)
                if spreads is None:  # Embedding models have none.
                    continue
                spread = getattr(spreads, field)
                bounds = [*(str(float(bound)) for bound in spread.bounds), "+Inf"]
                histogram.add_metric((model,), list(zip(bounds, spread.counts, strict=True)), spread.total)
            yield histogram


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
