"""List, add, change and remove alert rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import uuid4

from core.clock import Clock
from core.errors import InvalidInput, NotFound
from core.people.audit_events import record
from core.people.permissions import Permission, allows, require
from core.people.records import User
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from core.usage.alerts.records import Ending, RuleStatus, Silence, StoredRule, Webhook
from core.usage.alerts.rule_records import AlertRule

MAX_RULES = 100
COUNTED_DAYS = 28


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who may see usage, and so may be told of alerts."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What a rule can be limited to, and whom it can tell."""

    models: tuple[str, ...]
    groups: tuple[str, ...]
    platforms: tuple[str, ...]
    people: tuple[Recipient, ...]
    webhooks: tuple[Webhook, ...]
    """Without their secrets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """All rules as the page shows them. fired: how often each fired in COUNTED_DAYS. names: of the people in them, by id."""

    at: datetime
    rules: tuple[StoredRule, ...]
    fired: Mapping[str, int]
    names: Mapping[str, str]


class AlertRules:
    """People who may see usage read rules; people who may manage alerts change them."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    def overview(self, user: User) -> Overview:
        require(user, Permission.VIEW_USAGE)
        now = self._clock()
        with self._unit_of_work() as work:
            rules = tuple(work.alerts.rules())
            fired = work.alerts.counts_since(now - timedelta(days=COUNTED_DAYS))
            return Overview(at=now, rules=rules, fired=fired, names=names_of(work, rules))

    def get(self, user: User, rule_id: str) -> StoredRule:
        """Return a rule. Raises NotFound."""
        require(user, Permission.VIEW_USAGE)
        with self._unit_of_work() as work:
            return found(work.alerts.rule(rule_id))

    def choices(self, user: User) -> Choices:
        require(user, Permission.MANAGE_ALERTS)
        with self._unit_of_work() as work:
            people = tuple(Recipient(each.id, each.full_name or each.name) for each in work.users.all() if may_be_told(each))
            webhooks = tuple(replace(each, secret="") for each in work.alerts.webhooks())
            groups = {group.name for group in work.groups.all()} | set(work.generations.groups())
            return Choices(
                models=tuple(work.generations.models()), groups=tuple(sorted(groups)), platforms=_platforms(work),
                people=people, webhooks=webhooks,
            )

    def add(self, user: User, rule: AlertRule) -> StoredRule:
        """Add a rule, which is checked from now on. Raises InvalidInput."""
        require(user, Permission.MANAGE_ALERTS)
        now = self._clock()
        stored = StoredRule(
            id=uuid4().hex, rule=rule, enabled=True, status=RuleStatus(), created_at=now, created_by=user.id, updated_at=now,
            updated_by=user.id,
        )  # fmt: skip
        with self._unit_of_work() as work:
            rules = work.alerts.rules()
            if len(rules) >= MAX_RULES:
                raise InvalidInput("There are {most} alert rules already. Remove one first.", most=MAX_RULES)
            _check(work, rule, {each.rule.name for each in rules})
            work.alerts.add_rule(stored)
            record(work, now, user.id, "alert.add", rule.name)
            work.commit()
        return stored

    def change(self, user: User, rule_id: str, rule: AlertRule | None = None, *, enabled: bool | None = None) -> StoredRule:
        """Change a rule, or switch it on or off. A changed condition starts anew. Raises NotFound, InvalidInput."""
        require(user, Permission.MANAGE_ALERTS)
        now = self._clock()
        with self._unit_of_work() as work:
            old = found(work.alerts.rule_for_change(rule_id))
            new = replace(
                old, rule=rule or old.rule, enabled=old.enabled if enabled is None else enabled, updated_at=now, updated_by=user.id
            )
            if rule is not None:
                _check(work, rule, {each.rule.name for each in work.alerts.rules() if each.id != rule_id})
            if new.rule.condition() != old.rule.condition() or new.enabled != old.enabled:
                new = replace(new, status=_anew(work, old, now))
                work.alerts.save_status(rule_id, new.status)
            work.alerts.save_rule(new)
            record(work, now, user.id, "alert.change", new.rule.name, enabled=str(new.enabled).lower())
            work.commit()
        return new

    def remove(self, user: User, rule_id: str) -> None:
        """Delete a rule. Its history stays. Raises NotFound."""
        require(user, Permission.MANAGE_ALERTS)
        now = self._clock()
        with self._unit_of_work() as work:
            old = found(work.alerts.rule_for_change(rule_id))
            _anew(work, old, now)
            work.alerts.remove_rule(rule_id)
            record(work, now, user.id, "alert.remove", old.rule.name)
            work.commit()


def _platforms(work: UnitOfWork) -> tuple[str, ...]:
    return tuple(sorted({target.rpartition("@")[2] for target in work.rollups.targets()}))


def may_be_told(person: User) -> bool:
    return person.active and allows(person, Permission.VIEW_USAGE)


def found(stored: StoredRule | None) -> StoredRule:
    if stored is None:
        raise NotFound("This alert rule does not exist. It may have been removed.")
    return stored


def names_of(work: UnitOfWork, rules: Sequence[StoredRule], others: Sequence[str | None] = ()) -> dict[str, str]:
    """Return the names of the people in these rules, by id."""
    ids = {*others, *(each.updated_by for each in rules)}
    ids |= {episode.acknowledged_by for each in rules if (episode := each.status.episode) is not None}
    ids |= {silence.by for each in rules if (silence := each.status.silence) is not None}
    people = ((id, work.users.get(id)) for id in sorted(id for id in ids if id))
    return {id: person.full_name or person.name for id, person in people if person is not None}


def _check(work: UnitOfWork, rule: AlertRule, taken: set[str]) -> None:
    """Raise InvalidInput for a name that is taken, or for people and webhooks that cannot be told."""
    if rule.name in taken:
        raise InvalidInput("There is already an alert rule named {name}. Choose another name.", name=rule.name)
    for id in rule.people:
        person = work.users.get(id)
        if person is None or not may_be_told(person):
            raise InvalidInput("Only active people who may see usage can be told of alerts. Remove the others from the rule.")
    known = {each.id for each in work.alerts.webhooks()}
    if not known.issuperset(rule.webhooks):
        raise InvalidInput("A webhook of this rule does not exist any more. Remove it from the rule.")


def _anew(work: UnitOfWork, old: StoredRule, now: datetime) -> RuleStatus:
    """End what fires, because its rule changes. Nobody is told. A silence with an end stays."""
    if old.status.episode is not None:
        work.alerts.end_episode(replace(old.status.episode, ended_at=now, ending=Ending.CHANGED))
    silence: Silence | None = old.status.silence
    return RuleStatus(silence=silence if silence is not None and silence.until is not None else None)
