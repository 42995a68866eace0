"""Describe platforms for people: whether each is used, how fast it is, and its failures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from core.inference.records import ServedModel
from core.models.records import ModelKind
from core.platforms.records import Condition, PlatformState
from models.serving.routing.members.health import Circuit
from models.serving.routing.members.member import Member
from models.serving.routing.members.members import View
from models.serving.routing.members.stats import StatsNow

SLOW_TIMES, SLOW_S = 3.0, 2.0
"""A platform is slow if its p95 TTFT is more than this many times its median, and longer than this many seconds."""


def states(view: View, local: Sequence[ServedModel]) -> list[PlatformState]:
    """Describe every platform, in the order of the file."""
    return [_state(member, local) for member in view.members.values()]


def _state(member: Member, local: Sequence[ServedModel]) -> PlatformState:
    stats, config, remote = member.stats.now(), member.config, member.remote
    problem = None if remote is None else member.health.why_not(member.name)
    unused = problem is not None or member.health.circuit is not Circuit.CLOSED
    models = local if remote is None else remote.models.offered()
    since = member.health.since
    return PlatformState(
        name=member.name,
        type=config.type,
        address=config.base_url,
        condition=Condition.OFF if not config.enabled else Condition.UNUSED if unused else _speed(stats),
        problem=problem,
        since=None if since is None else datetime.fromtimestamp(since, UTC),
        last_error=member.health.last_error,
        ttft_p50_s=stats.ttft_p50_s,
        ttft_p95_s=stats.ttft_p95_s,
        answers=stats.answers,
        errors=stats.errors,
        in_use=member.running,
        most=None if remote is None else member.line.most,
        waiting=member.line.waiting,
        outstanding_tokens=member.outstanding,
        models=tuple(each.name for each in models if each.kind in (ModelKind.CHAT, ModelKind.DETECTION)),
        missing=() if remote is None else tuple(remote.models.missing()),
        failures=tuple((datetime.fromtimestamp(each.at, UTC), each.error) for each in stats.failures),
        currency=config.price.currency if config.price is not None else "",
    )


def _speed(stats: StatsNow) -> Condition:
    half, most = stats.ttft_p50_s, stats.ttft_p95_s
    slow = half is not None and most is not None and most > SLOW_S and most > SLOW_TIMES * half
    return Condition.SLOW if slow else Condition.HEALTHY
