"""Store background jobs: add, claim, renew, end."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, Integer, and_, bindparam, delete, exists, func, or_, select, update
from sqlalchemy.orm import aliased

from core.errors import StoredError
from core.tasks.records import ACTIVE, PAUSED_UNTIL, Job, JobFilter, JobState, Json
from data.columns import error_json, error_of
from data.tables import JobTable
from data.transaction import AnyRow, AnySelect, Transaction

_JOB = JobTable.__table__.c
_ALL = select(JobTable.__table__)


@cache
def _found(given: frozenset[str]) -> AnySelect:
    """Return the statement that finds jobs by these conditions, newest first."""
    kinds: BindParameter[str] = bindparam("kinds", expanding=True)
    states: BindParameter[JobState] = bindparam("states", expanding=True)
    conditions = {
        "owner": _JOB.owner_id == bindparam("owner"),
        "kinds": _JOB.kind.in_(kinds),
        "states": _JOB.state.in_(states),
        "on_server": _JOB.server == bindparam("on_server"),
        "last": _JOB.number < select(_JOB.number).where(_JOB.id == bindparam("last")).scalar_subquery(),
    }
    wanted = [condition for name, condition in conditions.items() if name in given]
    return _ALL.where(*wanted).order_by(_JOB.number.desc()).limit(bindparam("most", type_=Integer))


class SqlJobRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def add(self, job: Job) -> bool:
        values = {
            "id": job.id,
            "kind": job.kind,
            "state": JobState.WAITING,
            "payload": _json(job.payload),
            "owner_id": job.owner_id,
            "key": job.key,
            "server": job.server,
            "tries": 0,
            "progress": 0.0,
            "detail": "{}",
            "result": "{}",
            "cancel_requested": False,
            "created_at": job.created_at,
            "run_after": job.run_after,
        }
        return self._sql.insert_new(JobTable, _JOB.id, values)

    def get(self, job_id: str) -> Job | None:
        row = self._sql.first(_ALL.where(_JOB.id == job_id))
        return None if row is None else _job(row)

    def find(self, filter: JobFilter, limit: int, before: str | None = None) -> Sequence[Job]:
        wanted = {
            "owner": filter.owner_id, "kinds": None if filter.kinds is None else list(filter.kinds),
            "states": None if filter.states is None else list(filter.states), "on_server": filter.server, "last": before,
        }  # fmt: skip
        values = {name: value for name, value in wanted.items() if value is not None}
        return [_job(row) for row in self._sql.all(_found(frozenset(values)), {**values, "most": limit})]

    def counts(self) -> Mapping[JobState, int]:
        found = {row.state: int(row.jobs) for row in self._sql.all(select(_JOB.state, func.count().label("jobs")).group_by(_JOB.state))}
        return {state: found.get(state, 0) for state in JobState}

    def claim(self, worker: str, server: str, kinds: Sequence[str], now: datetime, lease_until: datetime) -> Job | None:
        due = or_(
            and_(_JOB.state == JobState.WAITING, _JOB.run_after <= now), and_(_JOB.state == JobState.RUNNING, _JOB.lease_until < now)
        )
        mine = or_(_JOB.server.is_(None), _JOB.server == server)
        oldest = select(_JOB.id).where(due, mine, _JOB.kind.in_(kinds)).order_by(_JOB.run_after, _JOB.number).limit(1)
        # Checked without a lock first: usually nothing is due, and SQLite has one writer.
        if self._sql.first(oldest) is None:
            return None
        taken = self._sql.skip_locked(oldest)
        if taken is None:
            return None
        values = {"state": JobState.RUNNING, "worker": worker, "tries": _JOB.tries + 1, "started_at": now, "lease_until": lease_until}
        self._sql.write(update(JobTable).where(_JOB.id == taken.id).values(**values, progress=0.0, detail="{}"))
        return self.get(taken.id)

    def renew(self, job_id: str, worker: str, lease_until: datetime, progress: float, detail: Mapping[str, Json]) -> bool:
        values = {"lease_until": lease_until, "progress": progress, "detail": _json(detail)}
        held = self._change(job_id, worker, values)
        return held and not self._sql.scalar(select(_JOB.cancel_requested).where(_JOB.id == job_id))

    def end(
        self, job_id: str, worker: str, state: JobState, at: datetime, result: Mapping[str, Json], error: StoredError | None
    ) -> bool:
        values: dict[str, Any] = {
            "state": state,
            "ended_at": at,
            "result": _json(result),
            "error": None if error is None else error_json(error),
            "lease_until": None,
        }
        if state is JobState.DONE:
            values["progress"] = 1.0
        return self._change(job_id, worker, values)

    def postpone(self, job_id: str, worker: str, run_after: datetime, error: StoredError | None) -> bool:
        values: dict[str, Any] = {"state": JobState.WAITING, "run_after": run_after, "lease_until": None}
        values["error"] = None if error is None else error_json(error)
        if error is None:
            values["tries"] = _JOB.tries - 1
        return self._change(job_id, worker, values)

    def make_due(self, key: str, now: datetime) -> Job | None:
        waiting = and_(_JOB.key == key, _JOB.state == JobState.WAITING, _JOB.run_after > now)
        self._sql.write(update(JobTable).where(waiting).values(run_after=now))
        row = self._sql.first(_ALL.where(_JOB.key == key, _JOB.state.in_(ACTIVE)))
        return None if row is None else _job(row)

    def request_cancel(self, job_id: str, now: datetime) -> None:
        waiting = and_(_JOB.id == job_id, _JOB.state == JobState.WAITING)
        self._sql.write(update(JobTable).where(waiting).values(state=JobState.CANCELLED, ended_at=now, cancel_requested=True))
        running = and_(_JOB.id == job_id, _JOB.state == JobState.RUNNING)
        self._sql.write(update(JobTable).where(running).values(cancel_requested=True))

    def pause(self, job_id: str) -> bool:
        active = and_(_JOB.id == job_id, _JOB.state.in_(ACTIVE), ~_JOB.cancel_requested)
        values = {"state": JobState.WAITING, "run_after": PAUSED_UNTIL, "lease_until": None}
        return self._sql.write(update(JobTable).where(active).values(**values)).rowcount > 0

    def resume(self, job_id: str, now: datetime) -> bool:
        paused = and_(_JOB.id == job_id, _JOB.state == JobState.WAITING, _JOB.run_after >= PAUSED_UNTIL)
        return self._sql.write(update(JobTable).where(paused).values(run_after=now, tries=0, error=None)).rowcount > 0

    def dismiss(self, job_id: str) -> bool:
        failed = and_(_JOB.id == job_id, _JOB.state == JobState.FAILED)
        return self._sql.write(update(JobTable).where(failed).values(state=JobState.CANCELLED)).rowcount > 0

    def retry(self, job_id: str, now: datetime) -> bool:
        other = aliased(JobTable)
        taken = exists().where(other.key == _JOB.key, other.state.in_(ACTIVE))
        again = and_(_JOB.id == job_id, _JOB.state.in_((JobState.FAILED, JobState.CANCELLED)), ~taken)
        values = {"state": JobState.WAITING, "run_after": now, "tries": 0, "progress": 0.0, "error": None, "ended_at": None}
        return self._sql.write(update(JobTable).where(again).values(**values, cancel_requested=False)).rowcount > 0

    def release(self, server: str, now: datetime) -> None:
        held = and_(_JOB.state == JobState.RUNNING, _JOB.worker.startswith(server + "/", autoescape=True))
        self._sql.write(update(JobTable).where(held).values(lease_until=now - timedelta(seconds=1)))

    def remove(self, job_id: str) -> None:
        self._sql.write(delete(JobTable).where(_JOB.id == job_id, _JOB.ended_at.is_not(None)))

    def remove_ended(self, before: datetime) -> int:
        return self._sql.write(delete(JobTable).where(_JOB.ended_at < before)).rowcount

    def _change(self, job_id: str, worker: str, values: Mapping[str, Any]) -> bool:
        mine = and_(_JOB.id == job_id, _JOB.worker == worker, _JOB.state == JobState.RUNNING)
        return self._sql.write(update(JobTable).where(mine).values(**values)).rowcount > 0


def _job(row: AnyRow) -> Job:
    return Job(
        id=row.id,
        kind=row.kind,
        created_at=row.created_at,
        run_after=row.run_after,
        state=row.state,
        payload=json.loads(row.payload),
        owner_id=row.owner_id,
        key=row.key,
        server=row.server,
        tries=row.tries,
        progress=row.progress,
        detail=json.loads(row.detail),
        result=json.loads(row.result),
        error=None if row.error is None else error_of(row.error),
        cancel_requested=row.cancel_requested,
        started_at=row.started_at,
        ended_at=row.ended_at,
        lease_until=row.lease_until,
    )


def _json(values: Mapping[str, Json]) -> str:
    return json.dumps(dict(values), ensure_ascii=False)
