"""Sign people in by name and password. Attempts are counted first; passwords are checked on separate threads."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace

from core.clock import Clock
from core.errors import Busy, NotSignedIn, PortalError
from core.passwords.rules import generate_password
from core.people.accounts import is_name, normal_name
from core.people.audit_events import record_alone
from core.people.ports import OutsideSignIn, PasswordHasher
from core.people.records import Credentials, User
from core.people.sessions import Proof, password_fingerprint, token_hash
from core.people.signing_in import attempts
from core.people.signing_in.attempts import Limit
from core.people.signing_in.fair_pool import FairPool
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

log = logging.getLogger(__name__)

WRONG = "Name and password do not match. Check both and try again."
MAX_WAITING = 200
HERE = "127.0.0.1"
BCRYPT = "$2"
"""How the hashes of earlier versions and of streamlit-authenticator begin. Signing in replaces them."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The origin of a sign-in attempt."""

    address: str = HERE
    """The client's address, as the server saw it or a trusted proxy reported it."""
    device: str | None = None
    """The token in the device cookie."""


class SignIn:
    """Answers in the same words, status and time whether or not the account exists.

    An attempt counts by address and by name or, from a known device of the person, by device alone. The right password gives the attempt
    back and clears those of the name. Passwords are hashed on separate threads, in turn by address.
    """

    def __init__(
        self, unit_of_work: UnitOfWorkFactory, hasher: PasswordHasher, clock: Clock, pool: FairPool, outside: OutsideSignIn | None = None
    ) -> None:
        """outside: asked for passwords that are not the portal's own."""
        self._outside = outside
        self._unit_of_work = unit_of_work
        self._hasher = hasher
        self._clock = clock
        self._pool = pool
        # Checked if the name is unknown, so that the time taken does not reveal which names exist.
        self._dummy_hash = hasher.hash(generate_password())

    def begin(self, name: str, password: str, caller: Caller) -> Future[Proof]:
        """Queue the check. The future raises NotSignedIn or Busy. Raises Busy at once if no attempts or no room is left."""
        name = normal_name(name)
        if not caller.device:
            self.check_room(caller.address)
        with self._unit_of_work() as work:
            device = self._known_device(work, name, caller)
            limits = [device] if device else [attempts.by_address(caller.address), attempts.by_name(name)]
            attempts.check(work, limits, self._clock())
        if caller.device and device is None:
            self.check_room(caller.address)
        return self._pool.submit(caller.address, lambda: self._checked(name, password, caller, limits), first=device is not None)

    def check_room(self, address: str) -> None:
        """Raise Busy if a sign-in from an unknown device at this address would be refused now. Reads no database."""
        self._pool.check_room(address)

    def check(self, name: str, password: str, caller: Caller) -> Proof:
        """Check as `begin` does, and wait for the result."""
        return self.begin(name, password, caller).result()

    @staticmethod
    def _known_device(work: UnitOfWork, name: str, caller: Caller) -> Limit | None:
        """Look up the device, only if a device cookie was sent: others learn nothing from the time it takes."""
        if not caller.device or len(caller.device) > 200:
            return None
        hashed = token_hash(caller.device)
        owner, found = work.devices.user_id(hashed), _account(work, name)
        return attempts.by_device(hashed) if found and owner == found.user.id else None

    def _checked(self, name: str, password: str, caller: Caller, limits: Sequence[Limit]) -> Proof:
        """Runs on a thread of the pool."""
        with self._unit_of_work() as work:
            found = _account(work, name)
            mixed = work.users.any_password_of(BCRYPT)
            used_up = attempts.take(work, limits, self._clock())
            work.commit()
        if found is not None and not found.user.active:
            found = None
        stored = found.password_hash if found else self._dummy_hash
        right = self._hasher.matches(password, stored)
        if mixed:
            # Every check runs both methods until the last account has changed over; otherwise the time would reveal who has not.
            if stored.startswith(BCRYPT):
                self._hasher.matches(password, self._dummy_hash)
            else:
                self._hasher.spend(password)
        if not right and self._outside is not None and is_name(name):
            outside = self._outside.account(name, password)
            if outside is not None:
                return self._admit_outside(outside, limits)
        if found is None or not right:
            self._record_result("session.refuse", found.user if found else None, caller)
            if found is not None and any(limit != attempts.by_address(caller.address) for limit in used_up):
                self._record_result("user.lock", found.user, caller)
            raise NotSignedIn(WRONG)
        return self._check_password(found.user, found.password_hash, password, limits)

    def _check_password(self, user: User, password_hash: str, password: str, limits: Sequence[Limit]) -> Proof:
        now = self._clock()
        rehashed = self._hasher.hash(password) if self._hasher.is_outdated(password_hash) else None
        with self._unit_of_work() as work:
            current = work.users.lock(user.id)
            # The account was changed or disabled while the password was checked.
            if current is None or not current.user.active:
                raise NotSignedIn(WRONG)
            if hmac.compare_digest(current.password_hash, password_hash):
                if rehashed is not None:
                    work.users.set_password(user.id, rehashed)
                    password_hash = rehashed
            elif rehashed is not None and self._hasher.matches(password, current.password_hash):
                # Another sign-in at the same moment has rehashed the same password.
                password_hash = current.password_hash
            else:
                raise NotSignedIn(WRONG)
            work.users.set_seen(user.id, now)
            _forget(work, limits)
            work.commit()
        return Proof(replace(current.user, last_seen_at=now), password_fingerprint(password_hash))

    def _admit_outside(self, user: User, limits: Sequence[Limit]) -> Proof:
        now = self._clock()
        with self._unit_of_work() as work:
            work.users.set_seen(user.id, now)
            _forget(work, limits)
            work.commit()
        return Proof(replace(user, last_seen_at=now))

    def _record_result(self, action: str, user: User | None, caller: Caller) -> None:
        """Record the result in the audit log, after the answer: before it, the time taken would reveal that the name exists.

        None: no such account.
        """

        def record_result() -> None:
            if user is None:
                return
            try:
                record_alone(self._unit_of_work, self._clock(), None, action, user.name, address=caller.address)
            except PortalError as problem:
                log.warning("%s of %s could not be recorded: %s", action, user.name, problem)

        try:
            self._pool.submit("audit", record_result)
        except Busy:
            log.warning("%s could not be recorded: too many sign-ins are waiting", action)


