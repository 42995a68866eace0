"""The sign-in page. streamlit-authenticator draws the form; the portal itself checks the password and handles session and cookies."""

from __future__ import annotations

import time
from html import escape
from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit_authenticator import Authenticate
from streamlit_authenticator.controllers import AuthenticationController

from core.errors import NotSignedIn, PortalError
from core.people.accounts import normal_name
from core.people.sessions import CODE_NEEDED, Proof
from core.people.signing_in.devices import DEVICE_COOKIE
from core.people.signing_in.sign_in import HERE, WRONG, Caller, SignIn
from pages.shell import frame
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.cookie import take_cookie

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_STATUS = "authentication_status"
_TICKET, _WAITING = "sign_in_ticket", "sign_in_waiting"
CODE_WITHIN_S = 300.0
"""Seconds within which the second factor must follow a correct password."""


def render(portal: Portal) -> None:
    """Draw the form, or, after a correct password, exchange the ticket for the cookie."""
    with st.container(key="login", horizontal_alignment="center"), st.container(width=352, key="loginbox", gap="small"):
        st.image(frame.logo(), alt="GLM Portal", width=132)
        message = ""
        if ticket := st.session_state.get(_TICKET):
            if not take_cookie(ticket):
                st.caption(t("Signing in"))
                return
            _forget()
            message = t("This sign-in has expired. Sign in again.")
        if waiting := _waiting():
            _ask_for_code(portal, waiting, message)
            return
        try:
            proof = _ask(portal.sign_in)
        except PortalError as problem:
            proof, message = None, plain(error_text(problem))
        else:
            if proof is not None:
                _go_on(portal, proof)
            if st.session_state.get(_STATUS) is False:
                message = t(WRONG)
        if message:
            st.error(message, icon=":material/error:")
        if name := portal.single_sign_on.name:
            words = escape(t("Sign in with {name}", name=t(name)))
            st.html(f"<a class='ssolink' href='/api/v1/oidc/start' target='_self'>{words}</a>")
        st.caption(t("Use your company account. Conversations stay inside the company; reviewers may read an answer that you rate."))


def _ask(sign_in: SignIn) -> Proof | None:
    """Draw the form; return proof of a correct password, else None. Raises Busy after too many wrong passwords."""
    form = _Form(sign_in)
    form.login(
        fields={"Form name": t("Sign in"), "Username": t("User name"), "Password": t("Password"), "Login": t("Sign in")},
        key="sign-in",
    )
    return form.proof


def _go_on(portal: Portal, proof: Proof) -> None:
    """Ask for the second factor if the account has one; else let the browser fetch its cookie."""
    if not proof.second_factor and portal.second_factors.needed(proof.user):
        st.session_state[_WAITING] = proof, time.monotonic() + CODE_WITHIN_S
    else:
        st.session_state.pop(_WAITING, None)
        st.session_state[_TICKET] = portal.sessions.issue_ticket(proof)
    st.rerun()


def _waiting() -> Proof | None:
    """Return the proof of a correct password that waits for its second factor; None if there is none."""
    proof, until = st.session_state.get(_WAITING, (None, 0.0))
    if proof is None or time.monotonic() > until:
        st.session_state.pop(_WAITING, None)
        return None
    found: Proof = proof
    return found


def _ask_for_code(portal: Portal, proof: Proof, message: str) -> None:
    with st.form("second-factor", border=True):
        st.markdown(f"### {t('Second factor')}", anchors=False)
        code = st.text_input(t("Code"), max_chars=40, autocomplete="one-time-code", help=t(CODE_NEEDED), key="second-factor-code")
        sent = st.form_submit_button(t("Continue"), type="primary")
    st.button(t("Back"), type="tertiary", key="second-factor-back", on_click=_forget)
    if sent:
        try:
            proven = portal.second_factors.prove(proof, code)
        except PortalError as problem:
            message = plain(error_text(problem))
        else:
            _go_on(portal, proven)
    if message:
        st.error(message, icon=":material/error:")


def _forget() -> None:
    for key in (_TICKET, _WAITING, _STATUS, "username", "name"):
        st.session_state.pop(key, None)


class _Form(Authenticate):
    """The library's form without the library's cookie (readable by scripts, not revocable) and without its pause."""

    def __init__(self, sign_in: SignIn) -> None:
        # super().__init__() is not called: it would put a cookie reader into the page.
        self.path = None
        self.api_key = None
        self.attrs = {"login_sleep_time": 0}
        self.cookie_controller = _NoCookie()
        self._check = self.authentication_controller = _Check(sign_in)

    @property
    def proof(self) -> Proof | None:
        return self._check.proof


class _NoCookie:
    def get_cookie(self) -> None:
        return None

    def set_cookie(self) -> None:
        return None


class _Check(AuthenticationController):
    """The portal's own password check. The library's would strip the password and compute the hash in the page's thread."""

    def __init__(self, sign_in: SignIn) -> None:
        super().__init__({"usernames": {}}, auto_hash=False)
        self._sign_in = sign_in
        self.proof: Proof | None = None

    def login(self, username: str | None = None, password: str | None = None, *_: Any, **__: Any) -> bool:
        caller = Caller(st.context.ip_address or HERE, st.context.cookies.get(DEVICE_COOKIE))
        try:
            self.proof = self._sign_in.check(normal_name(username or ""), password or "", caller)
        except NotSignedIn:
            self.proof = None
        st.session_state[_STATUS] = self.proof is not None
        return self.proof is not None
