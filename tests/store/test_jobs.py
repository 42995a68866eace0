"""The job table on both databases: one claim a job, one active job a key, and sealed columns."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from core.errors import StoredError
from core.tasks.records import Job, JobFilter, JobState
from data.database import Database
from data.unit_of_work import SqlUnitOfWork
from tests.store.things import NOW, new_id

LATER = NOW + timedelta(seconds=30)


def job(**fields: object) -> Job:
    return replace(Job(id=new_id(), kind="count", created_at=NOW, run_after=NOW), **fields)  # type: ignore[arg-type]


def put(database: Database, *jobs: Job) -> list[bool]:
    with SqlUnitOfWork(database) as work:
        added = [work.jobs.add(each) for each in jobs]
        work.commit()
    return added


def claim(database: Database, worker: str = "a/1", server: str = "a") -> Job | None:
    with SqlUnitOfWork(database) as work:
        found = work.jobs.claim(worker, server, ["count"], NOW, LATER)
        work.commit()
    return found


def test_workers_that_claim_at_once_get_each_job_once(database: Database) -> None:
    jobs = [job() for _ in range(40)]
    put(database, *jobs)
    claimed: list[str] = []

    def work(number: int) -> None:
        while (found := claim(database, f"a/{number}")) is not None:
            claimed.append(found.id)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    # A worker may leave early on PostgreSQL, where it passes over what others hold at that moment.
    while (found := claim(database)) is not None:
        claimed.append(found.id)
    assert Counter(claimed) == Counter(each.id for each in jobs)


def test_one_active_job_has_a_key_also_where_two_are_added_at_once(database: Database) -> None:
    ready = threading.Barrier(4)
    added: list[bool] = []

    def add() -> None:
        ready.wait()
        added.extend(put(database, job(key="only one")))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert Counter(added) == {True: 1, False: 3}


def test_a_key_is_free_again_once_its_job_has_ended(database: Database) -> None:
    first, second = job(key="only one"), job(key="only one")
    put(database, first)
    assert claim(database) is not None
    with SqlUnitOfWork(database) as work:
        assert work.jobs.end(first.id, "a/1", JobState.FAILED, NOW, {}, StoredError("No {what}.", {"what": "luck", "n": 3}, "busy"))
        work.commit()
    assert put(database, second) == [True]
    with SqlUnitOfWork(database) as work:
        assert not work.jobs.retry(first.id, NOW), "its key is taken"
        ended = work.jobs.get(first.id)
    assert ended is not None and ended.error == StoredError("No {what}.", {"what": "luck", "n": 3}, "busy")


def test_what_a_job_was_given_and_gave_comes_back_as_it_was(database: Database) -> None:
    payload = {"name": "汉字 👩🏽‍💻", "sizes": [1, 2.5, None], "nested": {"yes": True}}
    one = job(payload=payload, owner_id="ana", server="a")
    put(database, one)
    assert claim(database, "b/1", "b") is None
    found = claim(database)
    assert found is not None and (found.payload, found.owner_id, found.state, found.tries) == (payload, "ana", JobState.RUNNING, 1)
    with SqlUnitOfWork(database) as work:
        assert work.jobs.renew(one.id, "a/1", LATER, 0.5, {"speed": 1.5})
        assert work.jobs.end(one.id, "a/1", JobState.DONE, NOW, {"size": 3}, None)
        work.commit()
        [ended] = work.jobs.find(JobFilter(owner_id="ana", states=(JobState.DONE,)), 10)
        assert (ended.progress, ended.detail, ended.result, ended.lease_until) == (1.0, {"speed": 1.5}, {"size": 3}, None)
        assert work.jobs.counts() == {**dict.fromkeys(JobState, 0), JobState.DONE: 1}


@pytest.mark.parametrize("asked", ["cancel", "lease"])
def test_a_worker_learns_that_its_job_is_no_longer_its_own(database: Database, asked: str) -> None:
    one = job()
    put(database, one)
    claim(database)
    with SqlUnitOfWork(database) as work:
        if asked == "cancel":
            work.jobs.request_cancel(one.id, NOW)
        else:
            work.jobs.release("a", NOW)
            assert work.jobs.claim("c/1", "c", ["count"], NOW, LATER) is not None
        work.commit()
        assert not work.jobs.renew(one.id, "a/1", LATER, 0.5, {})
