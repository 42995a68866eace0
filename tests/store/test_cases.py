"""Review cases on both databases."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

from core.people.records import User
from core.review.cases.opening import open_case, put_rating
from core.review.cases.records import CaseFilter, CaseLock, CaseQuery, CaseState, Priority, ReviewCase
from core.review.records import ReviewState
from data.database import Database
from data.migrate import downgrade, migrate
from data.unit_of_work import SqlUnitOfWork
from tests.store import things
from tests.store.things import put_exchange, put_user

EVERY = CaseFilter(query=CaseQuery())


def put_case(database: Database, rater: User, rating: int = -1) -> ReviewCase:
    _, _, answered = put_exchange(database, rater)
    rated = things.feedback(rater, answered, rating)
    with SqlUnitOfWork(database) as work:
        put_rating(work, rated)
        found = work.cases.of_feedback(rated.id)
        work.commit()
    assert found is not None
    return found


def test_a_case_comes_back_as_it_was_saved(database: Database) -> None:
    ana = put_user(database)
    case, other = put_case(database, ana), put_case(database, ana, 1)
    lock = CaseLock(holder_id=ana.id, holder_name=ana.name, since=things.NOW, until=things.NOW + timedelta(minutes=10))
    saved = replace(
        case, state=CaseState.KEPT, priority=Priority.HIGH, assignee_id=ana.id, assignee_name=ana.name, tags=("a", "b"), version=2,
        due_at=things.NOW, closed_at=things.NOW, fix="Rates v4", reply="Thank you", replied_at=things.NOW, lock=lock, alike=1,
        correction="It is 5 %.", fix_model="rates", fix_prompt="p:3", again_id="c1", satisfied=True,
    )  # fmt: skip
    with SqlUnitOfWork(database) as work:
        work.cases.save(saved)
        work.cases.set_lock(case.id, lock)
        work.commit()
    with SqlUnitOfWork(database) as work:
        assert work.cases.for_change(case.number) == saved, "both have the same question"
        assert work.cases.find(EVERY, 10) == [saved, replace(other, alike=1)]
        assert work.cases.find(EVERY, 10, (Priority.HIGH.rank, case.number)) == [replace(other, alike=1)]
        assert work.cases.count(CaseFilter(query=CaseQuery(tag="a"))) == 1 and work.cases.tags() == {"a": 1, "b": 1}
        work.feedback.remove(ana.id, case.feedback.message_id)
        work.commit()
    with SqlUnitOfWork(database) as work:
        assert work.cases.get(case.number) is None and work.cases.tags() == {}
        assert work.cases.history(case.id) == []


def test_ratings_at_the_same_time_get_numbers_of_their_own(database: Database) -> None:
    ana = put_user(database)
    threads = [threading.Thread(target=put_case, args=(database, ana)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with SqlUnitOfWork(database) as work:
        assert sorted(case.number for case in work.cases.find(EVERY, 100)) == list(range(1, 9))


def test_ratings_of_the_release_before_become_cases(database: Database) -> None:
    ana = put_user(database)
    states = (ReviewState.RESOLVED, ReviewState.IN_REVIEW, ReviewState.NEW)
    ids = []
    for n, state in enumerate(states):
        _, _, answered = put_exchange(database, ana)
        rated = things.feedback(ana, answered, 1 if n == 2 else -1, at=things.NOW + timedelta(minutes=n))
        with SqlUnitOfWork(database) as work:
            work.feedback.put(rated)
            work.feedback.review(rated.id, state, "seen", ana.id, things.NOW)
            work.commit()
        ids.append(rated.id)
    downgrade(database, "0042")
    migrate(database)
    with SqlUnitOfWork(database) as work:
        cases = [work.cases.of_feedback(each) for each in ids]
    assert [(case.number, case.state, case.priority, case.complaint, case.assignee_name) for case in cases if case] == [
        (1, CaseState.CLOSED, Priority.NORMAL, True, None),
        (2, CaseState.IN_REVIEW, Priority.NORMAL, True, ana.name),
        (3, CaseState.NEW, Priority.LOW, False, None),
    ]
    assert [case.feedback.note for case in cases if case] == ["seen"] * 3
    _, _, answered = put_exchange(database, ana)
    late = things.feedback(ana, answered, -1)
    with SqlUnitOfWork(database) as work:
        work.feedback.put(late)
        assert work.cases.feedback_without_case(10) == [late.id]
        open_case(work, late)
        assert work.cases.feedback_without_case(10) == []
        case = work.cases.of_feedback(late.id)
        assert case is not None and case.number == 4


def test_the_cases_of_some_groups_are_found_and_counted_alone(database: Database) -> None:
    ana, bob = put_user(database), put_user(database, things.user("bob", group="Legal"))
    own, other = put_case(database, bob), put_case(database, ana)
    legal = replace(EVERY, groups=["Legal"])
    with SqlUnitOfWork(database) as work:
        work.cases.save(replace(own, tags=("a",)))
        work.cases.save(replace(other, tags=("a", "b")))
        assert [each.number for each in work.cases.find(legal, 10)] == [own.number] and work.cases.count(legal) == 1
        assert work.cases.get(other.number, ["Legal"]) is work.cases.for_change(other.number, ["Legal"]) is None
        assert [each.alike if each else None for each in (work.cases.get(own.number), work.cases.get(own.number, ["Legal"]))] == [1, 0]
        rated = CaseFilter(query=CaseQuery(rating=-1, group="Legal"), groups=["Legal"])
        assert work.cases.count(rated) == 1 and work.cases.count(replace(rated, groups=["Risk"])) == 0
        work.cases.save(replace(own, tags=("a",), state=CaseState.FIXED, closed_at=things.NOW))
        assert [len(work.cases.outcomes(9, -1, groups)) for groups in (["Legal"], ["Risk"])] == [1, 0]
        work.cases.save(replace(own, tags=("a",)))
        assert (work.cases.tags(["Legal"]), work.cases.alike(own, 10, ["Legal"])) == ({"a": 1}, [])
        numbers = work.review_progress
        assert len(numbers.times(things.NOW, ["Legal"])) == 1 and numbers.fixes(things.NOW, ["Legal"]).fixed == 0
        assert numbers.closers(things.NOW, ["Legal"]) == [] and numbers.tags(things.NOW, ["Legal"]) == [("a", own.id)]
        assert numbers.judged(things.NOW, ["Legal"]) == numbers.pairs(things.NOW, ["Legal"]) == {}
        work.feedback.rename_group("Legal", "Law")
        work.users.save(replace(ana, review_groups=frozenset({"Legal", "Risk"})))
        work.users.rename_group("Legal", "Law")
        assert work.cases.count(replace(EVERY, groups=["Law"])) == 1 and work.cases.count(legal) == 0
        stored = work.users.get(ana.id)
        assert stored is not None and stored.review_groups == {"Law", "Risk"}
