from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import httpx

from bootstrap.portal import Portal, build_portal
from core.identity import totp
from core.people.audit_records import AuditFilter
from samples.fakes import FakePool, FakeRouter
from settings import Settings
from tests.unit.api.conftest import PASSWORD, PlainHasher, Server, client_of


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


def code_of(secret: str) -> str:
    """Return the app's code of now."""
    return totp.code_at(secret, totp.step_of(datetime.now(UTC)))


def test_it_is_set_up_renewed_and_turned_off(ann: httpx.Client, client: httpx.Client) -> None:
    path = "/api/v1/second-factor"
    assert ann.get(path).json() == {"on": False, "since": None, "recovery_codes_left": 0, "required": False}
    made = ann.post(path)
    assert made.status_code == 201 and made.json()["address"].startswith("otpauth://totp/")
    assert ann.get(path).json()["on"] is False, "not confirmed yet"
    assert ann.post(f"{path}/confirm", json={"code": "12"}).status_code == 422
    codes = ann.post(f"{path}/confirm", json={"code": code_of(made.json()["secret"])}).json()["recovery_codes"]
    state = ann.get(path).json()
    assert (state["on"], state["recovery_codes_left"], len(set(codes))) == (True, 10, 10)
    assert ann.post(path).status_code == 409
    renewed = ann.post(f"{path}/recovery-codes", json={"code": codes[0]}).json()["recovery_codes"]
    assert not set(renewed) & set(codes)
    assert ann.post(f"{path}/turn-off", json={"code": codes[1]}).status_code == 422, "an earlier recovery code"
    assert ann.post(f"{path}/turn-off", json={"code": renewed[0]}).status_code == 204
    assert ann.get(path).json()["on"] is False
    assert client.post("/api/v1/session", json={"username": "ann", "password": PASSWORD}).status_code == 200


def test_each_change_is_in_the_audit_log_without_codes(portal: Portal, ann: httpx.Client) -> None:
    path = "/api/v1/second-factor"
    secret = ann.post(path).json()["secret"]
    codes = ann.post(f"{path}/confirm", json={"code": code_of(secret)}).json()["recovery_codes"]
    ann.post(f"{path}/recovery-codes", json={"code": "000000000"})
    renewed = ann.post(f"{path}/recovery-codes", json={"code": codes[0]}).json()["recovery_codes"]
    ann.post(f"{path}/turn-off", json={"code": renewed[0]})
    ada = portal.accounts.credentials("ada")
    assert ada is not None
    events = [each.event for each in portal.audit.all(ada.user, AuditFilter()) if each.event.subject == "ann"]
    actions = [each.action for each in events if each.action.startswith(("factor.", "session.refuse_code"))]
    assert sorted(actions) == ["factor.add", "factor.remove", "factor.renew_codes", "session.refuse_code"]
    assert not any(secret in str(each) or codes[0] in str(each) or renewed[0] in str(each) for each in events)


def test_a_role_that_must_use_one_sets_it_up_over_rest(server: Server, empty_home: Path, tmp_path: Path) -> None:
    shutil.copytree(empty_home, tmp_path / "home")
    settings = Settings(home=tmp_path / "home", model_titles=False, second_factor_roles="analyst")
    portal = build_portal(settings, pool=FakePool(), router=FakeRouter(), hasher=PlainHasher())
    server.portal = portal
    with closing(client_of(server.address, "ann")) as ann:
        assert ann.get("/api/v1/conversations").status_code == 403
        assert ann.get("/api/v1/second-factor").json()["required"] is True
        secret = ann.post("/api/v1/second-factor").json()["secret"]
        codes = ann.post("/api/v1/second-factor/confirm", json={"code": code_of(secret)}).json()["recovery_codes"]
        assert ann.get("/api/v1/conversations").status_code == 200
        assert ann.post("/api/v1/second-factor/turn-off", json={"code": codes[0]}).status_code == 409
    portal.close()
