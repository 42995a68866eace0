"""Reach the portal in every way: with a bearer token, with a cookie as a browser does, and with an API key."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from bench.portal_parts.tls import TLS
from core.people.records import Scope
from tests.unit.api.conftest import PASSWORD

OTHERS = {"bob": "analyst", "rita": "reviewer", "max": "manager", "ada": "admin"}


@contextmanager
def by_bearer(address: str, name: str) -> Iterator[httpx.Client]:
    with httpx.Client(verify=TLS, base_url=address, timeout=60) as client:
        token = client.post("/api/v1/session", json={"username": name, "password": PASSWORD}).json()["token"]
        client.cookies.clear()
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


@contextmanager
def by_cookie(address: str, name: str) -> Iterator[httpx.Client]:
    with httpx.Client(verify=TLS, base_url=address, timeout=60, headers={"Origin": address}) as client:
        assert client.post("/api/v1/session", json={"username": name, "password": PASSWORD}).cookies
        yield client


@contextmanager
def by_key(address: str, name: str) -> Iterator[httpx.Client]:
    with by_bearer(address, name) as person:
        role = OTHERS.get(name, "analyst")
        scopes = list(Scope) if role == "admin" else [Scope.CHAT, Scope.FEEDBACK]
        made = person.post("/api/v1/keys", json={"name": "all", "scopes": scopes})
        assert made.status_code == 201, made.text
        with httpx.Client(verify=TLS, base_url=address, timeout=60, headers={"Authorization": f"Bearer {made.json()['token']}"}) as client:
            yield client


WAYS = {"bearer": by_bearer, "cookie": by_cookie, "key": by_key}
