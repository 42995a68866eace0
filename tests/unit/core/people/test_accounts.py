from __future__ import annotations

import pytest

from core.errors import Busy, Conflict, InvalidInput, NotAllowed, NotFound, NotSignedIn
from core.people.accounts import LOCK, MAX_FAILURES, Accounts
from core.people.records import Role, User
from tests.unit.core.conftest import MovingClock


def test_the_right_password_signs_in_whatever_the_case_of_the_name(accounts: Accounts, ana: User) -> None:
    assert accounts.sign_in(" ANA ", "correct horse").id == ana.id


@pytest.mark.parametrize(("name", "password"), [("ana", "wrong"), ("ana", ""), ("nobody", "correct horse"), ("", "")])
def test_a_wrong_name_and_a_wrong_password_get_the_same_answer(accounts: Accounts, ana: User, name: str, password: str) -> None:
    with pytest.raises(NotSignedIn, match="do not match"):
        accounts.sign_in(name, password)


def test_five_wrong_passwords_lock_the_account_for_a_while_and_then_it_opens_again(
    accounts: Accounts, ana: User, clock: MovingClock
) -> None:
    for _ in range(MAX_FAILURES):
        with pytest.raises(NotSignedIn):
            accounts.sign_in("ana", "wrong")
    with pytest.raises(Busy) as caught:
        accounts.sign_in("ana", "correct horse")
    assert 0 < caught.value.retry_after <= LOCK.total_seconds()
    clock.forward(seconds=LOCK.total_seconds() + 1)
    assert accounts.sign_in("ana", "correct horse").id == ana.id


def test_a_disabled_person_cannot_sign_in(accounts: Accounts, admin: User, ana: User) -> None:
    accounts.change(admin, "ana", active=False)
    with pytest.raises(NotSignedIn):
        accounts.sign_in("ana", "correct horse")


def test_only_admins_manage_people(accounts: Accounts, ana: User) -> None:
    for attempt in (
        lambda: accounts.people(ana),
        lambda: accounts.add(ana, "eve", Role.ADMIN, password="correct horse"),
        lambda: accounts.change(ana, "ana", role=Role.ADMIN),
        lambda: accounts.reset_password(ana, "ana", "correct horse"),
    ):
        with pytest.raises(NotAllowed):
            attempt()


def test_the_last_admin_can_neither_be_demoted_nor_disabled(accounts: Accounts, admin: User) -> None:
    with pytest.raises(Conflict, match="only active admin"):
        accounts.change(admin, "root", role=Role.ANALYST)
    with pytest.raises(Conflict, match="only active admin"):
        accounts.change(None, "root", active=False)
    accounts.add(admin, "second", Role.ADMIN, password="correct horse")
    assert accounts.change(admin, "root", role=Role.ANALYST).role is Role.ANALYST


@pytest.mark.parametrize("name", ["", "a b", "-x", "x" * 65, "ana\n", "ána", "../x", "<b>"])
def test_an_unusable_name_is_refused(accounts: Accounts, name: str) -> None:
    if name == "ana\n":
        assert accounts.add(None, name, Role.ANALYST, password="correct horse").name == "ana"
        return
    with pytest.raises(InvalidInput, match="user name"):
        accounts.add(None, name, Role.ANALYST, password="correct horse")


@pytest.mark.parametrize("password", ["", "short", "x" * 73, "长" * 25])
def test_a_password_that_is_too_short_or_that_bcrypt_would_cut_is_refused(accounts: Accounts, password: str) -> None:
    with pytest.raises(InvalidInput, match="password"):
        accounts.add(None, "bo", Role.ANALYST, password=password)


def test_a_name_can_be_taken_once(accounts: Accounts, ana: User) -> None:
    with pytest.raises(Conflict):
        accounts.add(None, "Ana", Role.ANALYST, password="correct horse")


def test_changing_somebody_unknown_says_so(accounts: Accounts, admin: User) -> None:
    with pytest.raises(NotFound, match="nobody"):
        accounts.change(admin, "nobody", active=False)
