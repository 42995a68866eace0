from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from bootstrap.portal import Portal
from core.people.sessions import SESSION_COOKIE
from data.tables import GenerationTable

HELLO = {"messages": [{"role": "user", "content": "Hi"}]}


def made(client: httpx.Client, *scopes: str, **more: object) -> dict[str, object]:
    answer = client.post("/api/v1/keys", json={"name": "script", "scopes": list(scopes or ("chat",)), **more})
    assert answer.status_code == 201, answer.text
    body: dict[str, object] = answer.json()
    return body


def test_a_key_is_shown_once_and_listed_without_its_secret(ann: httpx.Client) -> None:
    body = made(ann, "chat", "feedback", expires_in_days=None, requests_per_minute=30, tokens_per_minute=5000)
    key = body["key"]
    assert isinstance(key, dict)
    assert (key["scopes"], key["state"], key["expires_at"], key["requests_per_minute"]) == (["chat", "feedback"], "active", None, 30)
    listed = ann.get("/api/v1/keys")
    assert listed.json()["items"] == [key] and str(body["token"]) not in listed.text


@pytest.mark.parametrize("header", ["Authorization", "x-api-key"])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
def test_both_families_of_clients_send_a_key(ann: httpx.Client, client: httpx.Client, header: str, path: str) -> None:
    token = str(made(ann)["token"])
    headers = {header: f"Bearer {token}" if header == "Authorization" else token}
    assert client.post(path, json={"max_tokens": 9, **HELLO}, headers=headers).status_code == 200
    assert client.post(path, json={"max_tokens": 9, **HELLO}, headers={header: headers[header][:-1] + "x"}).status_code == 401


def test_a_key_in_the_cookie_opens_nothing(ann: httpx.Client, client: httpx.Client) -> None:
    client.cookies.set(SESSION_COOKIE, str(made(ann)["token"]))
    assert client.get("/api/v1/session").status_code == 401


def test_the_generation_row_names_the_key(portal: Portal, ann: httpx.Client, client: httpx.Client) -> None:
    body = made(ann)
    key = body["key"]
    assert isinstance(key, dict)
    headers = {"Authorization": f"Bearer {body['token']}"}
    client.post("/v1/chat/completions", json=HELLO, headers=headers).raise_for_status()
    client.post("/v1/embeddings", json={"input": "x"}, headers=headers).raise_for_status()
    ann.post("/v1/chat/completions", json=HELLO).raise_for_status()
    with portal.database.connect() as connection:
        noted = [row.key_id for row in connection.execute(GenerationTable.__table__.select().order_by(GenerationTable.created_at))]
    assert noted == [key["id"], key["id"], None]


def test_renaming_and_revoking(ann: httpx.Client, client: httpx.Client, signed_in: Callable[[str], httpx.Client]) -> None:
    body = made(ann)
    key = body["key"]
    assert isinstance(key, dict)
    path = f"/api/v1/keys/{key['id']}"
    assert ann.patch(path, json={"name": "weekly"}).json()["name"] == "weekly"
    assert signed_in("bob").delete(path).status_code == 404
    assert [each["owner"] for each in signed_in("ada").get("/api/v1/keys/all", params={"q": body["token"]}).json()["items"]] == ["ann"]
    assert signed_in("ada").delete(path).status_code == 204
    assert client.get("/v1/models", headers={"Authorization": f"Bearer {body['token']}"}).status_code == 401
    assert ann.get("/api/v1/keys").json()["items"][0]["state"] == "revoked"


def test_signing_out_with_a_key_says_how_to_revoke_it(ann: httpx.Client, client: httpx.Client) -> None:
    answer = client.delete("/api/v1/session", headers={"Authorization": f"Bearer {made(ann)['token']}"})
    assert answer.status_code == 422 and "DELETE /api/v1/keys/{key_id}" in answer.text


def test_a_scope_that_the_role_cannot_use_is_refused(ann: httpx.Client) -> None:
    answer = ann.post("/api/v1/keys", json={"name": "x", "scopes": ["usage"]})
    assert answer.status_code == 422 and "usage" in answer.json()["error"]["message"]
