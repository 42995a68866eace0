"""Keep people, groups and keys within their limits, for chats and programs alike.

Requests and uploads are counted when they begin. Tokens are counted when an answer ends, because nobody knows earlier how many it takes:
the last answer may exceed the limit, and the next one is refused.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from uuid import uuid4

from core.access.records import LEASE, AtLimit, Holder, LimitRule, LimitState, Measure, Period, window_of
from core.clock import Clock
from core.errors import Busy, NotFound, PortalError
from core.people.audit_events import record
from core.people.permissions import Permission, require
from core.people.records import User
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

log = logging.getLogger(__name__)

METER_FROM = 0.5
"""The chat shows a limit of which more than this part is used."""
_RETRY_RUNNING_S = 5.0
_SENTENCES = {
    (Measure.REQUESTS, Period.MINUTE): "The limit of {amount} questions per minute is reached. Try again in {wait}.",
    (Measure.REQUESTS, Period.DAY): "The limit of {amount} questions per day is reached. Try again in {wait}.",
    (Measure.REQUESTS, Period.MONTH): "The limit of {amount} questions per month is reached. Try again in {wait}.",
    (Measure.TOKENS, Period.MINUTE): "The limit of {amount} tokens per minute is reached. Try again in {wait}.",
    (Measure.TOKENS, Period.DAY): "The limit of {amount} tokens per day is reached. Try again in {wait}.",
    (Measure.TOKENS, Period.MONTH): "The limit of {amount} tokens per month is reached. Try again in {wait}.",
    (Measure.UPLOADS, Period.MINUTE): "The limit of {amount} uploads per minute is reached. Try again in {wait}.",
    (Measure.UPLOADS, Period.DAY): "The limit of {amount} uploads per day is reached. Try again in {wait}.",
    (Measure.UPLOADS, Period.MONTH): "The limit of {amount} uploads per month is reached. Try again in {wait}.",
    (Measure.CONCURRENT, Period.NOW): "The limit of {amount} answers at the same time is reached. Wait for one to end, or stop it.",
}

limits_seen: ContextVar[list[LimitState] | None] = ContextVar("limits_seen", default=None)
"""A list to which each limit that a request meets is added; None if nobody reads them."""


class LimitReached(Busy):
    """A limit is used up. `waits`: the admin chose that chats wait for it."""

    code = "limit_reached"

    def __init__(self, rule: LimitRule, retry_after: float) -> None:
        self.waits = rule.at_limit is AtLimit.QUEUE
        super().__init__(_SENTENCES[rule.measure, rule.period], retry_after=retry_after, amount=rule.amount, wait=_span(retry_after))


@dataclass(frozen=True, slots=True)
class Admission:
    """A request that was let through."""

    id: str
    model: str | None = None
    """The model that must answer instead of the one asked for."""
    leases: bool = False
    reached: LimitReached | None = None
    """Why another model must answer; it is raised if that one cannot."""


class Limits:
    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    # For admins

    def rules(self, actor: User) -> Sequence[LimitRule]:
        require(actor, Permission.MANAGE_PEOPLE)
        with self._unit_of_work() as work:
            return work.limits.rules()

    def put(self, actor: User, rule: LimitRule) -> LimitRule:
        """Write a limit; it replaces the one for the same holder, measure and period. subject: a user name, group name or key id.

        Raises NotFound for an unknown person, group or key.
        """
        require(actor, Permission.MANAGE_PEOPLE)
        with self._unit_of_work() as work:
            name = rule.subject
            if rule.holder is Holder.PERSON:
                found = work.users.credentials(rule.subject.strip().lower())
                if found is None:
                    raise NotFound("No account is named {name}.", name=rule.subject)
                rule = replace(rule, subject=found.user.id)
            elif rule.holder is Holder.GROUP and all(group.name != rule.subject for group in work.groups.all()):
                raise NotFound("This group does not exist. It may have been removed.")
            elif rule.holder is Holder.KEY and work.api_keys.get(rule.subject) is None:
                raise NotFound("This API key does not exist.")
            stored = work.limits.put(rule)
            details = {"measure": rule.measure, "period": rule.period, "amount": str(rule.amount), "at_limit": rule.at_limit}
            record(work, self._clock(), actor.id, "limit.put", name or rule.holder, **details, model=rule.model)
            work.commit()
        return stored

    def remove(self, actor: User, rule_id: str) -> None:
        """Remove a limit. Raises NotFound."""
        require(actor, Permission.MANAGE_PEOPLE)
        with self._unit_of_work() as work:
            rule = work.limits.get(rule_id)
            if rule is None:
                raise NotFound("This limit does not exist. It may have been removed.")
            work.limits.remove(rule_id)
            details = {"measure": rule.measure, "period": rule.period}
            record(work, self._clock(), actor.id, "limit.remove", rule.subject or rule.holder, **details)
            work.commit()

    # For everybody

    def states(self, user: User) -> Sequence[LimitState]:
        """Return the limits that apply to this person now, and how much of each is used."""
        with self._unit_of_work() as work:
            return [self._state(work, user, rule) for rule in _of(work, user)]

    def nearly_used(self, user: User) -> Sequence[LimitState]:
        """Return the limits of which more than half is used, the tightest first; for the chat's meter."""
        found = [each for each in self.states(user) if each.used > METER_FROM * each.rule.amount and each.resets_at is not None]
        return sorted(found, key=lambda each: each.left / each.rule.amount)

    # For the gateway and the files

    def check(self, user: User) -> None:
        """Raise LimitReached if a question would be refused now. Counts nothing."""
        with self._unit_of_work() as work:
            for rule in _of(work, user):
                if rule.measure is Measure.UPLOADS:
                    continue
                state = self._seen(work, user, rule)
                if rule.at_limit is AtLimit.REFUSE and state.left == 0:
                    raise self._reached(rule)

    def admit(self, user: User, model: str | None, *, replaceable: bool = True) -> Admission:
        """Count a request and let it through. Raises LimitReached, and counts nothing then.

        replaceable: whether another model can answer; if not, a limit with CHEAPER refuses.
        """
        admitted = Admission(uuid4().hex)
        with self._unit_of_work() as work:
            rules = _of(work, user)
            for rule in rules:
                if rule.measure is Measure.UPLOADS or (rule.at_limit is AtLimit.CHEAPER and model == rule.model):
                    continue
                leased = rule.measure is Measure.CONCURRENT
                if self._fits(work, user, rule, admitted.id):
                    admitted = replace(admitted, leases=admitted.leases or leased)
                elif rule.at_limit is AtLimit.CHEAPER and replaceable:
                    admitted = replace(admitted, model=rule.model, reached=self._reached(rule))
                else:
                    raise self._reached(rule)
            if rules:  # Without limits nothing is written, so that a full disk stops no answer.
                work.commit()
        return admitted

    def upload(self, work: UnitOfWork, user: User) -> None:
        """Count an upload in the transaction that stores it. Raises LimitReached."""
        for rule in _of(work, user):
            if rule.measure is Measure.UPLOADS and not self._fits(work, user, rule, ""):
                raise self._reached(rule)

    def alive(self, admitted: Admission) -> None:
        """Keep an answer counted as running. A failure is only logged: the lease outlasts the next tries."""
        try:
            with self._unit_of_work() as work:
                work.limits.extend(admitted.id, self._clock() + LEASE)
                work.commit()
        except PortalError as problem:
            log.warning("an answer could not be kept counted as running: %s", problem)

    def ended(self, user: User, admitted: Admission, tokens: int) -> None:
        """Count the tokens of an answer and end its lease. The answer is there already, so a failure is only logged."""
        if not tokens and not admitted.leases:
            return
        try:
            with self._unit_of_work() as work:
                rules = [rule for rule in _of(work, user) if rule.measure is Measure.TOKENS] if tokens else []
                for rule in rules:
                    work.limits.count(rule.key(user), window_of(rule.period, self._clock())[0], tokens)
                if admitted.leases:
                    work.limits.release(admitted.id)
                if rules or admitted.leases:
                    work.commit()
        except PortalError as problem:
            log.error("The use of %d tokens could not be counted: %s", tokens, problem)

    def _fits(self, work: UnitOfWork, user: User, rule: LimitRule, lease_id: str) -> bool:
        """Take one of the rule's measure, if there is one left."""
        now, key = self._clock(), rule.key(user)
        start = window_of(rule.period, now)[0]
        match rule.measure:
            case Measure.CONCURRENT:
                fits = work.limits.lease(key, lease_id, now, now + LEASE, rule.amount)
            case Measure.TOKENS:
                fits = work.limits.used(key, start) < rule.amount
            case _:
                fits = work.limits.used(key, start) < rule.amount and work.limits.count(key, start, 1) <= rule.amount
        self._seen(work, user, rule)
        return fits

    def _seen(self, work: UnitOfWork, user: User, rule: LimitRule) -> LimitState:
        """Return how much of a limit is used, and note it for the headers of the response."""
        state = self._state(work, user, rule)
        if (seen := limits_seen.get()) is not None:
            seen.append(state)
        return state

    def _state(self, work: UnitOfWork, user: User, rule: LimitRule) -> LimitState:
        now, key = self._clock(), rule.key(user)
        if rule.measure is Measure.CONCURRENT:
            return LimitState(rule, work.limits.running(key, now), None)
        start, end = window_of(rule.period, now)
        return LimitState(rule, work.limits.used(key, start), end)

    def _reached(self, rule: LimitRule) -> LimitReached:
        now = self._clock()
        end = window_of(rule.period, now)[1]
        return LimitReached(rule, max(1.0, (end - now).total_seconds()) if rule.period is not Period.NOW else _RETRY_RUNNING_S)


def _of(work: UnitOfWork, user: User) -> Sequence[LimitRule]:
    """Return the limits that apply to a person, in a fixed order, so that two requests never wait for each other."""
    rules = list(work.limits.rules_of(user.id, user.group, user.key.id if user.key else None))
    own = {(rule.measure, rule.period) for rule in rules if rule.holder is Holder.PERSON}
    rules = [rule for rule in rules if rule.holder is not Holder.EVERYONE or (rule.measure, rule.period) not in own]
    if user.key is not None:
        for measure, amount in ((Measure.REQUESTS, user.key.requests_per_minute), (Measure.TOKENS, user.key.tokens_per_minute)):
            if amount is not None:
                rules.append(
                    LimitRule(id="", holder=Holder.KEY, subject=user.key.id, measure=measure, period=Period.MINUTE, amount=amount)
                )
    return sorted(rules, key=lambda rule: (rule.key(user), rule.amount))


def _span(seconds: float) -> str:
    """Write a length of time with the units that all languages here share."""
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{round(minutes / 60)} h"
