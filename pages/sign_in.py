"""The sign-in page: streamlit-authenticator draws the form and checks the password; session, lock and cookie are the portal's own."""

from __future__ import annotations

import secrets
from functools import cache
from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit_authenticator import Authenticate, Hasher
from streamlit_authenticator.controllers import AuthenticationController
from streamlit_authenticator.models import AuthenticationModel

from core.errors import PortalError
from core.people.accounts import Accounts, normal_name
from core.people.records import User
from pages.shell import frame
from pages.shell.words import said, t
from pages.widgets.common.cookie import take_cookie

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_STATUS = "authentication_status"
_TICKET = "sign_in_ticket"
_PASSWORD_BYTES = 72
"""Where bcrypt stops reading; a longer password cannot be right."""


def render(portal: Portal) -> None:
    """The form, or, with the password found right, the exchange of the ticket for the cookie."""
    with st.container(key="login", horizontal_alignment="center"), st.container(width=352, key="loginbox", gap="small"):
        st.image(frame.logo(), width=132)
        message = ""
        if ticket := st.session_state.get(_TICKET):
            if not take_cookie(ticket):
                st.caption(t("Signing in"))
                return
            _forget()
            message = t("This sign-in has expired. Sign in again.")
        try:
            user = _ask(portal.accounts)
        except PortalError as problem:
            user, message = None, said(problem)
        else:
            if user is not None:
                st.session_state[_TICKET] = portal.sessions.issue_ticket(user)
                st.rerun()
            if st.session_state.get(_STATUS) is False:
                message = t("Name and password do not match. Check both and try again.")
        if message:
            st.error(message, icon=":material/error:")
        st.caption(t("Use your company account. Conversations stay inside the company; reviewers may read an answer that you rate."))


def _ask(accounts: Accounts) -> User | None:
    """Draw the form. The person whose password was right, or None. Raises Busy while the account is locked."""
    form = _Form(accounts)
    form.login(
        fields={"Form name": t("Sign in"), "Username": t("User name"), "Password": t("Password"), "Login": t("Sign in")},
        key="sign-in",
    )
    if not st.session_state.get(_STATUS):
        return None
    return accounts.record_success(st.session_state["username"])


def _forget() -> None:
    for key in (_TICKET, _STATUS, "username", "name"):
        st.session_state.pop(key, None)


class _Form(Authenticate):
    """The library's form without the library's cookie (readable by scripts, not revocable) and without its pause."""

    def __init__(self, accounts: Accounts) -> None:
        # Not super(): it would put a cookie reader into the page.
        self.path = None
        self.api_key = None
        self.attrs = {"login_sleep_time": 0}
        self.cookie_controller = _NoCookie()
        self.authentication_controller = _Check(accounts)


class _NoCookie:
    def get_cookie(self) -> None:
        return None

    def set_cookie(self) -> None:
        return None


class _Check(AuthenticationController):
    def __init__(self, accounts: Accounts) -> None:
        super().__init__({"usernames": {}}, auto_hash=False)
        self.authentication_model = _OneName(accounts)

    def login(self, username: str | None = None, password: str | None = None, *_: Any, **__: Any) -> bool:
        # The library's own strips the password, which then would differ from the one that was set.
        right = self.authentication_model.login(normal_name(username or ""), password or "")
        st.session_state[_STATUS] = bool(right)
        return bool(right)


class _OneName(AuthenticationModel):
    """Knows the account whose name was typed and no other."""

    def __init__(self, accounts: Accounts) -> None:
        super().__init__({"usernames": {}}, auto_hash=False)
        self._accounts = accounts

    def check_credentials(self, username: str, password: str) -> bool:
        self._accounts.check_not_locked(username)
        found = self._accounts.credentials(username)
        # An unknown name is checked against a hash too: the time taken does not tell which names exist.
        known = {"password": found.password_hash if found else _decoy(), "name": username}
        self.credentials = {"usernames": {username: known}}
        right = len(password.encode()) <= _PASSWORD_BYTES and bool(super().check_credentials(username, password))
        if not right:
            self._accounts.record_failure(username)
        return right and found is not None


@cache
def _decoy() -> str:
    return str(Hasher.hash(secrets.token_urlsafe(12)))
