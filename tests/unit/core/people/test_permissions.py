from __future__ import annotations

from datetime import UTC, datetime

import pytest

from core.errors import NotAllowed
from core.people.permissions import Permission, allows, require
from core.people.records import Role, User


def person(role: Role, id: str = "me") -> User:
    return User(id, id, id, role, "", True, datetime(2026, 11, 21, tzinfo=UTC))


EXPECTED = {
    Role.ANALYST: {Permission.CHAT, Permission.RATE},
    Role.MANAGER: {Permission.CHAT, Permission.RATE, Permission.VIEW_USAGE},
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
