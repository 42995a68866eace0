"""Make, find and revoke API keys. The person sees a key once; the database holds its hash and is asked on every use."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from core.bounds import within
from core.clock import Clock
from core.errors import Conflict, InvalidInput, NotFound, PortalError
from core.people.accounts import clean_line, normal_name
from core.people.audit_events import record
from core.people.permissions import Permission, allows, require, usable_scopes
from core.people.records import ApiKey, KeyState, OwnedKey, Scope, User
from core.people.sessions import USED_EVERY, refuse_keys, token_hash
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

log = logging.getLogger(__name__)

BEGINS = "glmk_"
_KEY = re.compile(BEGINS + "[0-9a-f]{64}")
SHOWN_CHARS = len(BEGINS) + 8
"""What lists show of a key; 224 of its 256 random bits stay unknown."""
MAX_ACTIVE = 100
MAX_DAYS = 3650
MAX_LISTED = 500


def is_api_key(token: str) -> bool:
    """Tell whether this has the form of an API key; session tokens never do."""
    return token.startswith(BEGINS)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyTerms:
    """What a new key may be used for, for how long and how much."""

    name: str
    scopes: frozenset[Scope]
    days: int | None = 90
    """None: until it is revoked."""
    requests_per_minute: int | None = None
    """None: only the limits of its person apply."""
    tokens_per_minute: int | None = None

    def __post_init__(self) -> None:
        if not clean_line(self.name):
            raise InvalidInput("Give the key a name that tells what uses it.")
        if not self.scopes:
            raise InvalidInput("Choose at least one scope for the key.")
        within("expires_in_days", self.days, 1, MAX_DAYS)
        within("requests_per_minute", self.requests_per_minute, 1, 1_000_000)
        within("tokens_per_minute", self.tokens_per_minute, 1, 1_000_000_000)


@dataclass(frozen=True, slots=True)
class CreatedKey:
    key: ApiKey
    token: str
    """The key itself, which nobody can read again."""


class ApiKeys:
    """Keys belong to people and are made in a session: a key never makes or changes keys of its own person."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    def user(self, token: str) -> User | None:
        """Return the person of a key, with the key. None if it is unknown, expired or revoked, or its person is disabled."""
        if not _KEY.fullmatch(token):
            return None
        now = self._clock()
        with self._unit_of_work() as work:
            found = work.api_keys.user(token_hash(token), now)
        if found is None:
            return None
        user, key = found
        if key.last_used_at is None or key.last_used_at <= now - USED_EVERY:
            self._record_use(key, now)
        return user

    def make(self, user: User, terms: KeyTerms) -> CreatedKey:
        """Make a key. Raises InvalidInput for scopes that the person's role cannot use, Conflict if there are too many keys."""
        refuse_keys(user)
        if beyond := terms.scopes - usable_scopes(user):
            raise InvalidInput("Your role cannot use the scope {scope}. Leave it out.", scope=min(beyond).value)
        now = self._clock()
        token = BEGINS + secrets.token_hex(32)
        key = ApiKey(
            id=uuid4().hex,
            user_id=user.id,
            name=clean_line(terms.name),
            prefix=token[:SHOWN_CHARS],
            token_hash=token_hash(token),
            scopes=terms.scopes,
            created_at=now,
            expires_at=None if terms.days is None else now + timedelta(days=terms.days),
            requests_per_minute=terms.requests_per_minute,
            tokens_per_minute=terms.tokens_per_minute,
        )
        with self._unit_of_work() as work:
            work.users.lock(user.id)
            if sum(each.state(now) is KeyState.ACTIVE for each in work.api_keys.of_user(user.id)) >= MAX_ACTIVE:
                raise Conflict("You have {most} active API keys. Revoke one that is no longer used.", most=MAX_ACTIVE)
            work.api_keys.add(key)
            scopes = " ".join(sorted(key.scopes))
            record(work, now, user.id, "key.make", key.prefix, name=key.name, person=user.name, scopes=scopes)
            work.commit()
        return CreatedKey(key, token)

    def make_for(self, name: str, terms: KeyTerms) -> CreatedKey:
        """Make a key for someone, from the command line."""
        with self._unit_of_work() as work:
            found = work.users.credentials(normal_name(name))
        if found is None or not found.user.active:
            raise NotFound("No active account is named {name}.", name=name)
        return self.make(found.user, terms)

    def own(self, user: User) -> Sequence[ApiKey]:
        """Return the person's keys, newest first."""
        refuse_keys(user)
        with self._unit_of_work() as work:
            return work.api_keys.of_user(user.id)

    def find(self, actor: User, words: str = "", limit: int = MAX_LISTED) -> Sequence[OwnedKey]:
        """Return everybody's keys, newest first. words: a whole key or its beginning, or a part of a name or person."""
        require(actor, Permission.MANAGE_PEOPLE)
        words = words.strip()
        if _KEY.fullmatch(words):
            # By its hash: the beginning alone might be that of another key.
            hashed, words = token_hash(words), words[:SHOWN_CHARS]
            with self._unit_of_work() as work:
                return [each for each in work.api_keys.find(words, limit) if each.key.token_hash == hashed]
        with self._unit_of_work() as work:
            return work.api_keys.find(words, limit)

    def of_person(self, actor: User, name: str) -> Sequence[ApiKey]:
        """Return the keys of a person that were not revoked, newest first."""
        require(actor, Permission.MANAGE_PEOPLE)
        with self._unit_of_work() as work:
            found = work.users.credentials(normal_name(name))
            keys = work.api_keys.of_user(found.user.id) if found else ()
        return [each for each in keys if each.revoked_at is None]

    def rename(self, user: User, key_id: str, name: str) -> ApiKey:
        """Rename an own key."""
        refuse_keys(user)
        name = clean_line(name)
        if not name:
            raise InvalidInput("Give the key a name that tells what uses it.")
        with self._unit_of_work() as work:
            found = _own(work, user, key_id)
            work.api_keys.rename(key_id, name)
            record(work, self._clock(), user.id, "key.rename", found.key.prefix, name=name, person=found.owner_name)
            work.commit()
            return _own(work, user, key_id).key

    def revoke(self, user: User, key_id: str) -> None:
        """End a key at once: one's own, or anyone's for those who manage people. Revoking it twice changes nothing."""
        with self._unit_of_work() as work:
            found = work.api_keys.get(key_id)
            if found is None or not (allows(user, Permission.MANAGE_PEOPLE) or (user.key is None and found.key.user_id == user.id)):
                raise _unknown()
            if found.key.revoked_at is not None:
                return
            work.api_keys.revoke(key_id, self._clock())
            record(work, self._clock(), user.id, "key.revoke", found.key.prefix, name=found.key.name, person=found.owner_name)
            work.commit()

    def _record_use(self, key: ApiKey, now: datetime) -> None:
        """Write when the key was used. The request continues if the database cannot write now."""
        try:
            with self._unit_of_work() as work:
                work.api_keys.set_used(key.id, now)
                work.commit()
        except PortalError as problem:
            log.warning("the last use of the API key %s could not be written: %s", key.prefix, problem)


def valid_tokens(work: UnitOfWork, token_hashes: Collection[str], now: datetime) -> Mapping[str, str]:
    """Return those of these session tokens and API keys, by their hashes, that still open the portal, each with the person's role."""
    return {**work.sessions.live(token_hashes, now), **work.api_keys.live(token_hashes, now)}


def _own(work: UnitOfWork, user: User, key_id: str) -> OwnedKey:
    found = work.api_keys.get(key_id)
    if found is None or found.key.user_id != user.id:
        raise _unknown()
    return found


def _unknown() -> NotFound:
    return NotFound("This API key does not exist.")
