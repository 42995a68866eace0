"""Acknowledge and silence alerts, and read their history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from core.bounds import within
from core.changes.markers import marked
from core.changes.records import ChangeMarker
from core.clock import Clock
from core.errors import Conflict, InvalidInput
from core.people.accounts import clean_line
from core.people.audit_events import record
from core.people.permissions import Permission, require
from core.people.records import User
from core.unit_of_work import UnitOfWorkFactory
from core.usage.alerts.records import Delivery, Episode, Silence, StoredRule
from core.usage.alerts.rule_records import Severity
from core.usage.alerts.rules import found, names_of

MAX_LISTED = 200
MAX_SILENCE = timedelta(days=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Alerts, newest first, with what was sent about each. names: of the people who acknowledged them, by id."""

    episodes: tuple[Episode, ...]
    deliveries: Mapping[str, tuple[Delivery, ...]]
    names: Mapping[str, str]
    changes: tuple[ChangeMarker, ...] = ()
    """Changes of models in the same time, oldest first."""


class AlertHandling:
    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    def history(self, user: User, limit: int = 50, before: datetime | None = None, rule_id: str | None = None) -> History:
        """Return alerts, newest first. before: only those that began earlier."""
        require(user, Permission.VIEW_USAGE)
        within("limit", limit, 1, MAX_LISTED)
        with self._unit_of_work() as work:
            episodes = tuple(work.alerts.episodes(limit, before, rule_id))
            sent: dict[str, list[Delivery]] = {}
            for each in work.alerts.deliveries([episode.id for episode in episodes]):
                sent.setdefault(each.episode_id or "", []).append(each)
            changes: Sequence[ChangeMarker] = ()
            if episodes:
                changes = marked(work, episodes[-1].started_at - timedelta(days=1), self._clock())
            return History(
                episodes=episodes,
                deliveries={id: tuple(each) for id, each in sent.items()},
                names=names_of(work, (), [each.acknowledged_by for each in episodes]),
                changes=tuple(changes),
            )

    def firing(self) -> Mapping[Severity, int]:
        """Count what fires now, for metrics. Raises Unavailable."""
        with self._unit_of_work() as work:
            return work.alerts.firing()

    def acknowledge(self, user: User, rule_id: str, note: str = "") -> StoredRule:
        """Say that somebody looks after what fires: people are not told again before it is over. Raises NotFound, Conflict."""
        require(user, Permission.MANAGE_ALERTS)
        now = self._clock()
        with self._unit_of_work() as work:
            stored = found(work.alerts.rule_for_change(rule_id))
            if stored.status.episode is None:
                raise Conflict("This alert is not firing any more.")
            episode = replace(stored.status.episode, acknowledged_at=now, acknowledged_by=user.id, note=clean_line(note))
            stored = replace(stored, status=replace(stored.status, episode=episode))
            work.alerts.save_status(rule_id, stored.status)
            record(work, now, user.id, "alert.acknowledge", stored.rule.name, note=episode.note)
            work.commit()
        return stored

    def silence(self, user: User, rule_id: str, until: datetime | None, reason: str = "") -> StoredRule:
        """Tell nobody until then; None: until what fires is over. Raises NotFound, InvalidInput, Conflict."""
        require(user, Permission.MANAGE_ALERTS)
        now = self._clock()
        if until is not None and not now < until <= now + MAX_SILENCE:
            raise InvalidInput("A silence must end in the future, within {days} days.", days=MAX_SILENCE.days)
        with self._unit_of_work() as work:
            stored = found(work.alerts.rule_for_change(rule_id))
            if until is None and stored.status.episode is None:
                raise Conflict("This alert is not firing any more.")
            silence = Silence(until=until, reason=clean_line(reason), by=user.id)
            stored = replace(stored, status=replace(stored.status, silence=silence))
            work.alerts.save_status(rule_id, stored.status)
            lasts = until.isoformat() if until is not None else "recovery"
            record(work, now, user.id, "alert.silence", stored.rule.name, until=lasts, reason=silence.reason)
            work.commit()
        return stored

    def end_silence(self, user: User, rule_id: str) -> StoredRule:
        """Tell people again from now on. Raises NotFound."""
        require(user, Permission.MANAGE_ALERTS)
        with self._unit_of_work() as work:
            stored = found(work.alerts.rule_for_change(rule_id))
            stored = replace(stored, status=replace(stored.status, silence=None))
            work.alerts.save_status(rule_id, stored.status)
            record(work, self._clock(), user.id, "alert.end_silence", stored.rule.name)
            work.commit()
        return stored
