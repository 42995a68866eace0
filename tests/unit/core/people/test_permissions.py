from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from core.errors import NotAllowed
from core.people.permissions import SCOPES, Permission, Verdict, allows, require, verdict
from core.people.records import KeyInUse, Role, Scope, User

EVERYBODY = {
    Permission.CHAT, Permission.RATE, Permission.UPLOAD, Permission.EXPORT, Permission.DETECT, Permission.MEMORY, Permission.RUN_TASKS,
}  # fmt: skip
EXPECTED = {
    Role.ANALYST: EVERYBODY,
    Role.REVIEWER: EVERYBODY | {Permission.REVIEW_FEEDBACK},
    Role.MANAGER: EVERYBODY | {Permission.VIEW_USAGE, Permission.MANAGE_ALERTS},
    Role.ADMIN: set(Permission),
}




def person(role: Role, *scopes: Scope) -> User:
    user = User(id="ana", name="ana", full_name="Ana", role=role, group="", active=True, created_at=datetime(2026, 11, 1, tzinfo=UTC))
    return replace(user, key=KeyInUse("k", frozenset(scopes))) if scopes else user


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("permission", Permission)
def test_each_role_holds_exactly_its_permissions(role: Role, permission: Permission) -> None:
    assert allows(person(role), permission) == (permission in EXPECTED[role])


def test_not_even_an_admin_may_chat_in_somebody_elses_conversation() -> None:
    assert not allows(person(Role.ADMIN), Permission.CHAT, owner_id="root")
    assert allows(person(Role.ANALYST), Permission.CHAT, owner_id="ana")


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


@pytest.mark.parametrize("permission", Permission)
def test_every_permission_stands_in_a_scope(permission: Permission) -> None:
    assert any(permission in covered for covered in SCOPES.values())


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("scope", Scope)
@pytest.mark.parametrize("permission", Permission)
def test_a_key_does_no_more_than_its_person_and_its_scope(role: Role, scope: Scope, permission: Permission) -> None:
    assert allows(person(role, scope), permission) == (permission in EXPECTED[role] and permission in SCOPES[scope])


def test_a_key_is_refused_with_the_scope_that_it_lacks_only_if_a_key_could_have_it() -> None:
    with pytest.raises(NotAllowed, match=r"scopes of this API key \(chat\).*scope models"):
        require(person(Role.ADMIN, Scope.CHAT), Permission.RUN_MODELS)
    with pytest.raises(NotAllowed, match="Your role"):
        require(person(Role.ANALYST, Scope.CHAT), Permission.RUN_MODELS)
