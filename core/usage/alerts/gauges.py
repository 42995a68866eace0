"""Read the values that are measured now, because nothing stores them."""

from __future__ import annotations

from collections.abc import Callable

from core.access.records import Holder, LimitRule, Measure, window_of
from core.clock import Clock
from core.models.ports import ModelPool
from core.models.records import ModelState
from core.platforms.ports import RouterView
from core.platforms.records import Condition
from core.search.ports import IndexKeeper
from core.unit_of_work import UnitOfWork
from core.usage.alerts.measures import Reading
from core.usage.alerts.rule_records import AlertRule
from core.usage.alerts.rule_records import Measure as Measured

_DOWN = frozenset({ModelState.FAILED, ModelState.RESTARTING})


class Gauges:
    """Measures this server's models and platforms, and the limits and the search index of all servers."""

    def __init__(self, clock: Clock, pool: ModelPool, router: RouterView, keeper: IndexKeeper) -> None:
        self._clock = clock
        self._pool = pool
        self._router = router
        self._keeper = keeper

    def read(self, work: UnitOfWork, rule: AlertRule) -> Reading:
        """Return the value of a rule's measure now. Raises Unavailable."""
        match rule.measure:
            case Measured.INDEX:
                return Reading(self._keeper.behind(self._clock()))
            case Measured.MODELS_DOWN:
                return Reading(float(self._down(rule.model)))
            case Measured.QUOTA:
                return self._quota(work, rule.group)
            case _:
                raise ValueError(f"{rule.measure} is not measured now")

    def _down(self, model: str | None) -> int:
        """Count the models that failed, and, for all models, the platforms that are not used because they failed."""
        failed = sum(each.state in _DOWN for each in self._pool.loaded() if model in (None, each.name))
        return failed + (sum(each.condition is Condition.UNUSED for each in self._router.states()) if model is None else 0)

    def _quota(self, work: UnitOfWork, group: str | None) -> Reading:
        """Return the largest used share of the limits of groups, people and keys. Limits for everyone have a counter for each person."""
        rules = [rule for rule in work.limits.rules() if rule.holder is not Holder.EVERYONE]
        if group is not None:
            rules = [rule for rule in rules if rule.holder is Holder.GROUP and rule.subject == group]
        return Reading(max((100 * self._used(work, rule) / rule.amount for rule in rules), default=None))

    def _used(self, work: UnitOfWork, rule: LimitRule) -> int:
        key, now = rule.counter(rule.holder, rule.subject), self._clock()
        if rule.measure is Measure.CONCURRENT:
            return work.limits.running(key, now)
        return work.limits.used(key, window_of(rule.period, now)[0])


ReadNow = Callable[[UnitOfWork, AlertRule], Reading]
"""Gauges.read, which tests replace."""
