from __future__ import annotations

import pytest

from core.errors import Busy, Conflict, InvalidInput, NotAllowed, NotFound, NotSignedIn
from core.people.accounts import Accounts
from core.people.records import Role, User
from core.people.signing_in.attempts import MAX_BY_NAME


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


def test_the_present_password_can_be_guessed_a_few_times_only(accounts: Accounts, ana: User) -> None:
    for _ in range(MAX_BY_NAME):
        with pytest.raises(NotSignedIn):
            accounts.change_password(ana, "wrong", "battery staple")
    with pytest.raises(Busy):
        accounts.change_password(ana, "correct horse", "battery staple")
