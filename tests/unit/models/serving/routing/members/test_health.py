"""The circuit breaker of a platform, with a fake clock and no waiting."""

from __future__ import annotations

from models.platforms.remote.failures import Fault, PlatformFailure, timed_out, unreachable
from models.serving.routing.members.health import Circuit, Health


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def health() -> tuple[Health, Clock]:
    clock = Clock()
    return Health("gateway", clock, jitter=lambda: 0.5), clock


def opened() -> tuple[Health, Clock]:
    found, clock = health()
    for _ in range(2):
        assert found.begin()
        found.failed(timed_out("gateway", 5))
    return found, clock


def test_one_failure_is_forgiven_and_two_open_the_circuit() -> None:
    found, _ = health()
    found.failed(timed_out("gateway", 5))
    assert found.usable
    found.succeeded()
    found.failed(timed_out("gateway", 5))
    assert found.usable
    found.failed(timed_out("gateway", 5))
    assert not found.usable and not found.begin() and found.circuit is Circuit.OPEN
    assert str(found.why_not("glm@gateway")) == "glm@gateway: gateway timed out 2 times, circuit open."


def test_a_request_that_was_refused_says_nothing_about_the_platform() -> None:
    found, _ = health()
    for _ in range(5):
        found.failed(PlatformFailure(Fault.REFUSED, "{platform} refused.", platform="gateway"))
    assert found.usable


def test_only_a_probe_half_opens_it_and_only_one_request_tries() -> None:
    found, clock = opened()
    assert not found.probe_due
    clock.now += 1.1
    assert found.probe_due and not found.usable
    found.probed()
    assert found.usable and found.begin()
    assert not found.usable and not found.begin()
    found.succeeded()
    assert found.circuit is Circuit.CLOSED and found.since is None


def test_a_probe_that_was_under_way_when_the_circuit_opened_does_not_count() -> None:
    found, _ = opened()
    found.probed()
    assert found.circuit is Circuit.OPEN


def test_a_failed_trial_opens_it_for_longer() -> None:
    found, clock = opened()
    clock.now += 1.1
    found.probed()
    assert found.begin()
    found.failed(unreachable("gateway", "refused"))
    clock.now += 1.1
    assert not found.probe_due
    clock.now += 1.0
    assert found.probe_due


def test_failed_probes_back_off_to_a_limit() -> None:
    found, clock = opened()
    waits = []
    for _ in range(10):
        began = clock.now
        while not found.probe_due:
            clock.now += 0.5
        waits.append(clock.now - began)
        found.failed(unreachable("gateway", "refused"))
    assert waits[:4] == [1, 2, 4, 8] and waits[-1] == 60


def test_an_abandoned_trial_leaves_the_try_to_the_next() -> None:
    found, clock = opened()
    clock.now += 1.1
    found.probed()
    assert found.begin()
    found.abandoned()
    assert found.usable and found.begin()


def test_a_busy_platform_is_left_alone_as_long_as_it_asked() -> None:
    found, clock = health()
    found.failed(PlatformFailure(Fault.BUSY, "{platform} is busy.", retry_after=7, platform="gateway"))
    assert not found.usable and found.circuit is Circuit.CLOSED
    assert "asked to wait 7 s" in str(found.why_not("x@gateway")) or "asked to wait 8 s" in str(found.why_not("x@gateway"))
    clock.now += 7.1
    assert found.usable


def test_jitter_spreads_the_probes() -> None:
    def due(jitter: float) -> bool:
        clock = Clock()
        found = Health("gateway", clock, jitter=lambda: jitter)
        for _ in range(2):
            found.failed(timed_out("gateway", 5))
        clock.now += 0.9
        return found.probe_due

    assert due(0.0) and not due(1.0)
