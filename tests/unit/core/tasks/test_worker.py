"""Jobs on a real database (SQLite): claimed, run, cancelled, retried, continued after a restart."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

import pytest

from core.errors import Conflict, InvalidInput, NotFound, Unavailable
from core.people.records import User
from core.tasks.handlers import JobKind, Report
from core.tasks.jobs import Jobs
from core.tasks.records import Job, JobFilter, JobState, Json
from core.tasks.worker import LOST, STOPPED, JobWorker
from core.unit_of_work import UnitOfWorkFactory
from tests.unit.core.conftest import SERVER, MovingClock

Working = Callable[[Sequence[JobKind]], JobWorker]


def add(unit_of_work: UnitOfWorkFactory, jobs: Jobs, kind: str = "count", **fields: object) -> Job:
    with unit_of_work() as work:
        job = jobs.add(work, kind, **fields)  # type: ignore[arg-type]
        work.commit()
    jobs.wake()
    return job


def wait_for(jobs: Jobs, admin: User, job: Job, *states: JobState) -> Job:
    until = time.monotonic() + 60
    while (found := jobs.get(admin, job.id)).state not in states:
        assert time.monotonic() < until, found
        time.sleep(0.005)
    return found


class Held:
    """Runs until `go` is set, and reports while it does."""

    def __init__(self) -> None:
        self.began = threading.Event()
        self.go = threading.Event()
        self.runs = 0

    def __call__(self, job: Job, report: Report) -> None:
        self.runs += 1
        self.began.set()
        while not self.go.wait(0.005):
            report(0.25, done=1)


def test_a_job_runs_and_keeps_its_result(unit_of_work: UnitOfWorkFactory, jobs: Jobs, working: Working, admin: User) -> None:
    def count(job: Job, report: Report) -> Mapping[str, Json]:
        report(0.5)
        return {"counted": job.payload["upto"]}

    working([JobKind("count", count)])
    job = add(unit_of_work, jobs, payload={"upto": 3}, owner=admin)
    done = wait_for(jobs, admin, job, JobState.DONE)
    assert (done.result, done.progress, done.tries, done.error) == ({"counted": 3}, 1.0, 1, None)


def test_progress_is_stored_while_a_job_runs(unit_of_work: UnitOfWorkFactory, jobs: Jobs, working: Working, admin: User) -> None:
    held = Held()
    working([JobKind("count", held)])
    job = add(unit_of_work, jobs)
    until = time.monotonic() + 60
    while jobs.get(admin, job.id).progress != 0.25:
        assert time.monotonic() < until
        time.sleep(0.01)
    assert jobs.get(admin, job.id).detail == {"done": 1}
    held.go.set()
    wait_for(jobs, admin, job, JobState.DONE)


def test_a_job_added_in_a_transaction_that_is_rolled_back_never_runs(
    unit_of_work: UnitOfWorkFactory, jobs: Jobs, working: Working, admin: User
) -> None:
    with unit_of_work() as work:
        jobs.add(work, "count")
    assert jobs.list(admin) == []


def test_one_active_job_has_a_key(unit_of_work: UnitOfWorkFactory, jobs: Jobs, admin: User) -> None:
    add(unit_of_work, jobs, key="only one")
    with pytest.raises(Conflict):
        add(unit_of_work, jobs, key="only one")
    assert len(jobs.list(admin)) == 1


def test_a_waiting_job_is_cancelled_at_once_and_a_running_one_at_its_next_report(
    unit_of_work: UnitOfWorkFactory, jobs: Jobs, working: Working, admin: User
) -> None:
    waiting = add(unit_of_work, jobs, kind="nobody runs this")
    assert jobs.cancel(admin, waiting.id).state is JobState.CANCELLED
    held = Held()
    working([JobKind("count", held)])
    running = add(unit_of_work, jobs)
    assert held.began.wait(60)
    assert jobs.cancel(admin, running.id).cancel_requested
    assert wait_for(jobs, admin, running, JobState.CANCELLED).error is None
    with pytest.raises(Conflict):
        jobs.cancel(admin, running.id)
    with unit_of_work() as work:
        actions = [each.event.action for each in work.audit.by_ids([str(number) for number in range(1, 20)])]
    assert actions.count("job.cancel") == 2


def test_a_failure_that_may_pass_is_tried_again_later(
    unit_of_work: UnitOfWorkFactory, jobs: Jobs, working: Working, admin: User, clock: MovingClock
) -> None:
    failures = [Unavailable("The disk is away."), RuntimeError("a bug")]

    def flaky(job: Job, report: Report) -> None:
        if failures:
            raise failures.pop(0)

    working([JobKind("count", flaky, most_tries=3)])
    job = add(unit_of_work, jobs)
    first = wait_for(jobs, admin, job, JobState.WAITING)
    while (first := jobs.get(admin, job.id)).error is None:
        time.sleep(0.005)
    assert str(first.error) == "The disk is away." and first.run_after == clock() + timedelta(seconds=5)
    clock.forward(seconds=5)
    until = time.monotonic() + 60
    while "bug" not in str((second := jobs.get(admin, job.id)).error) and "fault" not in str(second.error):
        assert time.monotonic() < until
        time.sleep(0.005)
    assert job.id in str(second.error) and "a bug" not in str(second.error) and second.run_after == clock() + timedelta(seconds=10)
    clock.forward(seconds=10)
    assert wait_for(jobs, admin, job, JobState.DONE).error is None


def test_a_refusal_is_not_tried_again_but_a_person_may(unit_of_work: UnitOfWorkFactory, jobs: Jobs, working: Working, admin: User) -> None:
    refusing = [True]

    def refuse(job: Job, report: Report) -> None:
        if refusing:
            raise InvalidInput("There is no {thing}.", thing="such file")

    working([JobKind("count", refuse, most_tries=5)])
    job = add(unit_of_work, jobs)
    failed = wait_for(jobs, admin, job, JobState.FAILED)
    assert failed.error is not None and failed.error.template == "There is no {thing}." and str(failed.error) == "There is no such file."
    assert failed.tries == 1
    refusing.clear()
    jobs.retry(admin, job.id)
    assert wait_for(jobs, admin, job, JobState.DONE).error is None
    with pytest.raises(Conflict):
        jobs.retry(admin, job.id)


@pytest.mark.parametrize("resumable", [True, False])
def test_a_stop_ends_running_jobs_and_resumable_ones_go_on_after_the_next_start(
    unit_of_work: UnitOfWorkFactory, jobs: Jobs, working: Working, admin: User, resumable: bool
) -> None:
    held = Held()
    kind = JobKind("count", held, resumable=resumable)
    worker = working([kind])
    job = add(unit_of_work, jobs)
    assert held.began.wait(60)
    worker.close()
    ended = jobs.get(admin, job.id)
    if not resumable:
        assert ended.state is JobState.FAILED and str(ended.error) == STOPPED
        return
    assert ended.state is JobState.WAITING
    held.go.set()
    working([kind])
    assert wait_for(jobs, admin, job, JobState.DONE).tries == 1
    assert held.runs == 2


@pytest.mark.parametrize("resumable", [True, False])
def test_what_a_killed_process_left_running_is_taken_over_or_fails_with_a_sentence(
    unit_of_work: UnitOfWorkFactory, jobs: Jobs, working: Working, admin: User, clock: MovingClock, resumable: bool
) -> None:
    job = add(unit_of_work, jobs)
    with unit_of_work() as work:
        assert work.jobs.claim(f"{SERVER}/gone", SERVER, ["count"], clock(), clock() + timedelta(hours=1)) is not None
        work.commit()
    working([JobKind("count", lambda job, report: None, resumable=resumable)])
    ended = wait_for(jobs, admin, job, JobState.DONE, JobState.FAILED)
    assert (ended.state is JobState.DONE) == resumable
    assert str(ended.error) == ("None" if resumable else LOST)


def test_a_job_that_ends_the_server_each_time_is_given_up(
    unit_of_work: UnitOfWorkFactory, jobs: Jobs, working: Working, admin: User, clock: MovingClock
) -> None:
    job = add(unit_of_work, jobs)
    for _ in range(3):
        with unit_of_work() as work:
            assert work.jobs.claim(f"{SERVER}/gone", SERVER, ["count"], clock(), clock() + timedelta(seconds=1)) is not None
            work.commit()
        clock.forward(seconds=2)
    working([JobKind("count", lambda job, report: None, resumable=True)])
    assert str(wait_for(jobs, admin, job, JobState.FAILED).error) == LOST


def test_a_worker_that_lost_its_lease_writes_nothing_any_more(
    unit_of_work: UnitOfWorkFactory, jobs: Jobs, admin: User, clock: MovingClock
) -> None:
    job = add(unit_of_work, jobs)
    with unit_of_work() as work:
        work.jobs.claim("a/1", "a", ["count"], clock(), clock() + timedelta(seconds=30))
        work.commit()
    clock.forward(seconds=31)
    with unit_of_work() as work:
        assert work.jobs.claim("b/1", "b", ["count"], clock(), clock() + timedelta(seconds=30)) is not None
        work.commit()
        assert not work.jobs.renew(job.id, "a/1", clock() + timedelta(seconds=30), 0.9, {})
        assert not work.jobs.end(job.id, "a/1", JobState.DONE, clock(), {}, None)
        assert not work.jobs.postpone(job.id, "a/1", clock(), None)
    assert jobs.get(admin, job.id).state is JobState.RUNNING


def test_a_job_of_one_server_is_left_to_it(unit_of_work: UnitOfWorkFactory, jobs: Jobs, clock: MovingClock) -> None:
    add(unit_of_work, jobs, server="b")
    with unit_of_work() as work:
        assert work.jobs.claim("a/1", "a", ["count"], clock(), clock()) is None
        assert work.jobs.claim("b/1", "b", ["other kinds"], clock(), clock()) is None
        assert work.jobs.claim("b/1", "b", ["count"], clock(), clock()) is not None


def test_a_recurring_job_waits_for_its_time_or_for_somebody_who_wants_it_now(
    unit_of_work: UnitOfWorkFactory, jobs: Jobs, working: Working, admin: User, clock: MovingClock
) -> None:
    working([JobKind("count", lambda job, report: None, every=timedelta(days=1))])
    until = time.monotonic() + 60
    while not jobs.list(admin):
        assert time.monotonic() < until
        time.sleep(0.005)
    [first] = jobs.list(admin)
    assert first.run_after == clock() + timedelta(minutes=1)
    with unit_of_work() as work:
        assert jobs.run_now(work, "count").id == first.id
        work.commit()
    jobs.wake()
    wait_for(jobs, admin, first, JobState.DONE)
    [second] = jobs.list(admin, JobFilter(states=(JobState.WAITING,)))
    assert second.run_after == clock() + timedelta(days=1)


def test_a_recurring_job_that_was_cancelled_comes_back_after_its_period(
    unit_of_work: UnitOfWorkFactory, jobs: Jobs, working: Working, admin: User, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.tasks.worker.SCHEDULE_S", 0.0)
    working([JobKind("count", lambda job, report: None, every=timedelta(days=1))])
    until = time.monotonic() + 60
    while not jobs.list(admin):
        time.sleep(0.005)
    jobs.cancel(admin, jobs.list(admin)[0].id)
    while not (found := jobs.list(admin, JobFilter(states=(JobState.WAITING,)))):
        assert time.monotonic() < until
        jobs.wake()
        time.sleep(0.005)
    assert found[0].run_after == clock() + timedelta(days=1)


def test_people_see_and_steer_their_own_jobs_and_admins_all(unit_of_work: UnitOfWorkFactory, jobs: Jobs, admin: User, ana: User) -> None:
    own, other = add(unit_of_work, jobs, owner=ana), add(unit_of_work, jobs, owner=admin)
    assert [job.id for job in jobs.list(ana)] == [own.id]
    assert {job.id for job in jobs.list(admin)} == {own.id, other.id}
    for use in (jobs.get, jobs.cancel, jobs.retry):
        with pytest.raises(NotFound):
            use(ana, other.id)
    assert jobs.cancel(ana, own.id).state is JobState.CANCELLED


def test_jobs_are_listed_newest_first_in_pages(unit_of_work: UnitOfWorkFactory, jobs: Jobs, admin: User, clock: MovingClock) -> None:
    made = []
    for _ in range(5):
        made.insert(0, add(unit_of_work, jobs).id)
        clock.forward(seconds=1)
    first = jobs.list(admin, limit=2)
    rest = jobs.list(admin, limit=200, before=first[-1].id)
    assert [job.id for job in (*first, *rest)] == made


def test_ended_jobs_are_removed_after_thirty_days(
    unit_of_work: UnitOfWorkFactory, jobs: Jobs, working: Working, admin: User, clock: MovingClock
) -> None:
    old = add(unit_of_work, jobs)
    jobs.cancel(admin, old.id)
    clock.forward(days=31)
    young = add(unit_of_work, jobs)
    working([])
    until = time.monotonic() + 60
    while len(jobs.list(admin)) > 1:
        assert time.monotonic() < until
        time.sleep(0.005)
    assert jobs.get(admin, young.id).state is JobState.WAITING


def test_a_paused_job_keeps_its_key_and_waits_until_it_is_resumed(
    unit_of_work: UnitOfWorkFactory, jobs: Jobs, working: Working, admin: User
) -> None:
    held = Held()
    working([JobKind("count", held, resumable=True)])
    job = add(unit_of_work, jobs, owner=admin, key="one")
    assert held.began.wait(60)
    paused = jobs.pause(admin, job.id)
    assert paused.paused and not paused.ended
    with pytest.raises(Conflict), unit_of_work() as work:
        jobs.add(work, "count", key="one")
    held.go.set()
    resumed = jobs.resume(admin, job.id)
    assert not resumed.paused
    assert wait_for(jobs, admin, job, JobState.DONE).tries == 1
    with pytest.raises(Conflict, match="not paused"):
        jobs.resume(admin, job.id)
    with pytest.raises(Conflict, match="cannot be paused"):
        jobs.pause(admin, job.id)


def test_a_job_resumed_at_once_is_not_ended_by_the_run_that_was_paused(
    unit_of_work: UnitOfWorkFactory, jobs: Jobs, working: Working, admin: User
) -> None:
    runs: list[threading.Event] = []

    def slow_to_stop(job: Job, report: Report) -> None:
        mine = threading.Event()
        runs.append(mine)
        assert mine.wait(60)
        report(0.5)

    working([JobKind("count", slow_to_stop, resumable=True)])
    job = add(unit_of_work, jobs, owner=admin)
    until = time.monotonic() + 60
    while not runs:
        assert time.monotonic() < until
        time.sleep(0.005)
    jobs.pause(admin, job.id)
    jobs.resume(admin, job.id)
    while len(runs) < 2:
        assert time.monotonic() < until
        time.sleep(0.005)
    time.sleep(1.2)  # The worker notices that the first run no longer holds the job.
    runs[0].set()
    runs[1].set()
    assert wait_for(jobs, admin, job, JobState.DONE, JobState.CANCELLED).state is JobState.DONE


def test_a_failed_job_can_be_dismissed(unit_of_work: UnitOfWorkFactory, jobs: Jobs, working: Working, admin: User) -> None:
    def fail(job: Job, report: Report) -> None:
        raise InvalidInput("It does not work.")

    working([JobKind("count", fail)])
    job = add(unit_of_work, jobs, owner=admin)
    wait_for(jobs, admin, job, JobState.FAILED)
    jobs.dismiss(admin, job.id)
    assert jobs.get(admin, job.id).state is JobState.CANCELLED
    with pytest.raises(Conflict, match="Only a failed job"):
        jobs.dismiss(admin, job.id)


def test_a_kind_with_a_limit_of_its_own_neither_fills_the_worker_nor_waits_for_it(
    unit_of_work: UnitOfWorkFactory, jobs: Jobs, working: Working, admin: User
) -> None:
    shared, own = Held(), Held()
    working([JobKind("count", shared), JobKind("own", own, at_once=2)])
    owned = [add(unit_of_work, jobs, "own") for _ in range(3)]
    others = [add(unit_of_work, jobs) for _ in range(4)]
    for job in (*owned[:2], *others[:3]):
        wait_for(jobs, admin, job, JobState.RUNNING)
    assert {jobs.get(admin, job.id).state for job in (owned[2], others[3])} == {JobState.WAITING}
    own.go.set()
    shared.go.set()
    for job in (*owned, *others):
        wait_for(jobs, admin, job, JobState.DONE)


class Follower:
    """A leadership that this process does not hold until a test says so."""

    def __init__(self) -> None:
        self.leads = False

    def holds(self) -> bool:
        return self.leads


def test_only_the_leader_adds_recurring_jobs(unit_of_work: UnitOfWorkFactory, jobs: Jobs, clock: MovingClock, admin: User) -> None:
    leadership = Follower()
    kinds = [JobKind("tidy", Held(), every=timedelta(hours=1)), JobKind("count", lambda _job, _report: None)]
    worker = JobWorker(unit_of_work, kinds, clock, SERVER, jobs.woken, alone=False, leadership=leadership)
    worker.start()
    wait_for(jobs, admin, add(unit_of_work, jobs), JobState.DONE)  # Anyone who does not lead still runs jobs.
    assert jobs.latest(JobFilter(kinds=("tidy",))) is None
    leadership.leads = True
    until = time.monotonic() + 60
    while (found := jobs.latest(JobFilter(kinds=("tidy",)))) is None:
        assert time.monotonic() < until
        time.sleep(0.02)
    worker.close()
    assert found.run_after == clock() + timedelta(minutes=1)


def until_count(worker: JobWorker, wanted: int) -> None:
    """Wait until so many jobs run: a job's end is in the database before its thread ends."""
    until = time.monotonic() + 60
    while worker.count() != wanted:
        assert time.monotonic() < until
        time.sleep(0.005)


