from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import httpx
import pytest
from fastapi import Response

from api.identity import set_cookie
from bootstrap.portal import Portal
from core.people.sessions import SESSION_COOKIE, Proof
from core.people.signing_in.sign_in import Caller
from settings import Settings
from tests.unit.api.conftest import PASSWORD

SESSION = "/api/v1/session"
SIGN_IN = {"username": "ann", "password": PASSWORD}


def test_signing_in_answers_a_token_its_end_and_the_person(client: httpx.Client) -> None:
    answer = client.post(SESSION, json=SIGN_IN)
    assert answer.status_code == 200
    opened = answer.json()
    assert opened["user"]["name"] == "ann"
    assert opened["user"]["role"] == "analyst"
    left = datetime.fromisoformat(opened["expires_at"]) - datetime.now(UTC)
    assert timedelta(hours=11, minutes=59) < left <= timedelta(hours=12)
    client.cookies.clear()
    me = client.get(SESSION, headers={"Authorization": f"Bearer {opened['token']}"})
    assert me.json()["name"] == "ann"
    assert "password" not in me.text


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(client: httpx.Client) -> None:
    cookie = client.post(SESSION, json=SIGN_IN).headers["set-cookie"]
    assert cookie.startswith("glm_portal_session=")
    for word in ("HttpOnly", "SameSite=strict", "Path=/", "Max-Age=43200"):
        assert word in cookie
    assert "Secure" not in cookie
    assert client.get(SESSION).json()["name"] == "ann"


def test_behind_tls_the_cookie_is_for_https_only() -> None:
    response = Response()
    portal = SimpleNamespace(settings=Settings(secure_cookie=True), sessions=SimpleNamespace(lifetime=timedelta(hours=1)))
    set_cookie(response, portal, "token")  # type: ignore[arg-type]
    assert "; Secure" in response.headers["set-cookie"]


def test_a_wrong_password_and_an_unknown_name_are_refused_alike(client: httpx.Client) -> None:
    wrong = client.post(SESSION, json={"username": "ann", "password": "wrong horse"})
    unknown = client.post(SESSION, json={"username": "nobody", "password": "wrong horse"})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()
    assert "set-cookie" not in wrong.headers


def test_the_sixth_wrong_password_must_wait(client: httpx.Client) -> None:
    for _ in range(5):
        assert client.post(SESSION, json={"username": "ann", "password": "wrong horse"}).status_code == 401
    locked = client.post(SESSION, json=SIGN_IN)
    assert locked.status_code == 429
    assert 1 <= int(locked.headers["Retry-After"]) <= 300


def test_signing_out_ends_the_session_at_once_and_clears_the_cookie(client: httpx.Client) -> None:
    token = client.post(SESSION, json=SIGN_IN).json()["token"]
    gone = client.delete(SESSION)
    assert gone.status_code == 204
    assert 'glm_portal_session=""' in gone.headers["set-cookie"]
    assert client.get(SESSION, headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_a_disabled_account_ends_its_sessions(portal: Portal, signed_in: Callable[[str], httpx.Client]) -> None:
    ann = signed_in("ann")
    portal.accounts.change(None, "ann", active=False)
    assert ann.get(SESSION).status_code == 401
    assert ann.get("/v1/models").json()["error"]["code"] == "invalid_api_key"


def test_a_ticket_becomes_a_cookie_once(portal: Portal, client: httpx.Client) -> None:
    proof = portal.sign_in.check("ann", PASSWORD, Caller())
    ticket = portal.sessions.issue_ticket(proof)
    first = client.post(f"{SESSION}/ticket", json={"ticket": ticket})
    assert first.status_code == 200
    assert "token" not in first.json()
    assert client.get(SESSION).json()["name"] == "ann"
    client.cookies.clear()
    assert client.post(f"{SESSION}/ticket", json={"ticket": ticket}).status_code == 401
    assert client.get(SESSION).status_code == 401


def test_a_bad_bearer_token_is_not_saved_by_a_good_cookie(client: httpx.Client) -> None:
    client.post(SESSION, json=SIGN_IN)
    assert client.get(SESSION, headers={"Authorization": "Bearer nonsense"}).status_code == 401


def test_a_refusal_says_how_to_sign_in(client: httpx.Client) -> None:
    refused = client.get(SESSION)
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"] == "Bearer"
    assert "POST /api/v1/session" in refused.json()["error"]["message"]


FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://[bad"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "OWN"},
]


def _own(headers: dict[str, str], client: httpx.Client) -> dict[str, str]:
    return {name: str(client.base_url).rstrip("/") if value == "OWN" else value for name, value in headers.items()}


@pytest.mark.parametrize("headers", FOREIGN)
def test_another_sites_page_cannot_write_with_the_cookie(client: httpx.Client, headers: dict[str, str]) -> None:
    client.post(SESSION, json=SIGN_IN)
    assert client.post("/api/v1/conversations", json={}, headers=_own(headers, client)).status_code == 403
    assert client.post(SESSION, json=SIGN_IN, headers=_own(headers, client)).status_code == 403
    assert client.delete(SESSION, headers=_own(headers, client)).status_code == 403
    assert client.get("/api/v1/conversations").json()["items"] == []


@pytest.mark.parametrize("headers", [{}, {"Origin": "OWN"}, {"Sec-Fetch-Site": "same-origin"}])
def test_our_own_page_and_a_program_with_a_cookie_can_write(client: httpx.Client, headers: dict[str, str]) -> None:
    client.post(SESSION, json=SIGN_IN)
    assert client.post("/api/v1/conversations", json={}, headers=_own(headers, client)).status_code == 201


def test_a_bearer_token_needs_no_origin(signed_in: Callable[[str], httpx.Client]) -> None:
    assert signed_in("ann").post("/api/v1/conversations", json={}, headers={"Origin": "https://app.example"}).status_code == 201


def test_signing_in_on_the_page_ends_the_session_that_the_browser_had(portal: Portal, client: httpx.Client) -> None:
    tokens = []
    for name in ("ann", "bob"):
        found = portal.accounts.credentials(name)
        assert found is not None
        ticket = portal.sessions.issue_ticket(Proof(found.user))
        client.post("/api/v1/session/ticket", json={"ticket": ticket}).raise_for_status()
        tokens.append(client.cookies[SESSION_COOKIE])
    assert tokens[0] != tokens[1]
    assert portal.sessions.user(tokens[0]) is None and portal.sessions.user(tokens[1]) is not None
