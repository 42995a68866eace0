"""Sign in through a real OpenID Connect provider."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from api.portal.people.oidc import KEPT_COOKIE
from bench.portal_parts.tls import TLS
from bootstrap.portal import Portal, build_portal
from core.people.records import Role
from samples.fakes import FakePool, FakeRouter
from samples.servers.oidc_provider import OidcServer
from settings import Settings, pairs
from tests.unit.api.conftest import PlainHasher, Server

START = "/api/v1/oidc/start"
LOGOUT = "/api/v1/oidc/back-channel-logout"


@pytest.fixture(scope="module")
def provider(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OidcServer]:
    made = OidcServer(server.address, tmp_path_factory.mktemp("oidc"))
    yield made
    made.close()


@pytest.fixture
def sso(tmp_path: Path, server: Server, provider: OidcServer) -> Iterator[Portal]:
    settings = Settings(
        home=tmp_path / "home", public_url=server.address, oidc_issuer=provider.issuer, oidc_client_id=provider.client_id,
        oidc_client_secret=provider.client_secret, oidc_name="Company", identity_roles="portal-admins=admin;leads=manager",
        identity_groups="risk=Risk",
    )  # fmt: skip
    server.portal = build_portal(settings, pool=FakePool(), router=FakeRouter(), hasher=PlainHasher())
    server.portal.accounts.add(None, "root", Role.ADMIN, password="correct horse")
    provider.people = {"eva": {"preferred_username": "Eva", "name": "Eva Lin", "groups": ["risk", "leads"]}}
    provider.save()
    yield server.portal
    server.portal.close()


@pytest.fixture
def browser(server: Server, sso: Portal) -> Iterator[httpx.Client]:
    with httpx.Client(verify=TLS, timeout=60) as client:
        yield client


def came_back(server: Server, provider: OidcServer, browser: httpx.Client, login: str = "eva") -> httpx.Response:
    return browser.get(provider.sign_in(browser, server.address + START, login))


def me(server: Server, browser: httpx.Client) -> httpx.Response:
    return browser.get(f"{server.address}/api/v1/session")


def test_a_first_sign_in_makes_the_account_with_role_and_group(
    server: Server, provider: OidcServer, sso: Portal, browser: httpx.Client
) -> None:
    answer = came_back(server, provider, browser)
    assert answer.status_code == 200 and 'url=/"' in answer.text
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie
    found = me(server, browser).json()
    assert (found["name"], found["full_name"], found["role"], found["group"]) == ("eva", "Eva Lin", "manager", "Risk")


def test_the_next_sign_in_takes_over_what_changed_there(
    server: Server, provider: OidcServer, sso: Portal, browser: httpx.Client
) -> None:
    came_back(server, provider, browser)
    first = me(server, browser).json()
    provider.people["eva"] = {"preferred_username": "eva2", "name": "Eva Wang", "groups": []}
    provider.save()
    with httpx.Client(verify=TLS, timeout=60) as later:
        came_back(server, provider, later)
        found = me(server, later).json()
    assert (found["id"], found["name"], found["full_name"]) == (first["id"], "eva", "Eva Wang")
    assert (found["role"], found["group"]) == ("analyst", "")


def test_nobody_takes_over_an_account_by_its_name(server: Server, provider: OidcServer, sso: Portal, browser: httpx.Client) -> None:
    provider.people["eva"]["preferred_username"] = "root"
    provider.save()
    answer = came_back(server, provider, browser)
    assert answer.status_code == 401 and "Another account is named root" in answer.text
    assert me(server, browser).status_code == 401


def test_a_disabled_account_stays_out(server: Server, provider: OidcServer, sso: Portal, browser: httpx.Client) -> None:
    came_back(server, provider, browser)
    sso.accounts.change(None, "eva", active=False)
    with httpx.Client(verify=TLS, timeout=60) as later:
        assert came_back(server, provider, later).status_code == 401


@pytest.mark.parametrize("part", [0, 1, 2], ids=["state", "nonce", "verifier"])
def test_a_sign_in_that_another_browser_began_is_refused(
    part: int, server: Server, provider: OidcServer, sso: Portal, browser: httpx.Client
) -> None:
    address = provider.sign_in(browser, server.address + START, "eva")
    kept = browser.cookies[KEPT_COOKIE].split(".")
    kept[part] = kept[part][::-1]
    browser.cookies.clear()
    answer = browser.get(address, headers={"Cookie": f"{KEPT_COOKIE}={'.'.join(kept)}"})
    assert answer.status_code == 401 and me(server, browser).status_code == 401


def test_a_code_opens_one_session(server: Server, provider: OidcServer, sso: Portal, browser: httpx.Client) -> None:
    address = provider.sign_in(browser, server.address + START, "eva")
    kept = browser.cookies[KEPT_COOKIE]
    assert browser.get(address).status_code == 200
    assert httpx.get(address, headers={"Cookie": f"{KEPT_COOKIE}={kept}"}, timeout=60).status_code == 401


def test_logging_out_at_the_provider_ends_the_session_here(
    server: Server, provider: OidcServer, sso: Portal, browser: httpx.Client
) -> None:
    came_back(server, provider, browser)
    assert me(server, browser).status_code == 200
    provider.log_out(browser)
    until = time.monotonic() + 60
    while me(server, browser).status_code != 401:
        assert time.monotonic() < until
        time.sleep(0.1)


def forged(provider: OidcServer, **changes: object) -> dict[str, object]:
    claims: dict[str, object] = {
        "iss": provider.issuer, "aud": provider.client_id, "sub": "eva", "iat": int(time.time()), "exp": int(time.time()) + 60, "jti": "1",
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    }  # fmt: skip
    return claims | changes


@pytest.mark.parametrize(
    "sign",
    [
        lambda claims: jwt.encode({"alg": "RS256", "kid": "keystore-CHANGE-ME"}, claims, RSAKey.generate_key(2048)),
        lambda claims: "eyJhbGciOiJub25lIn0.eyJzdWIiOiJldmEifQ.",
        lambda claims: "",
    ],
    ids=["another key", "no signature", "nothing"],
)
def test_a_forged_logout_ends_nothing(
    sign: Callable[[object], str], server: Server, provider: OidcServer, sso: Portal, browser: httpx.Client
) -> None:
    came_back(server, provider, browser)
    assert httpx.post(server.address + LOGOUT, data={"logout_token": sign(forged(provider))}, timeout=60).status_code == 422
    assert me(server, browser).status_code == 200


def test_without_the_provider_the_sign_in_says_so(server: Server, sso: Portal, browser: httpx.Client) -> None:
    settings = Settings(
        home=sso.settings.home.with_name("other"), public_url=server.address, oidc_issuer="http://127.0.0.1:9", oidc_client_id="x",
        oidc_client_secret="y",
    )  # fmt: skip
    away = build_portal(settings, pool=FakePool(), router=FakeRouter(), hasher=PlainHasher())
    server.portal = away
    answer = browser.get(server.address + START)
    server.portal = sso
    away.close()
    assert answer.status_code == 503 and "does not answer" in answer.text


def test_names_of_groups_may_contain_the_sign_between_them() -> None:
    assert pairs("cn=admins,dc=x=admin; leads = manager ;") == (("cn=admins,dc=x", "admin"), ("leads", "manager"))
