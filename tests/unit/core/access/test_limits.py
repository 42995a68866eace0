from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from core.access.groups import Groups
from core.access.limits import LimitReached, Limits
from core.access.records import LEASE, AtLimit, Holder, LimitRule, Measure, Period
from core.errors import InvalidInput, NotAllowed, NotFound
from core.people.accounts import Accounts
from core.people.records import KeyInUse, Role, Scope, User
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from tests.unit.core.conftest import MovingClock

PASSWORD = "a long password"


@pytest.fixture
def limits(unit_of_work: UnitOfWorkFactory, clock: MovingClock) -> Limits:
    return Limits(unit_of_work, clock)


@pytest.fixture
def admin(accounts: Accounts) -> User:
    return accounts.add(None, "root", Role.ADMIN, password=PASSWORD)


@pytest.fixture
def ann(accounts: Accounts) -> User:
    return accounts.add(None, "ann", Role.ANALYST, password=PASSWORD, group="Risk")


@pytest.fixture
def bob(accounts: Accounts) -> User:
    return accounts.add(None, "bob", Role.ANALYST, password=PASSWORD, group="Risk")


@pytest.fixture
def put(limits: Limits, admin: User) -> Callable[..., LimitRule]:
    def put(amount: int, **fields: Any) -> LimitRule:
        given = {"holder": Holder.EVERYONE, "measure": Measure.REQUESTS, "period": Period.DAY} | fields
        return limits.put(admin, LimitRule(id=uuid4().hex, amount=amount, **given))

    return put


def refused(limits: Limits, user: User, model: str | None = None) -> bool:
    try:
        limits.admit(user, model)
    except LimitReached:
        return True
    return False


def test_everyone_has_the_same_amount_for_themselves_and_it_returns_with_the_day(
    limits: Limits, ann: User, bob: User, put: Callable[..., LimitRule], clock: MovingClock
) -> None:
    put(2)
    assert [refused(limits, ann) for _ in range(3)] == [False, False, True]
    assert not refused(limits, bob)
    with pytest.raises(LimitReached, match="2 questions per day") as reached:
        limits.admit(ann, None)
    assert reached.value.retry_after == 12 * 3600, "noon to midnight, UTC"
    clock.forward(hours=12)
    assert not refused(limits, ann)


def test_a_persons_own_limit_takes_the_place_of_everyones(limits: Limits, ann: User, bob: User, put: Callable[..., LimitRule]) -> None:
    put(1)
    put(3, holder=Holder.PERSON, subject="ann")
    assert [refused(limits, ann) for _ in range(4)] == [False, False, False, True]
    assert [refused(limits, bob) for _ in range(2)] == [False, True]


def test_a_group_counts_its_members_together_and_keeps_its_limit_under_a_new_name(
    limits: Limits, admin: User, ann: User, bob: User, put: Callable[..., LimitRule], unit_of_work: UnitOfWorkFactory, clock: MovingClock
) -> None:
    put(2, holder=Holder.GROUP, subject="Risk")
    assert [refused(limits, each) for each in (ann, bob, ann)] == [False, False, True]
    groups = Groups(unit_of_work, clock)
    groups.change(admin, next(each.group.id for each in groups.all(admin) if each.group.name == "Risk"), name="Market risk")
    assert [rule.subject for rule in limits.rules(admin)] == ["Market risk"]


def test_a_key_has_the_limits_that_it_was_made_with(limits: Limits, ann: User) -> None:
    keyed = replace(ann, key=KeyInUse("k1", frozenset({Scope.CHAT}), requests_per_minute=1))
    assert [refused(limits, each) for each in (keyed, keyed, ann)] == [False, True, False]


def test_tokens_count_when_the_answer_ends(limits: Limits, ann: User, put: Callable[..., LimitRule]) -> None:
    put(100, measure=Measure.TOKENS)
    admitted = limits.admit(ann, None)
    assert not refused(limits, ann), "nothing has been used yet"
    limits.ended(ann, admitted, 120)
    assert refused(limits, ann)


def test_no_more_answers_run_at_once_and_a_crashed_one_stops_counting(
    limits: Limits, ann: User, put: Callable[..., LimitRule], clock: MovingClock
) -> None:
    put(1, measure=Measure.CONCURRENT, period=Period.NOW)
    first = limits.admit(ann, None)
    assert refused(limits, ann)
    limits.ended(ann, first, 0)
    second = limits.admit(ann, None)
    clock.forward(seconds=LEASE.total_seconds() - 1)
    limits.alive(second)
    clock.forward(seconds=LEASE.total_seconds() - 1)
    assert refused(limits, ann)
    clock.forward(seconds=2)
    assert not refused(limits, ann)


