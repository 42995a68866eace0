"""Compute the boards from rollups."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import date, timedelta

from core.clock import Clock
from core.people.permissions import Permission, require
from core.people.records import User
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from core.usage.boards.capacity import busiest_of, heat_of, weekly_waits
from core.usage.boards.machine_heat import fullest_of, machine_heat
from core.usage.boards.people import People, people_of
from core.usage.boards.records import Adoption, Capacity, Choices, Day, GroupUse, Money, Overview, Part, Quality, RatedWeek, Speed
from core.usage.boards.remedies import remedies_of
from core.usage.boards.wait_forecast import WEEKS_READ, Week, forecast_of
from core.usage.figures import Figure, Share
from core.usage.machines.records import HOUR_S
from core.usage.records import UsageQuery
from core.usage.rollups.days import bounds_of
from core.usage.rollups.records import By, Measure, Sums, SumsOf
from core.usage.rollups.service import Rollups
from core.usage.rollups.sketches import Sketch

_SUMMED = tuple(field.name for field in fields(Sums))


class Boards:
    """Computes the boards for people who may see usage."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, rollups: Rollups, clock: Clock, max_wait_s: float | None = None) -> None:
        """max_wait_s: the wait from which questions are refused."""
        self._unit_of_work = unit_of_work
        self._rollups = rollups
        self._clock = clock
        self._max_wait_s = max_wait_s

    def choices(self, user: User) -> Choices:
        """Return what can be chosen."""
        require(user, Permission.VIEW_USAGE)
        complete = self._rollups.begin()
        today = self._rollups.today()
        with self._unit_of_work() as work:
            first = work.rollups.first_day()
            # After midnight, the day before is the newest until the job has added up this one.
            states = work.rollups.states(today - timedelta(days=1), today)
            models, groups = work.rollups.names()
            targets = work.rollups.targets()
        return Choices(
            models=models, groups=groups, targets=targets, zone=self._rollups.zone.key, today=today, first=first, complete=complete,
            counted_until=max((each.computed_at for each in states.values()), default=None) if complete else None,
        )  # fmt: skip

    def overview(self, user: User, query: UsageQuery) -> Overview:
        require(user, Permission.VIEW_USAGE)
        before = query.before
        with self._unit_of_work() as work:
            by_day, earlier = work.rollups.sums(query, By.DAY), work.rollups.sums(before)
            people = people_of(work, query)
            days = self._days(work, query, by_day, people)
            sketches = [work.rollups.sketches(each).get("", {}) for each in (query, before)]
            return Overview(
                query=query,
                days=days,
                people=_figure(people, work, query),
                new_people=people.new,
                now=total(by_day),
                before=total(earlier),
                cost=money(by_day),
                cost_before=money(earlier),
                weeks=people.weeks(),
                rated_weeks=rated_weeks(days),
                groups=parts(work, query, By.GROUP),
                models=parts(work, query, By.MODEL),
                ttft_p95=Figure(*(each.get(Measure.TTFT, Sketch()).quantile(0.95) for each in sketches)),
                latest=work.rollups.latest_day(query.model, query.group),
            )

    def adoption(self, user: User, query: UsageQuery) -> Adoption:
        require(user, Permission.VIEW_USAGE)
        with self._unit_of_work() as work:
            by_day, earlier = work.rollups.sums(query, By.DAY), total(work.rollups.sums(query.before))
            people = people_of(work, query)
            active_people = _figure(people, work, query)
            members, active = work.rollups.members(), work.rollups.active_by_group(query)
            answers = {each.key[0]: each.sums.answers for each in merge(work.rollups.sums(query, By.GROUP))}
            groups = [
                GroupUse(
                    name=name,
                    members=max(members.get(name, 0), active.get(name, 0)),
                    active=active.get(name, 0),
                    answers=answers.get(name, 0),
                )
                for name in sorted({*members, *active})
                if query.group in (None, name)
            ]
            return Adoption(
                query=query,
                days=self._days(work, query, by_day, people),
                weeks=people.weeks(),
                people=active_people,
                new_people=people.new,
                answers_a_person=Figure(_ratio(total(by_day).answers, active_people.now), _ratio(earlier.answers, active_people.before)),
                members=sum(each.members for each in groups),
                groups=sorted(groups, key=lambda each: (each.active / each.members if each.members else 1.0, each.name)),
            )

    def quality(self, user: User, query: UsageQuery) -> Quality:
        require(user, Permission.VIEW_USAGE)
        with self._unit_of_work() as work:
            by_day = work.rollups.sums(query, By.DAY)
            days = self._days(work, query, by_day, People({}, set()))
            return Quality(
                query=query,
                days=days,
                now=total(by_day),
                before=total(work.rollups.sums(query.before)),
                models=parts(work, query, By.MODEL),
                groups=parts(work, query, By.GROUP),
                rated_weeks=rated_weeks(days),
            )

    def speed(self, user: User, query: UsageQuery) -> Speed:
        require(user, Permission.VIEW_USAGE)
        with self._unit_of_work() as work:
            found = work.rollups.sketches(query, By.DAY)
            return Speed(
                query=query,
                days={day: found.get(day.isoformat(), {}) for day in days_of(query)},
                now=work.rollups.sketches(query).get("", {}),
                before=work.rollups.sketches(query.before).get("", {}),
                models=work.rollups.sketches(query, By.MODEL),
            )

    def capacity(self, user: User, query: UsageQuery) -> Capacity:
        """Return how full the models were. All groups count, since they share the models."""
        require(user, Permission.VIEW_USAGE)
        everybody = replace(query, group=None)
        zone, now = self._rollups.zone, self._clock()
        with self._unit_of_work() as work:
            hours, earlier = (work.rollups.hours(each) for each in (everybody, everybody.before))
            sums = [total(work.rollups.sums(each)) for each in (everybody, everybody.before)]
            counted = [counted_days(work, each) for each in (everybody, everybody.before)]
            bounds = bounds_of(query.first, zone)[0], bounds_of(query.last, zone)[1]
            machines = machine_heat(work.machines.spans(HOUR_S, *bounds), zone, now)
            past = self._past_weeks(work, everybody)
        heat, heat_before = heat_of(hours, counted[0], zone, now), heat_of(earlier, counted[1], zone, now)
        slot = busiest_of(heat) or fullest_of(machines)
        waits = [Sketch.merged(cell.queue for cell in each).quantile(0.95) for each in (hours, earlier)]
        return Capacity(
            query=query,
            heat=heat,
            busiest=slot,
            busy_now=Figure(heat[slot].busy, heat_before[slot].busy) if slot else Figure(None, None),
            wait_p95=Figure(*waits),
            reused=Share(sums[0].cached_tokens, sums[0].prompt_tokens),
            reused_before=Share(sums[1].cached_tokens, sums[1].prompt_tokens),
            weeks=weekly_waits(hours, zone),
            machines=machines,
            forecast=forecast_of(past, self._max_wait_s),
            limit_s=self._max_wait_s,
            remedies=remedies_of(heat, slot, machines, waits[0], self._max_wait_s),
        )

    def _past_weeks(self, work: UnitOfWork, query: UsageQuery) -> list[Week]:
        """Return the waits of the complete weeks before this one, whatever the period of the query."""
        today = self._rollups.today()
        monday = today - timedelta(days=today.weekday())
        past = replace(query, first=monday - timedelta(weeks=WEEKS_READ), last=monday - timedelta(days=1))
        return weekly_waits(work.rollups.hours(past), self._rollups.zone)

    def _days(self, work: UnitOfWork, query: UsageQuery, by_day: Sequence[SumsOf], people: People) -> list[Day]:
        """Return every day of the period; what was not added up stays unknown."""
        sums = {each.key[0]: each.sums for each in merge(by_day)}
        counted = set(counted_days(work, query))
        found = []
        for day in days_of(query):
            known = day in counted
            found.append(Day(day, sums.get(day.isoformat(), Sums()) if known else None, len(people.by_day.get(day, ())) if known else None))
        return found


