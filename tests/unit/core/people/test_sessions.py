from __future__ import annotations

from datetime import timedelta

import pytest

from core.errors import NotSignedIn
from core.people.accounts import Accounts
from core.people.records import Role, SessionKind, User
from core.people.sessions import TICKET_LIFETIME, Proof, Sessions
from core.people.sign_in import Caller, SignIn
from core.unit_of_work import UnitOfWorkFactory
from tests.unit.core.conftest import MovingClock


@pytest.fixture
def sessions(unit_of_work: UnitOfWorkFactory, clock: MovingClock) -> Sessions:
    return Sessions(unit_of_work, clock, timedelta(hours=12))


def test_a_ticket_opens_one_session_and_never_a_second(sessions: Sessions, ana: User) -> None:
    ticket = sessions.issue_ticket(Proof(ana))
    token = sessions.redeem_ticket(ticket)
    found = sessions.user(token)
    assert found is not None and found.id == ana.id
    with pytest.raises(NotSignedIn):
        sessions.redeem_ticket(ticket)


def test_a_ticket_dies_after_half_a_minute(sessions: Sessions, ana: User, clock: MovingClock) -> None:
    ticket = sessions.issue_ticket(Proof(ana))
    clock.forward(seconds=TICKET_LIFETIME.total_seconds())
    with pytest.raises(NotSignedIn):
        sessions.redeem_ticket(ticket)


def test_a_session_ends_at_its_time(sessions: Sessions, ana: User, clock: MovingClock) -> None:
    token = sessions.open(Proof(ana), SessionKind.API)
    clock.forward(hours=12)
    assert sessions.user(token) is None


@pytest.mark.parametrize("token", [None, "", "guess", "x" * 100_000, "\x00"])
def test_a_made_up_token_is_nobody(sessions: Sessions, token: str | None) -> None:
    assert sessions.user(token) is None


def test_the_store_never_sees_the_token(sessions: Sessions, ana: User, tmp_path: object) -> None:
    token = sessions.open(Proof(ana), SessionKind.BROWSER)
    from pathlib import Path

    written = b"".join(path.read_bytes() for path in Path(str(tmp_path)).glob("portal.db*"))
    assert token.encode() not in written


def test_closing_disabling_and_a_new_role_hold_at_the_next_look(sessions: Sessions, accounts: Accounts, admin: User, ana: User) -> None:
    token, other = sessions.open(Proof(ana), SessionKind.BROWSER), sessions.open(Proof(ana), SessionKind.BROWSER)
    sessions.close(token)
    assert sessions.user(token) is None
    accounts.change(admin, "ana", role=Role.MANAGER)
    promoted = sessions.user(other)
    assert promoted is not None and promoted.role is Role.MANAGER
    accounts.change(admin, "ana", active=False)
    assert sessions.user(other) is None
    accounts.change(admin, "ana", active=True)
    assert sessions.user(other) is None


def test_a_new_password_ends_the_other_sessions_and_keeps_this_one(sessions: Sessions, accounts: Accounts, ana: User) -> None:
    here, there = sessions.open(Proof(ana), SessionKind.BROWSER), sessions.open(Proof(ana), SessionKind.BROWSER)
    accounts.change_password(ana, "correct horse", "battery staple", here)
    assert sessions.user(here) is not None and sessions.user(there) is None
    accounts.reset_password(None, "ana", "another horse")
    assert sessions.user(here) is None


def test_a_disabled_person_opens_no_session(sessions: Sessions, accounts: Accounts, admin: User, ana: User) -> None:
    ticket = sessions.issue_ticket(Proof(ana))
    accounts.change(admin, "ana", active=False)
    with pytest.raises(NotSignedIn):
        sessions.redeem_ticket(ticket)


def test_a_sign_in_with_the_old_password_opens_no_session_after_the_change(
    sessions: Sessions, accounts: Accounts, sign_in: SignIn, ana: User
) -> None:
    proof = sign_in.check("ana", "correct horse", Caller())
    ticket = sessions.issue_ticket(proof)
    accounts.reset_password(None, "ana", "battery staple")
    with pytest.raises(NotSignedIn):
        sessions.open(proof, SessionKind.API)
    with pytest.raises(NotSignedIn):
        sessions.redeem_ticket(ticket)
    assert sessions.open(sign_in.check("ana", "battery staple", Caller()), SessionKind.API)
