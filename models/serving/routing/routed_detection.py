"""Return boxes from the detector of one platform."""

from __future__ import annotations

import time

from core.errors import Busy, StoredError
from core.inference.detection import Detected, DetectionRequest
from core.inference.records import Routing, Timings
from models.platforms.remote.failures import PlatformFailure
from models.platforms.remote.guarded_socket import Call
from models.serving.routing.plan import Candidate


class RoutedDetection:
    """Implements core's RunningDetection."""

    def __init__(self, request: DetectionRequest, candidate: Candidate, left_out: list[StoredError]) -> None:
        self._request = request
        self._at = candidate
        self._left_out = tuple(left_out)

    @property
    def model(self) -> str:
        return self._at.model or ""

    @property
    def model_version(self) -> str:
        return self._at.version

    @property
    def platform(self) -> str:
        return self._at.member.name

    @property
    def routing(self) -> Routing:
        return Routing(target=self._at.target, left_out=self._left_out)

    def result(self) -> Detected:
        member, request, began = self._at.member, self._request, time.monotonic()
        assert member.remote is not None and self._at.remote is not None, "detectors run on other servers"
        limits = member.config.limits
        wait_s = member.stats.within_rate(limits.requests_per_minute)
        if wait_s > 0:
            raise Busy("{platform} has had its requests for this minute.", retry_after=wait_s, platform=member.name)
        ticket = member.line.enter(request.user_id, batch=request.batch)
        try:
            if not ticket.called.wait(limits.timeout_s):
                raise Busy("{platform} is busy.", retry_after=limits.timeout_s, platform=member.name)
            waited = time.monotonic() - began
            boxes = member.remote.boxes(request, self._at.remote, Call())
        except PlatformFailure as problem:
            member.health.failed(problem)
            member.stats.failed(problem.error)
            raise problem.for_people() from problem
        finally:
            ticket.leave()
        member.health.succeeded()
        duration = time.monotonic() - began
        member.stats.answered(None, duration)
        return Detected(boxes, Timings(queue_s=waited, duration_s=duration))
