from __future__ import annotations

import pytest

from core.errors import NotAllowed
from core.people.permissions import Permission, allows, require
from core.people.records import Role

EXPECTED = {
    Role.ANALYST: {Permission.CHAT, Permission.RATE},
    Role.MANAGER: {Permission.CHAT, Permission.RATE, Permission.VIEW_USAGE},
    Role.ADMIN: set(Permission),
}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("permission", Permission)
def test_each_role_holds_exactly_its_permissions(role: Role, permission: Permission) -> None:
    assert allows(role, permission) == (permission in EXPECTED[role])


def test_not_even_an_admin_may_chat_in_somebody_elses_conversation() -> None:
    assert not allows(Role.ADMIN, Permission.CHAT, owner_id="ana", user_id="root")
    assert allows(Role.ANALYST, Permission.CHAT, owner_id="ana", user_id="ana")


def test_a_refusal_names_the_role_and_who_can_change_it() -> None:
    with pytest.raises(NotAllowed, match=r"analyst.*admin"):
        require(Role.ANALYST, Permission.RUN_MODELS)
