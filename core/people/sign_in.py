"""Signing in with a name and a password: counted before it is checked, checked apart from everything else."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace

from core.clock import Clock
from core.errors import Busy, NotSignedIn, PortalError
from core.people import attempts
from core.people.accounts import generate_password, is_name, normal_name
from core.people.attempts import Limit
from core.people.audit_events import record_alone
from core.people.fair_pool import FairPool
from core.people.ports import PasswordHasher
from core.people.records import Credentials, User
from core.people.sessions import Proof, mark_of, token_hash
from core.unit_of_work import Store, UnitOfWork

log = logging.getLogger(__name__)

WRONG = "Name and password do not match. Check both and try again."
MOST_WAITING = 200
HERE = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Caller:
    """Where a sign-in comes from."""

    address: str = HERE
    """Of the client, as the server saw it or a trusted proxy told it."""
    device: str | None = None
    """The token of the device's cookie."""


class SignIn:
    """Answers the same, in words, status and time, whether or not there is an account of this name.

    A try is counted by address and by name, or, from a known device of the person, by device alone. The right password gives the try
    back and forgets those of the name. Passwords are hashed on threads of their own, in turn by address.
    """

    def __init__(self, store: Store, hasher: PasswordHasher, clock: Clock, pool: FairPool) -> None:
        self._store = store
        self._hasher = hasher
        self._clock = clock
        self._pool = pool
        # Checked when the name is unknown, so that the time taken does not tell which names exist.
        self._decoy = hasher.hash(generate_password())

    def begin(self, name: str, password: str, caller: Caller) -> Future[Proof]:
        """Queue the check. The future raises NotSignedIn or Busy. Raises Busy at once where no more tries or no more room is left."""
        name = normal_name(name)
        with self._store() as work:
            device = self._known_device(work, name, caller)
            limits = [device] if device else [attempts.by_address(caller.address), attempts.by_name(name)]
            attempts.check(work, limits, self._clock())
        return self._pool.submit(caller.address, lambda: self._checked(name, password, caller, limits), first=device is not None)

    def check(self, name: str, password: str, caller: Caller) -> Proof:
        """As `begin`, waiting for the end."""
        return self.begin(name, password, caller).result()

    @staticmethod
    def _known_device(work: UnitOfWork, name: str, caller: Caller) -> Limit | None:
        """Asked only of who sends a device's cookie: whoever has none learns nothing from the time it takes."""
        if not caller.device or len(caller.device) > 200:
            return None
        hashed = token_hash(caller.device)
        owner, found = work.devices.user_id(hashed), _account(work, name)
        return attempts.by_device(hashed) if found and owner == found.user.id else None

    def _checked(self, name: str, password: str, caller: Caller, limits: Sequence[Limit]) -> Proof:
        """On a thread of the pool."""
        with self._store() as work:
            found = _account(work, name)
            used_up = attempts.take(work, limits, self._clock())
            work.commit()
        if found is not None and not found.user.active:
            found = None
        right = self._hasher.matches(password, found.password_hash if found else self._decoy)
        if found is None or not right:
            self._note("session.refuse", found.user if found else None, caller)
            if found is not None and any(limit != attempts.by_address(caller.address) for limit in used_up):
                self._note("user.lock", found.user, caller)
            raise NotSignedIn(WRONG)
        return self._proven(found.user, found.password_hash, limits)

    def _proven(self, user: User, password_hash: str, limits: Sequence[Limit]) -> Proof:
        now = self._clock()
        with self._store() as work:
            current = work.users.lock(user.id)
            # Changed or disabled while the password was checked.
            if current is None or not current.user.active or not hmac.compare_digest(current.password_hash, password_hash):
                raise NotSignedIn(WRONG)
            work.users.set_seen(user.id, now)
            for limit in sorted(limits, key=lambda one: one.key):
                if limit.most == attempts.MOST_BY_ADDRESS:
                    # Not forgotten: else an own account would do to go on trying others' from the same address.
                    work.attempts.give_back(limit.key)
                else:
                    work.attempts.forget(limit.key)
            work.commit()
        return Proof(replace(current.user, last_seen_at=now), mark_of(password_hash))

    def _note(self, action: str, user: User | None, caller: Caller) -> None:
        """In the audit, after the answer: noted before, the time it takes would tell that the name exists. None: no such account."""

        def note() -> None:
            if user is None:
                return
            try:
                record_alone(self._store, self._clock(), None, action, user.name, address=caller.address)
            except PortalError as problem:
                log.warning("%s of %s could not be noted: %s", action, user.name, problem)

        try:
            self._pool.submit("audit", note)
        except Busy:
            log.warning("%s could not be noted: too many sign-ins wait", action)


def _account(work: UnitOfWork, name: str) -> Credentials | None:
    """None also for what can be nobody's name, which a database may refuse to look for."""
    return work.users.credentials(name) if is_name(name) else None


class PooledHasher:
    """Hashes on the threads of a pool, so that changes of passwords and sign-ins together never take more of the machine."""

    def __init__(self, hasher: PasswordHasher, pool: FairPool) -> None:
        self._hasher = hasher
        self._pool = pool

    def hash(self, password: str) -> str:
        return self._pool.submit("changes", lambda: self._hasher.hash(password), first=True).result()

    def matches(self, password: str, password_hash: str) -> bool:
        return self._pool.submit("changes", lambda: self._hasher.matches(password, password_hash), first=True).result()


def open_pool(cores: int) -> FairPool:
    """The threads that hash: half of the cores at most, and four."""
    sentence = "Too many people sign in at this moment. Try again in {seconds} s."
    return FairPool("passwords", max(1, min(4, cores // 2)), MOST_WAITING, sentence)
