"""The access matrix detects a missing check: with every right granted, its test fails. tests/unit/api/test_permissions.py has the matrix.
"""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from core.people import permissions
from core.people.permissions import Verdict
from tests.unit.api.test_permissions import ADMINS, ROUTES, of_nobody


def let_through(client: httpx.Client) -> list[str]:
    """Return the admins' lists that this client reads."""
    reads = [path for method, path, _, who, status in ROUTES if method == "GET" and who == ADMINS and status == 200]
    return [path for path in reads if client.get(of_nobody(path)).status_code != 403]


def test_an_analyst_reads_none_of_the_admins_lists(ann: httpx.Client) -> None:
    assert let_through(ann) == []


@pytest.mark.parametrize("name", ["ann", "max"])
def test_without_the_guard_they_are_read(signed_in: Callable[[str], httpx.Client], monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(permissions, "verdict", lambda user, permission: Verdict.GRANTED)
    assert len(let_through(signed_in(name))) > 10
