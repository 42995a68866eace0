"""Open, look up and end sessions. The person holds a random token; the database holds its hash and is asked on every use."""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from core.characters import one_line
from core.clock import Clock
from core.errors import NotAllowed, NotFound, NotSignedIn, PortalError
from core.people.audit_events import record
from core.people.records import Origin, ProofPurpose, Session, SessionKind, StoredProof, User
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

log = logging.getLogger(__name__)

NOWHERE = Origin()
USED_EVERY = timedelta(minutes=1)
"""A session or key that is used all the time is written to the database this often."""
TICKET_LIFETIME = timedelta(seconds=30)
HANDLE_LIFETIME = timedelta(minutes=5)
"""Lifetime of a proof with which a user server opens a session: a second factor may have to be typed."""
EXPIRED = "This sign-in has expired. Sign in again."
SESSION_COOKIE = "glm_portal_session"
"""The cookie that holds a browser session's token."""


CODE_NEEDED = "Enter the code of your authenticator app, or a recovery code."


class SecondFactorNeeded(NotSignedIn):
    """The password is right, but the account needs a code too."""

    code = "second_factor_needed"


def token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def refuse_keys(user: User) -> None:
    """Raise NotAllowed for an API key, where only the person in a session may do something."""
    if user.key is not None:
        raise NotAllowed("This cannot be done with an API key. Sign in with your password for that.")


def password_fingerprint(password_hash: str) -> str:
    """Fingerprint a stored password, to tell it from a later one without revealing anything about it."""
    return token_hash(password_hash)


@dataclass(frozen=True, slots=True)
class Proof:
    """A person whose identity was just proven."""

    user: User
    mark: str = ""
    """Fingerprint of the stored password that proved the identity; after a password change, the proof opens no session.

    Empty: not proven by a password of ours.
    """
    second_factor: bool = False
    """Whether a second factor was proven too. An account that has one opens no session without."""
    outside_session: str = ""
    """The session at the provider that proved the identity."""


