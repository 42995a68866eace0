"""Store responses for programs, and let programs continue, read, delete and cancel them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from core.clock import Clock
from core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.people.audit_events import record
from core.people.permissions import Permission, allows, require
from core.people.records import User
from core.people.session_watch import NEW_ROLE
from core.programs.background import Background
from core.programs.on_behalf import Requester, noted_requester
from core.programs.records import StoredResponse
from core.tasks.handlers import JobKind, Report
from core.tasks.jobs import Jobs
from core.tasks.records import ACTIVE, Job, Json
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

log = logging.getLogger(__name__)

ANSWER = "response.answer"
EXPIRE = "response.expire"
AT_ONCE = 8
"""Most background responses that one server answers at the same time."""
MAX_CHAIN_LENGTH = 1000
BATCH = 100
"""Rows deleted in one transaction."""
NOT_THERE = "This response does not exist. It may have been deleted or have expired, or it was not stored."
GONE = "{field} names no stored response. It may have been deleted or have expired, or it was not stored. Send the whole input."


@dataclass(frozen=True, slots=True)
class StorageRules:
    """days: days that responses are kept; 0 stores none. by_default: whether to store a response if its request does not say."""

    days: int = 30
    by_default: bool = True

    @property
    def stores(self) -> bool:
        return self.days > 0


class Responses:
    """Manages responses. People see and delete only their own; StorageRules and retention rules for chats also delete them."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, jobs: Jobs, background: Background, clock: Clock, rules: StorageRules) -> None:
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._background = background
        self._clock = clock
        self.rules = rules

    def keep(self, user: User, response: StoredResponse) -> None:
        """Store a complete response. Raises Unavailable."""
        require(user, Permission.CHAT)
        with self._unit_of_work() as work:
            work.responses.add(response)
            work.commit()

    def begin(self, user: User, response: StoredResponse, request: Mapping[str, Json]) -> None:
        """Store a response and answer it in the background. request: the data that the API needs to answer it."""
        require(user, Permission.CHAT)
        with self._unit_of_work() as work:
            job = self._jobs.add(work, ANSWER, {"response_id": response.id, "request": request, **noted_requester(work, user)}, owner=user)
            work.responses.add(
                StoredResponse(
                    id=response.id,
                    user_id=user.id,
                    created_at=response.created_at,
                    input=response.input,
                    body=response.body,
                    previous_id=response.previous_id,
                    job_id=job.id,
                )
            )
            work.commit()
        self._jobs.wake()

    def get(self, user: User, response_id: str) -> tuple[StoredResponse, Job | None]:
        """Return one of the person's responses, and for a background response its job while jobs are kept. Raises NotFound."""
        with self._unit_of_work() as work:
            found = self._own(work, user, response_id)
            return found, work.jobs.get(found.job_id) if found.job_id is not None else None

    def history(self, user: User, response_id: str) -> Sequence[StoredResponse]:
        """Return a response and those it continues, oldest first. Raises InvalidInput if one of them is deleted or incomplete."""
        require(user, Permission.CHAT)
        field = "previous_response_id"
        found: list[StoredResponse] = []
        with self._unit_of_work() as work:
            wanted: str | None = response_id
            while wanted is not None:
                one = work.responses.get(wanted)
                if one is None or not allows(user, Permission.CHAT, owner_id=one.user_id):
                    raise InvalidInput(GONE, field=field)
                if len(found) == MAX_CHAIN_LENGTH:
                    sentence = "{field} continues more than {most} responses. Send the whole input."
                    raise InvalidInput(sentence, field=field, most=MAX_CHAIN_LENGTH)
                job = work.jobs.get(one.job_id) if one.job_id is not None else None
                if job is not None and job.state in ACTIVE:
                    raise InvalidInput("{field} names a response that is still being answered. Wait for its end.", field=field)
                found.append(one)
                wanted = one.previous_id
        return found[::-1]

    def delete(self, user: User, response_id: str) -> None:
        """Delete one of the person's responses and stop its answer. Raises NotFound, and Conflict under a legal hold."""
        with self._unit_of_work() as work:
            found = self._own(work, user, response_id)
            if work.retention.is_held(user.id):
                raise Conflict("Your chats are under a legal hold and cannot be deleted. Ask an admin.")
            if found.job_id is not None:
                work.jobs.request_cancel(found.job_id, self._clock())
            work.responses.remove(found.id)
            record(work, self._clock(), user.id, "response.delete", found.id)
            work.commit()

    def cancel(self, user: User, response_id: str) -> tuple[StoredResponse, Job | None]:
        """Stop a background response. Has no effect if it has ended. Raises NotFound, InvalidInput (no background response)."""
        with self._unit_of_work() as work:
            found = self._own(work, user, response_id)
            if found.job_id is None:
                raise InvalidInput("Only a response with background: true can be cancelled. Close the connection to stop another one.")
            work.jobs.request_cancel(found.job_id, self._clock())
            work.commit()
            return found, work.jobs.get(found.job_id)

    def expire(self, check: Callable[[], None] = lambda: None) -> int:
        """Delete expired responses; returns how many."""
        before = self._clock() - timedelta(days=self.rules.days)
        removed = 0
        while True:
            check()
            with self._unit_of_work() as work:
                work.retention.keep_holds()
                ids = work.responses.created_before(before, BATCH)
                for each in ids:
                    work.responses.remove(each)
                work.commit()
            removed += len(ids)
            if len(ids) < BATCH:
                return removed

    def job_kinds(self) -> list[JobKind]:
        return [
            JobKind(ANSWER, self._answer, resumable=True, at_once=AT_ONCE, needs_model=True, notices=False),
            JobKind(EXPIRE, self._expire, every=timedelta(days=1), most_tries=3, resumable=True),
        ]

    def _answer(self, job: Job, report: Report) -> None:
        response_id = str(job.payload["response_id"])
        request = job.payload["request"]
        assert isinstance(request, Mapping)
        answerer = self._background.answerer(report.check)
        requester = Requester(self._unit_of_work, job, self._clock)
        user = requester.user

        def check() -> None:
            report.check()
            requester.look()
            if not requester.has_rights_of(user):
                raise NotAllowed(NEW_ROLE)

        body = answerer.respond(user, response_id, request, check)
        with self._unit_of_work() as work:
            work.responses.put_body(response_id, body)
            work.commit()

    def _expire(self, job: Job, report: Report) -> Mapping[str, Json]:
        removed = self.expire(report.check)
        if removed:
            log.info("Removed %d stored responses that had expired.", removed)
        return {"removed": removed}

    @staticmethod
    def _own(work: UnitOfWork, user: User, response_id: str) -> StoredResponse:
        require(user, Permission.CHAT)
        found = work.responses.get(response_id)
        if found is None or not allows(user, Permission.CHAT, owner_id=found.user_id):
            raise NotFound(NOT_THERE, id=response_id[:100])
        return found
