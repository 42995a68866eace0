from __future__ import annotations

import pytest

from core.access.roles import Roles
from core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.people.accounts import Accounts
from core.people.permissions import ROLES, Permission, allows
from core.people.records import Role, User
from core.unit_of_work import UnitOfWorkFactory
from tests.unit.core.conftest import MovingClock

PASSWORD = "a long password"
AUDITOR = {Permission.CHAT, Permission.READ_AUDIT}
DESK = ROLES[Role.ANALYST] | {Permission.MANAGE_PEOPLE}


@pytest.fixture
def roles(unit_of_work: UnitOfWorkFactory, clock: MovingClock) -> Roles:
    return Roles(unit_of_work, clock)


@pytest.fixture
def admin(accounts: Accounts) -> User:
    return accounts.add(None, "root", Role.ADMIN, password=PASSWORD)


@pytest.fixture
def desk(accounts: Accounts, roles: Roles, admin: User) -> User:
    """Someone who manages people and is no admin."""
    roles.add(admin, "Help desk", DESK)
    return accounts.add(admin, "desk", "help desk", password=PASSWORD)


def test_a_custom_role_grants_what_it_lists_and_a_change_acts_at_once(accounts: Accounts, roles: Roles, admin: User) -> None:
    roles.add(admin, "auditor", AUDITOR)
    eve = accounts.add(admin, "eve", "auditor", password=PASSWORD)
    assert {each for each in Permission if allows(eve, each)} == AUDITOR
    roles.change(admin, "auditor", {Permission.CHAT})
    assert not allows(accounts.person(admin, "eve"), Permission.READ_AUDIT)


def test_a_reviewer_and_a_custom_role_survive_in_the_store(accounts: Accounts, roles: Roles, admin: User) -> None:
    roles.add(admin, "审计", AUDITOR)
    for name, role in (("rita", Role.REVIEWER), ("li", "审计"), ("max", Role.MANAGER)):
        accounts.add(None, name, role, password=PASSWORD)
        assert accounts.person(admin, name).role == role
    assert accounts.change(admin, "li", role=Role.MANAGER).role is Role.MANAGER


def test_nobody_gives_what_they_do_not_have(accounts: Accounts, roles: Roles, desk: User, admin: User) -> None:
    accounts.add(desk, "ann", Role.ANALYST, password=PASSWORD)
    for role in (Role.ADMIN, Role.MANAGER, Role.REVIEWER):
        with pytest.raises(NotAllowed):
            accounts.add(desk, "bob", role, password=PASSWORD)
        with pytest.raises(NotAllowed):
            accounts.change(desk, "ann", role=role)
        with pytest.raises(NotAllowed):
            accounts.change(desk, "desk", role=role)
    with pytest.raises(NotAllowed):
        roles.add(desk, "mine", {Permission.RUN_STORE})
    with pytest.raises(NotAllowed):
        roles.change(desk, "help desk", DESK | {Permission.RUN_STORE})


def test_nobody_takes_over_an_account_with_more_rights(accounts: Accounts, roles: Roles, desk: User) -> None:
    for attack in (
        lambda: accounts.reset_password(desk, "root", "another password"),
        lambda: accounts.change(desk, "root", active=False),
        lambda: accounts.change(desk, "root", full_name="Nobody"),
    ):
        with pytest.raises(NotAllowed, match="rights that you do not have"):
            attack()


def test_a_role_with_more_rights_is_not_changed_or_removed_by_somebody_with_fewer(roles: Roles, desk: User, admin: User) -> None:
    roles.add(admin, "auditor", AUDITOR)
    with pytest.raises(NotAllowed):
        roles.change(desk, "auditor", {Permission.CHAT})
    with pytest.raises(NotAllowed):
        roles.remove(desk, "auditor")


def test_the_last_admin_keeps_the_role_also_against_a_custom_one(accounts: Accounts, roles: Roles, admin: User) -> None:
    roles.add(admin, "everything", set(Permission))
    with pytest.raises(Conflict, match="only active admin"):
        accounts.change(admin, "root", role="everything")


def test_built_in_roles_stay_as_they_are(roles: Roles, admin: User) -> None:
    with pytest.raises(Conflict):
        roles.change(admin, "analyst", set(Permission))
    with pytest.raises(Conflict):
        roles.remove(admin, "admin")
    with pytest.raises(Conflict):
        roles.add(admin, " Admin ", {Permission.CHAT})


def test_a_role_goes_only_when_nobody_has_it(accounts: Accounts, roles: Roles, desk: User, admin: User) -> None:
    with pytest.raises(Conflict, match="1 people"):
        roles.remove(admin, "help desk")
    accounts.change(admin, "desk", role=Role.ANALYST)
    roles.remove(admin, "help desk")
    with pytest.raises(NotFound):
        roles.remove(admin, "help desk")
    with pytest.raises(InvalidInput):
        accounts.change(admin, "desk", role="help desk")


@pytest.mark.parametrize("name", ["", "  ", "a/b", "\u200b"])
def test_a_name_that_cannot_be_asked_for_is_refused(roles: Roles, admin: User, name: str) -> None:
    with pytest.raises(InvalidInput):
        roles.add(admin, name, {Permission.CHAT})


def test_only_those_who_manage_people_see_roles(accounts: Accounts, roles: Roles) -> None:
    ann = accounts.add(None, "ann", Role.ANALYST, password=PASSWORD)
    for attack in (lambda: roles.all(ann), lambda: roles.names(ann), lambda: roles.add(ann, "x", set()), lambda: roles.remove(ann, "x")):
        with pytest.raises(NotAllowed):
            attack()