def _forget(work: UnitOfWork, limits: Sequence[Limit]) -> None:
    """Forget the attempts that came before the right password."""
    for limit in sorted(limits, key=lambda one: one.key):
        if limit.most == attempts.MAX_BY_ADDRESS:
            # Not cleared: otherwise people could use their own account to keep trying others' passwords from the same address.
            work.attempts.give_back(limit.key)
        else:
            work.attempts.forget(limit.key)


def _account(work: UnitOfWork, name: str) -> Credentials | None:
    """Return the account; None also for a name that no account can have, which a database may refuse to look up."""
    return work.users.credentials(name) if is_name(name) else None


class PooledHasher:
    """Hashes on the threads of a pool, so that password changes and sign-ins together are limited."""

    def __init__(self, hasher: PasswordHasher, pool: FairPool) -> None:
        self._hasher = hasher
        self._pool = pool

    def hash(self, password: str) -> str:
        return self._pool.submit("changes", lambda: self._hasher.hash(password), first=True).result()

    def matches(self, password: str, password_hash: str) -> bool:
        return self._pool.submit("changes", lambda: self._hasher.matches(password, password_hash), first=True).result()

    def is_outdated(self, password_hash: str) -> bool:
        return self._hasher.is_outdated(password_hash)

    def spend(self, password: str) -> None:
        self._pool.submit("changes", lambda: self._hasher.spend(password), first=True).result()


def open_pool(cores: int) -> FairPool:
    """Create the hashing threads: half of the cores, at most four."""
    sentence = "Too many people are signing in right now. Try again in {seconds} s."
    return FairPool("passwords", max(1, min(4, cores // 2)), MAX_WAITING, sentence)
