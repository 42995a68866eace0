"""The user's second factor: set it up with an authenticator app, keep the recovery codes, turn it off."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

import segno
import streamlit as st

from core.errors import PortalError
from core.identity.second_factor import Setup
from core.people.records import User
from pages.shell import frame
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.requests import carried_out, first_values

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_SETUP, _CODES = "second-factor-setup", "second-factor-codes"


def second_factor(portal: Portal, user: User) -> None:
    """Draw the card of the second factor."""
    state = portal.second_factors.state(user)
    st.markdown(f"### {t('Second factor')}", anchors=False)
    setup = st.session_state.get(_SETUP)
    if state.confirmed_at is not None:
        since = t("On since {day}.", day=f"{state.confirmed_at:%Y-%m-%d}")
        st.caption(f"{since} {t('{n} recovery codes are left.', n=state.codes_left)}")
        _change(portal, user, required=state.required)
    elif setup is not None:
        _confirm(portal, user, setup)
    else:
        st.caption(t("Signing in then also needs a code from an app on your phone."))
        if st.button(t("Set up"), key="factor-set-up"):
            _do(lambda: _begin(portal, user))


def enrol(portal: Portal, user: User) -> None:
    """Draw the page of a user who must set up a second factor first."""
    with st.container(key="login", horizontal_alignment="center"), st.container(width=420, gap="small"):
        st.image(frame.logo(), alt="GLM Portal", width=132)
        st.markdown(t("Your role must use a second factor. Set it up now; everything else opens after that."))
        second_factor(portal, user)


def codes_to_keep() -> bool:
    """Draw new recovery codes alone on the page. Return False if there are none."""
    codes = st.session_state.get(_CODES)
    if not codes:
        return False
    with st.container(key="login", horizontal_alignment="center"), st.container(width=420, gap="small"):
        st.markdown(f"### {t('Recovery codes')}", anchors=False)
        st.markdown(t("Each signs you in once if you lose your phone. Keep them in a safe place; they are shown only now."))
        st.code("\n".join(codes), language=None)
        st.button(t("I have saved them"), type="primary", key="factor-saved", on_click=lambda: st.session_state.pop(_CODES, None))
    return True


def has_codes_to_keep() -> bool:
    """Tell whether there are new recovery codes to show."""
    return bool(st.session_state.get(_CODES))


def _begin(portal: Portal, user: User) -> None:
    st.session_state[_SETUP] = portal.second_factors.set_up(user)


def _confirm(portal: Portal, user: User, setup: Setup) -> None:
    picture = io.BytesIO()
    segno.make(setup.address, error="m").save(picture, kind="png", scale=5, border=3)
    st.markdown(t("Scan this with an authenticator app, or type the key into it."))
    st.image(picture.getvalue(), alt=t("QR code with the key for the authenticator app"), width=220)
    st.code(setup.secret, language=None, wrap_lines=True)
    with st.form("factor-confirm", border=False):
        code = st.text_input(t("Code of the app"), max_chars=20, autocomplete="one-time-code", key="factor-code")
        sent = st.form_submit_button(t("Turn on"), type="primary")
    if sent:
        _do(lambda: _keep(portal.second_factors.confirm(user, code)))


def _change(portal: Portal, user: User, *, required: bool) -> None:
    first_values("factor-change", {"factor-code": ""})
    with st.form("factor-change", border=False):
        code = st.text_input(t("Code of the app, or a recovery code"), max_chars=40, autocomplete="one-time-code", key="factor-code")
        with st.container(horizontal=True, gap="xsmall"):
            renew = st.form_submit_button(t("New recovery codes"))
            off = not required and st.form_submit_button(t("Turn off"))
    if renew:
        _do(lambda: _keep(portal.second_factors.renew_codes(user, code)))
    elif off:
        _do(lambda: portal.second_factors.turn_off(user, code))


def _keep(codes: object) -> None:
    st.session_state.pop(_SETUP, None)
    st.session_state[_CODES] = codes


def _do(action: Callable[[], object]) -> None:
    try:
        action()
        carried_out("factor-change")
    except PortalError as problem:
        st.error(plain(error_text(problem)), icon=":material/error:")
    else:
        st.rerun()