def counted_days(work: UnitOfWork, query: UsageQuery) -> list[date]:
    """Return the days that were added up, from the first day with rows."""
    first, states = work.rollups.first_day(), work.rollups.states(query.first, query.last)
    return [day for day in days_of(query) if first is not None and day >= first and day in states]


def days_of(query: UsageQuery) -> list[date]:
    return [query.first + timedelta(days=n) for n in range(query.days)]


def total(found: Iterable[SumsOf]) -> Sums:
    """Add up sums. The cost of several currencies means nothing; use `money`."""
    whole = Sums()
    for each in found:
        for name in _SUMMED:
            setattr(whole, name, getattr(whole, name) + getattr(each.sums, name))
    return whole


def money(found: Iterable[SumsOf]) -> Money:
    """Add up costs by currency."""
    amounts: dict[str, float] = defaultdict(float)
    for each in found:
        if each.currency:
            amounts[each.currency] += each.sums.cost
    return dict(amounts)


def merge(found: Sequence[SumsOf]) -> list[SumsOf]:
    """Add up the currencies of each part."""
    by_key: dict[tuple[str, ...], list[SumsOf]] = defaultdict(list)
    for each in found:
        by_key[each.key].append(each)
    return [SumsOf(key, "", total(own)) for key, own in by_key.items()]


def parts(work: UnitOfWork, query: UsageQuery, by: By) -> list[Part]:
    """Return the parts of a period and of the one before, most answers first."""
    now, before = ({each.key[0]: each.sums for each in merge(work.rollups.sums(q, by))} for q in (query, query.before))
    found = [Part(name=name, now=now.get(name, Sums()), before=before.get(name, Sums())) for name in {*now, *before}]
    return sorted(found, key=lambda part: (-part.now.answers, part.name))


def rated_weeks(days: Sequence[Day]) -> list[RatedWeek]:
    """Return the share of good ratings of each week."""
    weeks: Mapping[date, list[Sums]] = defaultdict(list)
    for each in days:
        weeks[each.day - timedelta(days=each.day.weekday())] += [each.sums] if each.sums is not None else []
    return [
        RatedWeek(monday, Share(sum(each.rated_good for each in own), sum(each.rated for each in own)))
        for monday, own in sorted(weeks.items())
    ]  # fmt: skip


def _figure(people: People, work: UnitOfWork, query: UsageQuery) -> Figure:
    before = frozenset().union(*work.rollups.people_by_day(query.before).values())
    return Figure(float(people.active), float(len(before)))


def _ratio(value: float, of: float | None) -> float | None:
    return value / of if of else None