def test_a_draining_worker_finishes_what_only_it_can_and_leaves_the_rest(
    unit_of_work: UnitOfWorkFactory, jobs: Jobs, clock: MovingClock, admin: User
) -> None:
    stays, goes = Held(), Held()
    kinds = [JobKind("count", stays), JobKind("carry", goes, resumable=True)]
    worker = JobWorker(unit_of_work, kinds, clock, SERVER, jobs.woken, alone=False)
    worker.start()
    only_here, anywhere = add(unit_of_work, jobs), add(unit_of_work, jobs, "carry")
    assert stays.began.wait(60) and goes.began.wait(60)
    worker.drain()
    later = add(unit_of_work, jobs)
    assert wait_for(jobs, admin, anywhere, JobState.WAITING).tries == 0
    until_count(worker, 1)
    assert jobs.get(admin, only_here.id).state is JobState.RUNNING
    stays.go.set()
    wait_for(jobs, admin, only_here, JobState.DONE)
    until_count(worker, 0)
    assert jobs.get(admin, later.id).state is JobState.WAITING
    worker.close()


def test_a_job_that_is_claimed_while_draining_begins_is_left_to_others(
    unit_of_work: UnitOfWorkFactory, jobs: Jobs, clock: MovingClock, admin: User
) -> None:
    held = Held()

    def drain_now() -> bool:
        worker.drain()
        return True

    worker = JobWorker(unit_of_work, [JobKind("count", held)], clock, SERVER, jobs.woken, alone=False, has_model=drain_now)
    job = add(unit_of_work, jobs)
    assert worker.step() == 0 and worker.count() == 0
    found = jobs.get(admin, job.id)
    assert (found.state, found.tries) == (JobState.WAITING, 0) and not held.began.is_set()


def test_a_server_without_a_model_leaves_the_jobs_that_need_one(
    unit_of_work: UnitOfWorkFactory, jobs: Jobs, clock: MovingClock, admin: User
) -> None:
    kinds = [JobKind("ask", lambda _job, _report: None, needs_model=True), JobKind("count", lambda _job, _report: None)]
    models: list[str] = []
    worker = JobWorker(unit_of_work, kinds, clock, SERVER, jobs.woken, alone=False, has_model=lambda: bool(models))
    worker.start()
    asks = add(unit_of_work, jobs, "ask")
    wait_for(jobs, admin, add(unit_of_work, jobs), JobState.DONE)
    assert jobs.get(admin, asks.id).state is JobState.WAITING
    models.append("glm")
    wait_for(jobs, admin, asks, JobState.DONE)
    worker.close()
