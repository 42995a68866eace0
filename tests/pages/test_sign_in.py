from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest
from streamlit_authenticator.views import authentication_view

from core.identity import totp
from core.people.records import Role
from core.people.signing_in.attempts import MAX_BY_NAME
from core.people.signing_in.devices import DEVICE_COOKIE
from data.passwords import Argon2Hasher
from pages.widgets.chat.message import plain
from tests.pages.drawn import PASSWORD, House, build, home


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    # AppTest makes up a cookie for every name, and an address.
    monkeypatch.setattr("streamlit.runtime.context.ContextProxy.cookies", property(lambda _: {}))
    monkeypatch.setattr("streamlit.runtime.context.ContextProxy.ip_address", property(lambda _: "198.51.100.7"))
    made = build(tmp_path, Argon2Hasher(1, 8))
    yield made
    made.portal.close()


def sign_in(drawn: AppTest, name: str, password: str) -> AppTest:
    drawn.text_input[0].set_value(name)
    drawn.text_input[1].set_value(password)
    return drawn.button[0].click().run()


def tickets(house: House) -> int:
    return house.portal.sessions.tickets


def test_the_right_password_gives_a_ticket_to_trade_for_the_cookie(house: House) -> None:
    drawn = sign_in(home(house, None), " Analyst ", PASSWORD)
    assert not drawn.exception and not drawn.error
    assert "Signing in" in [each.value for each in drawn.caption] and not drawn.text_input
    token = house.portal.sessions.redeem_ticket(drawn.session_state["sign_in_ticket"])
    assert house.portal.sessions.user(token) == house.person(Role.ANALYST)
    assert house.person(Role.ANALYST).last_seen_at is not None


@pytest.mark.parametrize("name", ["analyst", "nobody", "", "analyst\0"])
def test_a_wrong_password_and_an_unknown_name_read_the_same(house: House, name: str) -> None:
    drawn = sign_in(home(house, None), name, "wrong")
    assert not drawn.exception
    assert [each.value for each in drawn.error] == ["Name and password do not match. Check both and try again."]
    assert tickets(house) == 0


def test_a_password_keeps_its_outer_spaces_and_its_length(house: House) -> None:
    house.portal.accounts.reset_password(None, "analyst", "  spaces around  ")
    assert sign_in(home(house, None), "analyst", "spaces around").error
    assert not sign_in(home(house, None), "analyst", "  spaces around  ").error
    assert sign_in(home(house, None), "analyst", "x" * 5000).error


def test_too_many_wrong_passwords_lock_for_minutes_even_the_right_one(house: House) -> None:
    for _ in range(MAX_BY_NAME):
        sign_in(home(house, None), "analyst", "wrong")
    drawn = sign_in(home(house, None), "analyst", PASSWORD)
    assert [each.value for each in drawn.error] == [plain("Too many wrong passwords. Try again in 5 min.")]
    assert tickets(house) == 0


def test_a_disabled_account_cannot_sign_in(house: House) -> None:
    house.portal.accounts.change(None, "analyst", active=False)
    assert sign_in(home(house, None), "analyst", PASSWORD).error
    assert tickets(house) == 0


def test_the_form_is_there_without_the_pause_of_the_library(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(authentication_view, "time", SimpleNamespace(sleep=pauses.append))
    home(house, None)
    assert pauses == [0]


def test_the_library_puts_no_cookie_of_its_own_into_the_page(house: House) -> None:
    drawn = sign_in(home(house, None), "analyst", PASSWORD)
    assert not drawn.get("component_instance")


def test_a_browser_that_is_known_is_not_locked_out_by_others(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    known = house.portal.devices.remember(house.person(Role.ANALYST), None)
    for _ in range(MAX_BY_NAME):
        sign_in(home(house, None), "analyst", "wrong")
    assert sign_in(home(house, None), "analyst", PASSWORD).error
    monkeypatch.setattr("streamlit.runtime.context.ContextProxy.cookies", property(lambda _: {DEVICE_COOKIE: known}))
    assert not sign_in(home(house, None), "analyst", PASSWORD).error
    assert tickets(house) == 1


def test_an_account_with_a_second_factor_is_asked_for_its_code_after_the_password(house: House) -> None:
    analyst = house.person(Role.ANALYST)
    secret = house.portal.second_factors.set_up(analyst).secret
    codes = house.portal.second_factors.confirm(analyst, totp.code_at(secret, totp.step_of(datetime.now(UTC))))
    drawn = sign_in(home(house, None), "analyst", PASSWORD)
    assert not drawn.exception and tickets(house) == 0
    drawn.text_input(key="second-factor-code").set_value("wrong")
    drawn.button[0].click().run()
    assert drawn.error and tickets(house) == 0
    drawn.text_input(key="second-factor-code").set_value(codes[0])
    drawn.button[0].click().run()
    assert not drawn.error
    token = house.portal.sessions.redeem_ticket(drawn.session_state["sign_in_ticket"])
    assert house.portal.sessions.user(token) == house.person(Role.ANALYST)


def test_who_must_set_up_a_second_factor_sees_nothing_else(house: House) -> None:
    drawn = home(house, replace(house.person(Role.ADMIN), must_enrol=True))
    assert not drawn.exception and drawn.button(key="factor-set-up")
    assert not any("nav" in (each.key or "") for each in drawn.button) and len(drawn.button) == 1
