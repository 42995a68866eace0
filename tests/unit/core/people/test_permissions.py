from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from core.errors import NotAllowed
from core.people.permissions import Permission, Verdict, allows, require, verdict
from core.people.records import Role, User


def person(role: Role, id: str = "me") -> User:
    return User(id, id, id, role, "", True, datetime(2026, 11, 21, tzinfo=UTC))


EVERYBODY = {Permission.CHAT, Permission.RATE, Permission.UPLOAD, Permission.EXPORT}
EXPECTED = {
    Role.ANALYST: EVERYBODY,
    Role.REVIEWER: EVERYBODY | {Permission.REVIEW_FEEDBACK},
    Role.MANAGER: EVERYBODY | {Permission.VIEW_USAGE},
    Role.ADMIN: set(Permission),
}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("permission", Permission)
def test_each_role_holds_exactly_its_permissions(role: Role, permission: Permission) -> None:
    assert allows(person(role), permission) == (permission in EXPECTED[role])


def test_not_even_an_admin_may_chat_in_somebody_elses_conversation() -> None:
    assert not allows(person(Role.ADMIN, "root"), Permission.CHAT, owner_id="ana")
    assert allows(person(Role.ANALYST, "ana"), Permission.CHAT, owner_id="ana")


def test_a_refusal_names_the_role_and_who_can_change_it() -> None:
    with pytest.raises(NotAllowed, match=r"analyst.*admin"):
        require(person(Role.ANALYST), Permission.RUN_MODELS)


def test_a_group_withholds_a_feature_whatever_the_role() -> None:
    admin = replace(person(Role.ADMIN), group="Risk", withheld=frozenset({Permission.EXPORT}))
    assert verdict(admin, Permission.EXPORT) is Verdict.GROUP_WITHHOLDS and not allows(admin, Permission.EXPORT)
    with pytest.raises(NotAllowed, match=r"group \(Risk\)"):
        require(admin, Permission.EXPORT)


def test_a_custom_role_grants_exactly_its_permissions() -> None:
    auditor = replace(person(Role.ANALYST), role="auditor", granted=frozenset({Permission.READ_AUDIT}))
    assert {each for each in Permission if allows(auditor, each)} == {Permission.READ_AUDIT}


def test_a_role_that_nobody_knows_grants_no_more_than_an_analyst_has() -> None:
    assert {each for each in Permission if allows(replace(person(Role.ANALYST), role="later"), each)} == EVERYBODY