class Sessions:
    """Opens, looks up and ends sessions.

    A page proves an identity once, then hands the browser a one-time ticket. The browser posts it to a route that answers with the HttpOnly
    cookie, so a script in the page never sees the token. A user server holds a handle of the proof instead. Both lie
    in the database, so that any replica may be asked next.
    """

    def __init__(
        self,
        unit_of_work: UnitOfWorkFactory,
        clock: Clock,
        lifetime: timedelta,
        idle: timedelta | None = None,
        factor_roles: Collection[str] = (),
    ) -> None:
        """lifetime: how long a session lasts at most. idle: how long it lasts without use; None: no limit.

        factor_roles: who can do nothing before they have set up a second factor; "*" is every role.
        """
        self._unit_of_work = unit_of_work
        self._clock = clock
        self.lifetime = lifetime
        self._idle = idle
        self._factor_roles = frozenset(factor_roles)

    def issue_ticket(self, proof: Proof) -> str:
        """Return a ticket that can be exchanged once within 30 s."""
        return self._keep(proof, ProofPurpose.TICKET, TICKET_LIFETIME)

    @property
    def tickets(self) -> int:
        """Return how many tickets were issued and not exchanged yet."""
        with self._unit_of_work() as work:
            return work.proofs.count(ProofPurpose.TICKET, self._clock())

    def redeem_ticket(self, ticket: str, origin: Origin = NOWHERE) -> str:
        """Exchange a ticket for the token of a new browser session. Raises NotSignedIn; a second attempt always does."""
        return self.open(self._use(ticket, ProofPurpose.TICKET), SessionKind.BROWSER, origin)

    def keep(self, proof: Proof) -> str:
        """Return a handle of the proof, which opens one session within five minutes. The proof stays in the database."""
        return self._keep(proof, ProofPurpose.HANDLE, HANDLE_LIFETIME)

    def take(self, handle: str) -> Proof:
        """Return the proof of a handle and mark it as used. Raises NotSignedIn for one that was used, has expired or was never given."""
        return self._use(handle, ProofPurpose.HANDLE)

    def give_back(self, handle: str) -> None:
        """Let the handle be used again: what its proof was taken for failed, such as a mistyped second factor."""
        with self._unit_of_work() as work:
            work.proofs.give_back(token_hash(handle))
            work.commit()

    def handle_user(self, handle: str) -> User:
        """Return the person of a proof, used or not. Raises NotSignedIn."""
        with self._unit_of_work() as work:
            return _proof(work, work.proofs.get(token_hash(handle), ProofPurpose.HANDLE, self._clock())).user

    def _keep(self, proof: Proof, purpose: ProofPurpose, lifetime: timedelta) -> str:
        now = self._clock()
        token = secrets.token_urlsafe(32)
        with self._unit_of_work() as work:
            work.proofs.remove_expired(now)
            work.proofs.add(
                StoredProof(
                    token_hash=token_hash(token),
                    purpose=purpose,
                    user_id=proof.user.id,
                    mark=proof.mark,
                    second_factor=proof.second_factor,
                    outside_session=proof.outside_session[:200],
                    expires_at=now + lifetime,
                )
            )
            work.commit()
        return token

    def _use(self, token: str, purpose: ProofPurpose) -> Proof:
        with self._unit_of_work() as work:
            proof = _proof(work, work.proofs.use(token_hash(token), purpose, self._clock()))
            work.commit()
        return proof

    def open(self, proof: Proof, kind: SessionKind, origin: Origin = NOWHERE) -> str:
        """Open a session and return its token. Raises NotSignedIn if the account was disabled or its password changed since the proof."""
        now = self._clock()
        token = secrets.token_urlsafe(32)
        with self._unit_of_work() as work:
            # Locked: a password change ends the existing sessions, and this one exists only once it is stored.
            found = work.users.lock(proof.user.id)
            if found is None or not found.user.active:
                raise NotSignedIn("This account is disabled. Ask an admin.")
            factor = work.second_factors.get(found.user.id)
            if factor is not None and factor.confirmed_at is not None and not proof.second_factor:
                raise SecondFactorNeeded(CODE_NEEDED)
            if proof.mark and proof.mark != password_fingerprint(found.password_hash):
                raise NotSignedIn(EXPIRED)
            work.sessions.remove_expired(now)
            work.sessions.add(
                Session(
                    token_hash=token_hash(token),
                    user_id=found.user.id,
                    kind=kind,
                    created_at=now,
                    expires_at=now + self.lifetime,
                    used_at=now,
                    address=origin.address[:64],
                    agent=one_line(origin.agent)[:200],
                    outside_session=proof.outside_session[:200],
                )
            )
            record(work, now, found.user.id, "session.open", found.user.name, **{"from": kind.value})
            work.commit()
        return token

    def user(self, token: str | None) -> User | None:
        """Return the user of a live session. A closed session, a disabled account or a changed role takes effect at once."""
        if not token or len(token) > 200:
            return None
        now = self._clock()
        with self._unit_of_work() as work:
            found = work.sessions.find(token_hash(token), now, None if self._idle is None else now - self._idle)
            if found is None:
                return None
            user, session = found
            if self._factor_roles & {"*", str(user.role)}:
                factor = work.second_factors.get(user.id)
                user = replace(user, must_enrol=factor is None or factor.confirmed_at is None)
        if session.used_at is None or session.used_at <= now - USED_EVERY:
            self._record_use(session, now)
        return user

    def own(self, user: User) -> Sequence[Session]:
        """Return the person's sessions, most recently used first."""
        refuse_keys(user)
        now = self._clock()
        with self._unit_of_work() as work:
            found = work.sessions.of_user(user.id, now)
        return [each for each in found if self._idle is None or (each.used_at or each.created_at) > now - self._idle]

    def revoke(self, user: User, session_id: str) -> None:
        """End one of the person's own sessions. Raises NotFound."""
        refuse_keys(user)
        now = self._clock()
        with self._unit_of_work() as work:
            found = [each for each in work.sessions.of_user(user.id, now) if each.id == session_id]
            if not found:
                raise NotFound("This session does not exist. It may have ended already.")
            work.sessions.remove(found[0].token_hash)
            record(work, now, user.id, "session.revoke", user.name, **{"from": found[0].kind.value})
            work.commit()

    def revoke_others(self, user: User, token: str) -> None:
        """End all of the person's sessions except the one of `token`."""
        refuse_keys(user)
        with self._unit_of_work() as work:
            work.sessions.remove_of_user(user.id, keep=token_hash(token))
            record(work, self._clock(), user.id, "session.revoke_others", user.name)
            work.commit()

    def _record_use(self, session: Session, now: datetime) -> None:
        """Write when the session was used. The request continues if the database cannot write now."""
        try:
            with self._unit_of_work() as work:
                work.sessions.set_used(session.token_hash, now)
                work.commit()
        except PortalError as problem:
            log.warning("the last use of a session could not be written: %s", problem)

    def close(self, token: str) -> None:
        now = self._clock()
        with self._unit_of_work() as work:
            if user := work.sessions.user(token_hash(token), now):
                record(work, now, user.id, "session.close", user.name)
            work.sessions.remove(token_hash(token))
            work.commit()


def _proof(work: UnitOfWork, kept: StoredProof | None) -> Proof:
    user = None if kept is None else work.users.get(kept.user_id)
    if kept is None or user is None:
        raise NotSignedIn(EXPIRED)
    return Proof(user, mark=kept.mark, second_factor=kept.second_factor, outside_session=kept.outside_session)
