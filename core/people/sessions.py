"""Open, look up and end sessions. The person holds a random token; the database holds its hash and is asked on every use."""

from __future__ import annotations

import hashlib
import secrets
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.clock import Clock
from core.errors import NotSignedIn
from core.people.audit_events import record
from core.people.records import Session, SessionKind, User
from core.unit_of_work import UnitOfWorkFactory

TICKET_LIFETIME = timedelta(seconds=30)
SESSION_COOKIE = "glm_portal_session"
"""The cookie that holds a browser session's token."""


def token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def mark_of(password_hash: str) -> str:
    """Fingerprint a stored password, to tell it from the next without revealing anything about it."""
    return token_hash(password_hash)


@dataclass(frozen=True, slots=True)
class Proof:
    """A person whose identity was just proven."""

    user: User
    mark: str = ""
    """Fingerprint of the stored password that proved the identity; after a password change, the proof opens no session.

    Empty: not proven by a password of ours.
    """


@dataclass(frozen=True, slots=True)
class _Ticket:
    proof: Proof
    expires_at: datetime


class Sessions:
    """Opens, looks up and ends sessions.

    A page proves an identity once, then hands the browser a one-time ticket. The browser posts it to a route that answers with the HttpOnly
    cookie, so a script in the page never sees the token. Tickets live in this process.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock, lifetime: timedelta) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self.lifetime = lifetime
        self._tickets: dict[str, _Ticket] = {}
        self._lock = threading.Lock()

    def issue_ticket(self, proof: Proof) -> str:
        """Return a ticket that can be exchanged once within 30 s."""
        now = self._clock()
        ticket = secrets.token_urlsafe(32)
        with self._lock:
            self._tickets = {key: value for key, value in self._tickets.items() if value.expires_at > now}
            self._tickets[token_hash(ticket)] = _Ticket(proof, now + TICKET_LIFETIME)
        return ticket

    @property
    def tickets(self) -> int:
        """How many tickets have been issued and not yet exchanged."""
        return len(self._tickets)

    def redeem_ticket(self, ticket: str) -> str:
        """Exchange a ticket for the token of a new browser session. Raises NotSignedIn; a second attempt always does."""
        with self._lock:
            found = self._tickets.pop(token_hash(ticket), None)
        if found is None or found.expires_at <= self._clock():
            raise NotSignedIn("This sign-in has expired. Sign in again.")
        return self.open(found.proof, SessionKind.BROWSER)

    def open(self, proof: Proof, kind: SessionKind) -> str:
        """Open a session and return its token. Raises NotSignedIn if the account was disabled or its password changed since the proof."""
        now = self._clock()
        token = secrets.token_urlsafe(32)
        with self._unit_of_work() as work:
            # Locked: a password change ends the existing sessions, and this one exists only once it is stored.
            found = work.users.lock(proof.user.id)
            if found is None or not found.user.active:
                raise NotSignedIn("This account is disabled. Ask an admin.")
            if proof.mark and proof.mark != mark_of(found.password_hash):
                raise NotSignedIn("This sign-in has expired. Sign in again.")
            work.sessions.remove_expired(now)
            work.sessions.add(
                Session(token_hash=token_hash(token), user_id=found.user.id, kind=kind, created_at=now, expires_at=now + self.lifetime)
            )
            record(work, now, found.user.id, "session.open", found.user.name, **{"from": kind.value})
            work.commit()
        return token

    def user(self, token: str | None) -> User | None:
        """Return the user of a live session. A closed session, a disabled account or a changed role takes effect at once."""
        if not token or len(token) > 200:
            return None
        with self._unit_of_work() as work:
            return work.sessions.user(token_hash(token), self._clock())

    def close(self, token: str) -> None:
        now = self._clock()
        with self._unit_of_work() as work:
            if user := work.sessions.user(token_hash(token), now):
                record(work, now, user.id, "session.close", user.name)
            work.sessions.remove(token_hash(token))
            work.commit()
