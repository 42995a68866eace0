from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from core.errors import Busy, Conflict, InvalidInput, NotAllowed, NotFound, NotSignedIn, PortalError
from core.identity import totp
from core.identity.second_factor import SecondFactors
from core.people.accounts import Accounts
from core.people.permissions import Permission, permissions_of, require
from core.people.records import Role, SessionKind, User
from core.people.sessions import Proof, SecondFactorNeeded, Sessions
from core.people.signing_in.attempts import MAX_BY_NAME, WINDOW
from core.unit_of_work import UnitOfWorkFactory
from tests.unit.core.conftest import MovingClock


@pytest.fixture
def factors(unit_of_work: UnitOfWorkFactory, clock: MovingClock) -> SecondFactors:
    return SecondFactors(unit_of_work, clock)


@pytest.fixture
def sessions(unit_of_work: UnitOfWorkFactory, clock: MovingClock) -> Sessions:
    return Sessions(unit_of_work, clock, timedelta(hours=12), factor_roles=("admin",))


def code(secret: str, clock: MovingClock) -> str:
    return totp.code_at(secret, totp.step_of(clock()))


def enrolled(factors: SecondFactors, user: User, clock: MovingClock) -> tuple[str, list[str]]:
    """Enrol a person; return the secret and the recovery codes. A new code may be used."""
    secret = factors.set_up(user).secret
    codes = list(factors.confirm(user, code(secret, clock)))
    clock.forward(seconds=totp.STEP_S)
    return secret, codes


def test_the_right_password_alone_opens_no_session(factors: SecondFactors, sessions: Sessions, ana: User, clock: MovingClock) -> None:
    assert sessions.open(Proof(ana), SessionKind.API), "not set up yet"
    secret = factors.set_up(ana).secret
    assert not factors.needed(ana) and sessions.open(Proof(ana), SessionKind.API), "not confirmed yet"
    factors.confirm(ana, code(secret, clock))
    clock.forward(seconds=totp.STEP_S)
    assert factors.needed(ana)
    ticket = sessions.issue_ticket(Proof(ana))
    for open_session in (lambda: sessions.open(Proof(ana), SessionKind.API), lambda: sessions.redeem_ticket(ticket)):
        with pytest.raises(SecondFactorNeeded):
            open_session()
    assert sessions.open(factors.prove(Proof(ana), code(secret, clock)), SessionKind.BROWSER)


def test_a_code_is_accepted_once_even_by_two_at_the_same_moment(factors: SecondFactors, ana: User, clock: MovingClock) -> None:
    secret, _ = enrolled(factors, ana, clock)
    now = code(secret, clock)

    def prove(_: int) -> bool:
        try:
            return factors.prove(Proof(ana), now).second_factor
        except PortalError:
            return False

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(prove, range(4))).count(True) == 1
    clock.forward(seconds=totp.STEP_S)
    earlier = totp.code_at(secret, totp.step_of(clock()) - 1)
    with pytest.raises(NotSignedIn):
        factors.prove(Proof(ana), earlier)


def test_a_recovery_code_is_accepted_once_and_only_from_its_person(
    factors: SecondFactors, accounts: Accounts, ana: User, clock: MovingClock
) -> None:
    ben = accounts.add(None, "ben", Role.ANALYST, password="battery staple")
    _, anas = enrolled(factors, ana, clock)
    enrolled(factors, ben, clock)
    assert len(set(anas)) == 10
    with pytest.raises(NotSignedIn):
        factors.prove(Proof(ben), anas[0])
    assert factors.prove(Proof(ana), f" {anas[0].upper()} ").second_factor
    with pytest.raises(NotSignedIn):
        factors.prove(Proof(ana), anas[0])
    assert factors.state(ana).codes_left == 9


def test_codes_cannot_be_guessed(factors: SecondFactors, ana: User, clock: MovingClock) -> None:
    secret, _ = enrolled(factors, ana, clock)
    for _ in range(MAX_BY_NAME):
        with pytest.raises(NotSignedIn):
            factors.prove(Proof(ana), "000000" if code(secret, clock) != "000000" else "000001")
    with pytest.raises(Busy):
        factors.prove(Proof(ana), code(secret, clock))
    clock.forward(seconds=WINDOW.total_seconds() + 1)
    assert factors.prove(Proof(ana), code(secret, clock))


def test_a_wrong_first_code_turns_nothing_on(factors: SecondFactors, ana: User, clock: MovingClock) -> None:
    secret = factors.set_up(ana).secret
    with pytest.raises(InvalidInput):
        factors.confirm(ana, totp.code_at(secret, 7))
    assert not factors.needed(ana)


def test_turning_off_and_new_codes_need_a_code(factors: SecondFactors, ana: User, clock: MovingClock) -> None:
    secret, old = enrolled(factors, ana, clock)
    with pytest.raises(Conflict):
        factors.set_up(ana)
    for act in (factors.turn_off, factors.renew_codes):
        with pytest.raises(InvalidInput):
            act(ana, "123")
    new = factors.renew_codes(ana, old[0])
    with pytest.raises(NotSignedIn):
        factors.prove(Proof(ana), old[1])
    assert new and factors.needed(ana)
    factors.turn_off(ana, code(secret, clock))
    assert not factors.needed(ana) and factors.state(ana).codes_left == 0


def test_a_role_that_must_use_one_cannot_turn_it_off(
    unit_of_work: UnitOfWorkFactory, admin: User, clock: MovingClock
) -> None:
    factors = SecondFactors(unit_of_work, clock, ("admin",))
    secret, _ = enrolled(factors, admin, clock)
    with pytest.raises(Conflict):
        factors.turn_off(admin, code(secret, clock))


def test_a_role_that_must_use_one_can_do_nothing_before(
    factors: SecondFactors, sessions: Sessions, admin: User, ana: User, clock: MovingClock
) -> None:
    token, other = sessions.open(Proof(admin), SessionKind.BROWSER), sessions.open(Proof(ana), SessionKind.BROWSER)
    found = sessions.user(token)
    assert found is not None and found.must_enrol
    with pytest.raises(NotAllowed, match="second factor"):
        require(found, Permission.MANAGE_PEOPLE)
    analyst = sessions.user(other)
    assert analyst is not None and not analyst.must_enrol
    enrolled(factors, found, clock)
    found = sessions.user(token)
    assert found is not None and Permission.MANAGE_PEOPLE in permissions_of(found)
    require(found, Permission.MANAGE_PEOPLE)


def test_an_admin_removes_a_lost_one_which_ends_the_sessions(
    factors: SecondFactors, sessions: Sessions, admin: User, ana: User, clock: MovingClock
) -> None:
    secret, _ = enrolled(factors, ana, clock)
    token = sessions.open(factors.prove(Proof(ana), code(secret, clock)), SessionKind.BROWSER)
    with pytest.raises(NotAllowed):
        factors.remove(ana, "ana")
    with pytest.raises(NotAllowed):
        factors.has(ana, "ana")
    with pytest.raises(NotFound):
        factors.has(admin, "nobody")
    assert factors.has(admin, "ana") and not factors.has(admin, admin.name)
    factors.remove(admin, "ana")
    assert not factors.has(admin, "ana") and not factors.needed(ana) and sessions.user(token) is None
