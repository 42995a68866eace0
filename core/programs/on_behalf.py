"""Let a job ask on behalf of the person who started it, with the rights and limits of the API key used."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from core.errors import NotSignedIn
from core.people.records import KeyInUse, KeyState, User
from core.tasks.records import Job, Json
from core.unit_of_work import UnitOfWork

KEY = "key_id"


def noted_key(user: User) -> dict[str, Json]:
    """Return the fields that record the API key in use in a job's payload."""
    return {KEY: user.key.id if user.key is not None else None}


def asker_of(work: UnitOfWork, job: Job, now: datetime) -> User:
    """Return the person on whose behalf a job asks, with the API key. Raises NotSignedIn if the account or key is no longer valid."""
    user = work.users.get(job.owner_id) if job.owner_id is not None else None
    if user is None or not user.active:
        raise NotSignedIn("The account that began this is disabled.")
    key_id = job.payload.get(KEY)
    if key_id is None:
        return user
    found = work.api_keys.get(str(key_id))
    if found is None or found.key.state(now) is not KeyState.ACTIVE:
        raise NotSignedIn("The API key that began this has expired or was revoked.")
    key = found.key
    return replace(
        user,
        key=KeyInUse(id=key.id, scopes=key.scopes, requests_per_minute=key.requests_per_minute, tokens_per_minute=key.tokens_per_minute),
    )