def test_concurrent_requests_never_exceed_a_limit(limits: Limits, ann: User, put: Callable[..., LimitRule]) -> None:
    put(5)
    put(4, measure=Measure.CONCURRENT, period=Period.NOW)
    results: list[bool] = []
    threads = [threading.Thread(target=lambda: results.append(refused(limits, ann))) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results.count(False) == 4


def test_a_refused_request_counts_nothing(limits: Limits, ann: User, put: Callable[..., LimitRule]) -> None:
    put(1, measure=Measure.CONCURRENT, period=Period.NOW)
    put(9)
    admitted = limits.admit(ann, None)
    assert refused(limits, ann) and refused(limits, ann)
    limits.ended(ann, admitted, 0)
    [day] = [state for state in limits.states(ann) if state.rule.measure is Measure.REQUESTS]
    assert day.used == 1


def test_at_the_limit_another_model_answers_and_is_itself_not_limited(limits: Limits, ann: User, put: Callable[..., LimitRule]) -> None:
    put(1, at_limit=AtLimit.CHEAPER, model="small")
    assert [limits.admit(ann, "large").model for _ in range(3)] == [None, "small", "small"]
    assert limits.admit(ann, "small").model is None


def test_at_the_limit_a_request_that_no_other_model_can_answer_is_refused(
    limits: Limits, ann: User, put: Callable[..., LimitRule]
) -> None:
    put(1, at_limit=AtLimit.CHEAPER, model="small")
    limits.admit(ann, "vectors", replaceable=False)
    with pytest.raises(LimitReached):
        limits.admit(ann, "vectors", replaceable=False)


def test_a_limit_that_is_lowered_below_what_is_used_refuses_and_leaves_nothing(
    limits: Limits, ann: User, put: Callable[..., LimitRule]
) -> None:
    put(5)
    for _ in range(4):
        limits.admit(ann, None)
    put(2)
    [state] = limits.states(ann)
    assert (state.used, state.left) == (4, 0) and limits.nearly_used(ann) == [state]
    assert refused(limits, ann)
    with pytest.raises(LimitReached):
        limits.check(ann)
    put(5)
    assert [refused(limits, ann) for _ in range(2)] == [False, True]


def test_a_limit_that_waits_says_so_and_a_check_lets_it_through(limits: Limits, ann: User, put: Callable[..., LimitRule]) -> None:
    put(1, at_limit=AtLimit.QUEUE)
    limits.admit(ann, None)
    limits.check(ann)
    with pytest.raises(LimitReached) as reached:
        limits.admit(ann, None)
    assert reached.value.waits


def test_the_meter_shows_what_is_more_than_half_used(limits: Limits, ann: User, put: Callable[..., LimitRule]) -> None:
    put(4)
    limits.admit(ann, None)
    limits.admit(ann, None)
    assert limits.nearly_used(ann) == []
    limits.admit(ann, None)
    [state] = limits.nearly_used(ann)
    assert (state.used, state.left) == (3, 1)


@pytest.mark.parametrize(
    "fields",
    [
        {"amount": 0},
        {"period": Period.NOW},
        {"measure": Measure.CONCURRENT},
        {"holder": Holder.GROUP},
        {"subject": "ann"},
        {"at_limit": AtLimit.CHEAPER},
        {"model": "small"},
        {"measure": Measure.UPLOADS, "at_limit": AtLimit.QUEUE},
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(fields: dict[str, Any]) -> None:
    given = {"holder": Holder.EVERYONE, "measure": Measure.REQUESTS, "period": Period.DAY, "amount": 1} | fields
    with pytest.raises(InvalidInput):
        LimitRule(id="x", **given)


def test_only_those_who_manage_people_set_limits_and_only_for_somebody(
    limits: Limits, admin: User, ann: User, put: Callable[..., LimitRule]
) -> None:
    rule = put(1)
    for attack in (lambda: limits.rules(ann), lambda: limits.put(ann, rule), lambda: limits.remove(ann, rule.id)):
        with pytest.raises(NotAllowed):
            attack()
    with pytest.raises(NotFound):
        put(1, holder=Holder.PERSON, subject="nobody")
    with pytest.raises(NotFound):
        put(1, holder=Holder.GROUP, subject="Nowhere")
    with pytest.raises(NotFound):
        put(1, holder=Holder.KEY, subject="no key")
    limits.remove(admin, rule.id)
    with pytest.raises(NotFound):
        limits.remove(admin, rule.id)


def test_a_request_that_used_nothing_ends_without_the_database(unit_of_work: UnitOfWorkFactory, clock: MovingClock, ann: User) -> None:
    opened: list[int] = []

    def counted() -> UnitOfWork:
        opened.append(1)
        return unit_of_work()

    limits = Limits(counted, clock)
    admitted = limits.admit(ann, None)
    opened.clear()
    limits.ended(ann, admitted, 0)
    assert not opened
