"""Set up, ask for and remove a second factor: one-time codes of an authenticator app, with recovery codes for a lost one."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from core.clock import Clock
from core.errors import Conflict, InvalidInput, NotFound, NotSignedIn
from core.identity import totp
from core.identity.records import SecondFactor
from core.people.accounts import normal_name
from core.people.audit_events import record
from core.people.permissions import Permission, require
from core.people.records import User
from core.people.sessions import Proof, refuse_keys, token_hash
from core.people.signing_in import attempts
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

ISSUER = "GLM Portal"
RECOVERY_CODES = 10
WRONG_CODE = "This code is not valid. Enter the newest code of your authenticator app, or a recovery code."


@dataclass(frozen=True, slots=True)
class Setup:
    """What an authenticator app needs. It is shown once."""

    secret: str
    address: str
    """The address in the QR code."""


@dataclass(frozen=True, slots=True)
class FactorState:
    confirmed_at: datetime | None
    """None: there is no second factor."""
    codes_left: int
    required: bool
    """The person's role must use one."""


class SecondFactors:
    """`roles`: those that must use a second factor; "*" is every role."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock, roles: Collection[str] = ()) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._roles = frozenset(roles)

    def required(self, user: User) -> bool:
        return "*" in self._roles or str(user.role) in self._roles

    def state(self, user: User) -> FactorState:
        """Return the state of the person's second factor. Raises NotAllowed for an API key."""
        refuse_keys(user)
        with self._unit_of_work() as work:
            found = _confirmed(work, user)
            return FactorState(found.confirmed_at if found else None, work.second_factors.codes_left(user.id), self.required(user))

    # Signing in

    def needed(self, user: User) -> bool:
        """Tell whether a sign-in of this person needs a code."""
        with self._unit_of_work() as work:
            return _confirmed(work, user) is not None

    def prove(self, proof: Proof, code: str) -> Proof:
        """Add the second factor to a proof. Raises NotSignedIn for a wrong or used code, and Busy after too many."""
        user = proof.user
        if self._takes(user, code):
            return replace(proof, second_factor=True)
        self._count_wrong_code(user)
        raise NotSignedIn(WRONG_CODE)

    # For people themselves

    def set_up(self, user: User) -> Setup:
        """Make a new secret. It counts once a code of it was confirmed. Raises Conflict if there is a second factor."""
        refuse_keys(user)
        secret = totp.new_secret()
        with self._unit_of_work() as work:
            work.users.lock(user.id)
            if _confirmed(work, user):
                raise Conflict("You already have a second factor. Turn it off first.")
            work.second_factors.put(SecondFactor(user_id=user.id, secret=secret, created_at=self._clock()))
            work.commit()
        return Setup(secret, totp.address(secret, user.name, ISSUER))

    def confirm(self, user: User, code: str) -> Sequence[str]:
        """Turn the second factor on with its first code. Returns the recovery codes, shown once. Raises InvalidInput for a wrong code."""
        refuse_keys(user)
        self._count(user)
        now = self._clock()
        with self._unit_of_work() as work:
            work.users.lock(user.id)
            found = work.second_factors.get(user.id)
            if found is None or found.confirmed_at is not None:
                raise Conflict("Begin with setting up the second factor.")
            step = totp.matching_step(found.secret, _digits(code), now)
            if step is None:
                raise InvalidInput(WRONG_CODE)
            work.second_factors.put(replace(found, confirmed_at=now, last_step=step))
            work.attempts.forget(attempts.by_code(user.id).key)
            codes = self._new_codes(work, user)
            record(work, now, user.id, "factor.add", user.name)
            work.commit()
        return codes

    def renew_codes(self, user: User, code: str) -> Sequence[str]:
        """Replace the recovery codes. Raises InvalidInput for a wrong code."""
        refuse_keys(user)
        self._require_code(user, code)
        with self._unit_of_work() as work:
            codes = self._new_codes(work, user)
            record(work, self._clock(), user.id, "factor.renew_codes", user.name)
            work.commit()
        return codes

    def turn_off(self, user: User, code: str) -> None:
        """Remove the person's second factor. Raises Conflict if the role must use one, InvalidInput for a wrong code."""
        refuse_keys(user)
        if self.required(user):
            raise Conflict("Your role must use a second factor, so it cannot be turned off.")
        self._require_code(user, code)
        with self._unit_of_work() as work:
            work.second_factors.remove(user.id)
            record(work, self._clock(), user.id, "factor.remove", user.name)
            work.commit()

    # For admins

    def has(self, actor: User, name: str) -> bool:
        """Tell whether somebody signs in with a second factor. Raises NotAllowed, and NotFound for an unknown name."""
        require(actor, Permission.MANAGE_PEOPLE)
        with self._unit_of_work() as work:
            found = work.users.credentials(normal_name(name))
            if found is None:
                raise NotFound("No account is named {name}.", name=name)
            return _confirmed(work, found.user) is not None

    def remove(self, actor: User | None, name: str) -> None:
        """Remove somebody's second factor, for a lost phone, and end their sessions. None is the command line."""
        if actor is not None:
            require(actor, Permission.MANAGE_PEOPLE)
        with self._unit_of_work() as work:
            found = work.users.for_change(normal_name(name))
            if found is None:
                raise NotFound("No account is named {name}.", name=name)
            work.second_factors.remove(found.user.id)
            work.sessions.remove_of_user(found.user.id)
            record(work, self._clock(), actor.id if actor else None, "factor.remove", found.user.name)
            work.commit()

    def _require_code(self, user: User, code: str) -> None:
        if not self._takes(user, code):
            self._count_wrong_code(user)
            # The session stays: whoever mistypes a code is still signed in.
            raise InvalidInput(WRONG_CODE)

    def _count_wrong_code(self, user: User) -> None:
        with self._unit_of_work() as work:
            record(work, self._clock(), None, "session.refuse_code", user.name)
            work.commit()

    def _count(self, user: User) -> None:
        with self._unit_of_work() as work:
            attempts.take(work, [attempts.by_code(user.id)], self._clock())
            work.commit()

    def _takes(self, user: User, code: str) -> bool:
        """Accept a code once. Attempts are counted first, so that servers together allow no more."""
        self._count(user)
        now = self._clock()
        with self._unit_of_work() as work:
            found = _confirmed(work, user)
            if found is None:
                return False
            step = totp.matching_step(found.secret, _digits(code), now)
            if step is not None:
                taken = work.second_factors.take_step(user.id, step)
            else:
                taken = work.second_factors.take_code(user.id, _code_hash(user, code))
            if taken:
                work.attempts.forget(attempts.by_code(user.id).key)
            work.commit()
        return taken

    def _new_codes(self, work: UnitOfWork, user: User) -> Sequence[str]:
        codes = [f"{secrets.token_hex(4)}-{secrets.token_hex(4)}" for _ in range(RECOVERY_CODES)]
        work.second_factors.set_codes(user.id, [_code_hash(user, code) for code in codes])
        return codes


def _confirmed(work: UnitOfWork, user: User) -> SecondFactor | None:
    found = work.second_factors.get(user.id)
    return found if found is not None and found.confirmed_at is not None else None


def _digits(code: str) -> str:
    return code.replace(" ", "")[:20]


def _code_hash(user: User, code: str) -> str:
    """Hash a recovery code of 64 random bits. The hash fits this person alone."""
    return token_hash(f"{user.id}:{code.strip().lower()[:40]}")
