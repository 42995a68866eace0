"""Take one rule a step further: quiet, pending, firing, recovered. Pure: the clock and the values come from outside."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import uuid4

from core.usage.alerts.measures import Reading, breaches
from core.usage.alerts.records import Ending, Episode, Event, Phase, RuleStatus
from core.usage.alerts.rule_records import AlertRule, NoData


@dataclass(frozen=True, slots=True)
class Step:
    """The result of one evaluation. ended: the alert that ended now. told: what people are told now, about `about`."""

    status: RuleStatus
    ended: Episode | None = None
    told: Event | None = None

    @property
    def about(self) -> Episode | None:
        """Return the alert that fires or has just ended."""
        return self.ended or self.status.episode


def step(rule_id: str, rule: AlertRule, status: RuleStatus, reading: Reading, now: datetime) -> Step:
    """Return how the rule stands after this reading, and what people are told.

    Only time that was observed counts as held: a pause of the portal or a clock that jumps neither fires nor hides an alert.
    """
    value = reading.value_for(rule)
    observed = min(max(now - status.checked_at, timedelta(0)), rule.most_gap) if status.checked_at else timedelta(0)
    status = replace(
        status,
        value=value,
        checked_at=now,
        no_data_since=None if value is not None else status.no_data_since or now,
        silence=status.silence if status.silenced(now) else None,
    )
    firing = status.episode is not None
    if value is not None:
        breached = breaches(rule, value, firing=firing)
    elif rule.no_data is NoData.KEEP:
        return _tell(rule, status, now)
    else:
        breached = rule.no_data is NoData.FIRE
    if status.episode is not None:
        if breached:
            worst = _worse(rule, status.episode.worst, value)
            return _tell(rule, replace(status, episode=replace(status.episode, worst=worst)), now)
        return _end(status, status.episode, now, Ending.RECOVERED if value is not None else Ending.NO_DATA)
    if not breached:
        since = status.since if status.phase is Phase.QUIET else now
        return Step(replace(status, phase=Phase.QUIET, since=since or now, held_s=0.0))
    held = status.held_s + observed.total_seconds() if status.phase is Phase.PENDING else 0.0
    if held < rule.hold_s:
        since = status.since if status.phase is Phase.PENDING else now
        return Step(replace(status, phase=Phase.PENDING, since=since, held_s=held))
    begun = Episode(
        id=uuid4().hex, rule_id=rule_id, rule_name=rule.name, measure=rule.measure, severity=rule.severity, started_at=now, worst=value
    )
    return _tell(rule, replace(status, phase=Phase.FIRING, since=now, held_s=0.0, episode=begun), now)


def _tell(rule: AlertRule, status: RuleStatus, now: datetime) -> Step:
    """Decide whether people are told, for the first time or again, that the rule fires."""
    episode = status.episode
    if episode is None or status.silenced(now) or episode.acknowledged_at is not None:
        return Step(status)
    if episode.told_at is None:
        return Step(replace(status, episode=replace(episode, told_at=now)), told=Event.FIRING)
    if episode.told_at > now:  # The clock was put back: the next repeat counts from now.
        return Step(replace(status, episode=replace(episode, told_at=now)))
    if rule.repeat_s and now - episode.told_at >= timedelta(seconds=rule.repeat_s):
        return Step(replace(status, episode=replace(episode, told_at=now)), told=Event.STILL_FIRING)
    return Step(status)


def _end(status: RuleStatus, episode: Episode, now: datetime, ending: Ending) -> Step:
    """End the alert. Who was told that it fires is told that it is over, unless it is silenced."""
    told = None
    if episode.told_at is not None and not status.silenced(now):
        told = Event.RECOVERED if ending is Ending.RECOVERED else Event.NO_DATA
    silence = status.silence if status.silence is not None and status.silence.until is not None else None
    quiet = replace(status, phase=Phase.QUIET, since=now, held_s=0.0, episode=None, silence=silence)
    return Step(quiet, ended=replace(episode, ended_at=max(now, episode.started_at), ending=ending), told=told)


def _worse(rule: AlertRule, worst: float | None, value: float | None) -> float | None:
    if worst is None or value is None:
        return value if worst is None else worst
    return value if breaches(replace(rule, threshold=worst, recovery=None), value, firing=False) else worst
