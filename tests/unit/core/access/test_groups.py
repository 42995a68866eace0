from __future__ import annotations

import pytest

from core.access.groups import Groups
from core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.inference.choosing.access import ModelAccess
from core.operations.records import RetentionKind
from core.operations.retention import Retention
from core.people.accounts import Accounts
from core.people.permissions import Permission, allows
from core.people.records import Role, User
from core.unit_of_work import UnitOfWorkFactory
from tests.unit.core.conftest import MovingClock

PASSWORD = "a long password"


@pytest.fixture
def groups(unit_of_work: UnitOfWorkFactory, clock: MovingClock) -> Groups:
    return Groups(unit_of_work, clock)


@pytest.fixture
def admin(accounts: Accounts) -> User:
    return accounts.add(None, "root", Role.ADMIN, password=PASSWORD)


def person(accounts: Accounts, name: str, role: str = Role.ANALYST, group: str = "") -> User:
    return accounts.add(None, name, role, password=PASSWORD, group=group)


def test_a_group_named_for_a_person_exists_from_then_on(accounts: Accounts, groups: Groups, admin: User) -> None:
    person(accounts, "ann", group="Risk")
    accounts.change(admin, "root", group="Credit")
    assert groups.names(admin) == ["Credit", "Risk"]
    [risk] = [each for each in groups.all(admin) if each.group.name == "Risk"]
    assert [each.name for each in risk.members] == ["ann"]


def test_what_a_group_withholds_acts_at_once_and_returns(accounts: Accounts, groups: Groups, admin: User) -> None:
    person(accounts, "ann", group="Risk")
    group = groups.all(admin)[0].group
    groups.change(admin, group.id, withheld={Permission.UPLOAD})
    assert not allows(accounts.person(admin, "ann"), Permission.UPLOAD) and allows(accounts.person(admin, "ann"), Permission.CHAT)
    groups.change(admin, group.id, withheld=set())
    assert allows(accounts.person(admin, "ann"), Permission.UPLOAD)


def test_only_features_can_be_withheld(groups: Groups, admin: User) -> None:
    group = groups.add(admin, "Risk")
    with pytest.raises(InvalidInput, match="manage_people"):
        groups.change(admin, group.id, withheld={Permission.MANAGE_PEOPLE})


def test_members_and_retention_rules_follow_a_new_name(
    accounts: Accounts, groups: Groups, admin: User, unit_of_work: UnitOfWorkFactory, clock: MovingClock
) -> None:
    person(accounts, "ann", group="Risk")
    retention = Retention(unit_of_work, clock)
    retention.set_rule(admin, RetentionKind.CHATS, "Risk", 30)
    models = ModelAccess(unit_of_work, clock)
    models.restrict(admin, "glm", [], ["Risk"])
    models.set_group_model(admin, "Risk", "glm")
    group = groups.all(admin)[0].group
    groups.change(admin, group.id, name="Market risk")
    assert models.rules(admin)["glm"].groups == {"Market risk"} and models.group_models(admin) == {"Market risk": "glm"}
    assert accounts.person(admin, "ann").group == "Market risk"
    assert [rule.group for rule in retention.rules(admin)] == ["Market risk"]
    groups.add(admin, "Credit")
    with pytest.raises(Conflict):
        groups.change(admin, group.id, name="Credit")


def test_a_manager_sees_only_the_own_group_and_takes_only_people_without_one(accounts: Accounts, groups: Groups, admin: User) -> None:
    mia, _ann, _bob, _cat = (
        person(accounts, name, group=group) for name, group in (("mia", "Risk"), ("ann", ""), ("bob", "Credit"), ("cat", "Risk"))
    )
    by_name = {each.group.name: each.group for each in groups.all(admin)}
    groups.change(admin, by_name["Risk"].id, managers=["mia"])
    assert [each.group.name for each in groups.all(mia)] == ["Risk"]
    risk, credit = by_name["Risk"].id, by_name["Credit"].id
    groups.put_member(mia, risk, "ann")
    groups.remove_member(mia, risk, "cat")
    assert [each.name for each in groups.get(mia, risk).members] == ["ann", "mia"]
    with pytest.raises(Conflict):
        groups.put_member(mia, risk, "bob")
    for attack in (
        lambda: groups.get(mia, credit),
        lambda: groups.put_member(mia, credit, "ann"),
        lambda: groups.remove_member(mia, credit, "bob"),
    ):
        with pytest.raises(NotFound):
            attack()
    for refused in (
        lambda: groups.remove_member(mia, risk, "mia"),
        lambda: groups.put_member(mia, risk, "root"),
        lambda: groups.change(mia, risk, withheld=set()),
        lambda: groups.change(mia, risk, managers=["mia", "ann"]),
        lambda: groups.add(mia, "Mine"),
        lambda: groups.remove(mia, risk),
        lambda: groups.names(mia),
    ):
        with pytest.raises(NotAllowed):
            refused()


def test_somebody_who_manages_nothing_sees_no_group(accounts: Accounts, groups: Groups, admin: User) -> None:
    ann = person(accounts, "ann", group="Risk")
    assert groups.all(ann) == []
    with pytest.raises(NotFound):
        groups.get(ann, groups.all(admin)[0].group.id)


def test_only_an_empty_group_is_removed(accounts: Accounts, groups: Groups, admin: User) -> None:
    person(accounts, "ann", group="Risk")
    group = groups.all(admin)[0].group
    with pytest.raises(Conflict):
        groups.remove(admin, group.id)
    groups.remove_member(admin, group.id, "ann")
    groups.remove(admin, group.id)
    assert groups.all(admin) == []


def test_a_manager_must_be_somebody(groups: Groups, admin: User) -> None:
    group = groups.add(admin, "Risk")
    with pytest.raises(NotFound, match="nobody"):
        groups.change(admin, group.id, managers=["nobody"])


def test_who_lacks_a_feature_in_the_role_cannot_give_it_back_to_a_group(
    accounts: Accounts, groups: Groups, admin: User, unit_of_work: UnitOfWorkFactory, clock: MovingClock
) -> None:
    from core.access.roles import Roles

    Roles(unit_of_work, clock).add(admin, "desk", {Permission.CHAT, Permission.MANAGE_PEOPLE})
    desk = person(accounts, "desk", "desk")
    group = groups.add(admin, "Risk")
    groups.change(admin, group.id, withheld={Permission.UPLOAD})
    with pytest.raises(NotAllowed):
        groups.change(desk, group.id, withheld=set())
