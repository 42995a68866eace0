from __future__ import annotations

from datetime import timedelta

import pytest

from core.errors import NotFound, NotSignedIn
from core.people.accounts import Accounts
from core.people.records import Origin, Role, SessionKind, User
from core.people.sessions import TICKET_LIFETIME, Proof, Sessions, token_hash
from core.people.signing_in.sign_in import Caller, SignIn
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


def test_a_ticket_and_a_handle_of_one_replica_are_used_on_another(unit_of_work: UnitOfWorkFactory, ana: User, clock: MovingClock) -> None:
    here, there = (Sessions(unit_of_work, clock, timedelta(hours=12)) for _ in range(2))
    ticket, handle = here.issue_ticket(Proof(ana)), here.keep(Proof(ana, second_factor=True, outside_session="outside"))
    assert there.user(there.redeem_ticket(ticket)) == ana
    with pytest.raises(NotSignedIn):
        here.redeem_ticket(ticket)
    assert there.handle_user(handle) == ana
    assert there.take(handle) == Proof(ana, second_factor=True, outside_session="outside")
    with pytest.raises(NotSignedIn):
        here.take(handle)
    there.give_back(handle)
    assert here.take(handle).user == ana


def test_a_ticket_is_no_handle_and_a_handle_no_ticket(sessions: Sessions, ana: User) -> None:
    ticket, handle = sessions.issue_ticket(Proof(ana)), sessions.keep(Proof(ana))
    with pytest.raises(NotSignedIn):
        sessions.take(ticket)
    with pytest.raises(NotSignedIn):
        sessions.handle_user(ticket)
    with pytest.raises(NotSignedIn):
        sessions.redeem_ticket(handle)


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


def test_a_session_without_use_ends_and_a_used_one_goes_on_to_its_time(
    unit_of_work: UnitOfWorkFactory, ana: User, clock: MovingClock
) -> None:
    sessions = Sessions(unit_of_work, clock, timedelta(hours=12), timedelta(hours=1))
    used, unused = sessions.open(Proof(ana), SessionKind.BROWSER), sessions.open(Proof(ana), SessionKind.BROWSER)
    for _ in range(14):
        clock.forward(minutes=50)
        assert sessions.user(used)
    assert sessions.user(unused) is None
    assert len(sessions.own(ana)) == 1
    clock.forward(minutes=20)
    assert sessions.user(used) is None, "twelve hours are over"


def test_own_sessions_say_where_they_were_opened_and_when_they_were_used(sessions: Sessions, ana: User, clock: MovingClock) -> None:
    began = clock()
    first = sessions.open(Proof(ana), SessionKind.BROWSER, Origin("192.0.2.1", "Mozilla/5.0\n(X11; Linux)" + "x" * 300))
    clock.forward(minutes=1)
    sessions.open(Proof(ana), SessionKind.API)
    clock.forward(seconds=90)
    sessions.user(first)
    newest, other = sessions.own(ana)
    assert (newest.address, newest.created_at, newest.used_at) == ("192.0.2.1", began, clock())
    assert newest.agent.startswith("Mozilla/5.0 (X11") and len(newest.agent) == 200
    assert other.kind is SessionKind.API and other.id != newest.id
    assert sessions.user(newest.id) is None and sessions.user(newest.token_hash) is None, "what a list shows opens nothing"


def test_one_or_all_other_sessions_are_ended(sessions: Sessions, accounts: Accounts, admin: User, ana: User) -> None:
    here, there, anywhere = (sessions.open(Proof(ana), SessionKind.BROWSER) for _ in range(3))
    admins = sessions.open(Proof(admin), SessionKind.BROWSER)
    sessions.revoke(ana, token_hash(there)[:32])
    assert [sessions.user(token) is not None for token in (here, there, anywhere)] == [True, False, True]
    with pytest.raises(NotFound):
        sessions.revoke(ana, token_hash(admins)[:32])
    sessions.revoke_others(ana, here)
    assert [sessions.user(token) is not None for token in (here, anywhere, admins)] == [True, False, True]
