"""Let a job ask on behalf of the person who started it, with the rights and limits of the API key used."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from datetime import datetime

from core.clock import Clock
from core.errors import NotSignedIn, Unavailable
from core.people.permissions import Permission, require
from core.people.records import KeyInUse, KeyState, User
from core.people.sessions import password_fingerprint
from core.tasks.records import Job, Json
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

log = logging.getLogger(__name__)

KEY, PASSWORD = "key_id", "password_mark"
LOOK_S = 2.0
"""Seconds between two looks whether the account, its rights and the key are still what they were."""


def noted_requester(work: UnitOfWork, user: User) -> dict[str, Json]:
    """Return the fields of a job's payload that record the API key in use, or without one the password that the session was opened with."""
    if user.key is not None:
        return {KEY: user.key.id}
    found = work.users.credentials(user.name)
    return {KEY: None, PASSWORD: password_fingerprint(found.password_hash) if found is not None else None}


def requester_of(work: UnitOfWork, job: Job, now: datetime) -> User:
    """Return the person on whose behalf a job asks, with the API key.

    Raises NotSignedIn if the account, the key or the password with which it began is no longer valid.
    """
    user = work.users.get(job.owner_id) if job.owner_id is not None else None
    if user is None or not user.active:
        raise NotSignedIn("The account that began this is disabled.")
    key_id, mark = job.payload.get(KEY), job.payload.get(PASSWORD)
    if key_id is not None:
        user = replace(user, key=_key(work, str(key_id), now))
    elif mark is not None:  # An earlier release noted none.
        found = work.users.credentials(user.name)
        if found is None or password_fingerprint(found.password_hash) != mark:
            raise NotSignedIn("The password of the account was changed after this began. Sign in and start it again.")
    return user


def _key(work: UnitOfWork, key_id: str, now: datetime) -> KeyInUse:
    found = work.api_keys.get(key_id)
    if found is None or found.key.state(now) is not KeyState.ACTIVE:
        raise NotSignedIn("The API key that began this has expired or was revoked.")
    key = found.key
    return KeyInUse(id=key.id, scopes=key.scopes, requests_per_minute=key.requests_per_minute, tokens_per_minute=key.tokens_per_minute)


class Requester:
    """The person on whose behalf a job asks, as of a moment ago. One thread calls `look`; others may read `user`."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, job: Job, clock: Clock, permission: Permission = Permission.CHAT) -> None:
        """permission: what the job needs. Raises what `look` raises."""
        self._unit_of_work = unit_of_work
        self._job = job
        self._clock = clock
        self._permission = permission
        self.user = self._read()

    def _read(self) -> User:
        self._read_at = time.monotonic()
        with self._unit_of_work() as work:
            user = requester_of(work, self._job, self._clock())
        require(user, self._permission)
        return user

    def look(self) -> None:
        """Read the person again, at most once per LOOK_S. Raises NotSignedIn, see requester_of, and NotAllowed."""
        if time.monotonic() - self._read_at < LOOK_S:
            return
        try:
            self.user = self._read()
        except Unavailable as problem:
            log.warning("whether job %s may go on cannot be looked up, so it does: %s", self._job.id, problem)

    def has_rights_of(self, user: User) -> bool:
        """Tell whether the person's rights are still those of `user`, which this read before."""
        now = self.user
        return (now.role, now.granted, now.group, now.withheld) == (user.role, user.granted, user.group, user.withheld)
