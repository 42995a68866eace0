from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import httpx

from bootstrap.portal import Portal
from core.identity import totp
from tests.unit.api.conftest import PASSWORD


def test_signing_in_takes_the_code_and_says_when_it_is_missing(
    portal: Portal, client: httpx.Client, signed_in: Callable[[str], httpx.Client]
) -> None:
    found = portal.accounts.credentials("ann")
    assert found is not None
    secret = portal.second_factors.set_up(found.user).secret
    codes = portal.second_factors.confirm(found.user, totp.code_at(secret, totp.step_of(datetime.now(UTC))))
    body = {"username": "ann", "password": PASSWORD}
    missing = client.post("/api/v1/session", json=body)
    assert missing.status_code == 401 and missing.json()["error"]["code"] == "second_factor_needed"
    assert client.post("/api/v1/session", json={**body, "password": "wrong words"}).json()["error"]["code"] == "not_signed_in"
    wrong = client.post("/api/v1/session", json={**body, "code": "12"})
    assert wrong.status_code == 401 and wrong.json()["error"]["code"] == "not_signed_in"
    assert client.post("/api/v1/session", json={**body, "code": codes[0]}).status_code == 200
    assert client.post("/api/v1/session", json={**body, "code": codes[0]}).status_code == 401
    assert signed_in("ada").delete("/api/v1/people/ann/second-factor").status_code == 204
    assert client.post("/api/v1/session", json=body).status_code == 200
