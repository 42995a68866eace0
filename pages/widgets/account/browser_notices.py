"""Choose whether browsers show notices outside the portal's pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.notices.records import NoticeChoices
from core.people.permissions import Permission, allows
from core.people.records import User
from pages.shell.words import t
from pages.widgets.common.script import component

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_allow = component("allow", file="notices.js", html="<div class='allow'></div>")


def browser_notices(portal: Portal, user: User) -> None:
    """Draw the choices."""
    if not allows(user, Permission.CHAT):
        return
    choices = portal.notices.choices(user)
    with st.container(key="browser-notices", gap="xsmall"):
        st.markdown(f"### {t('Notices')}", anchors=False)
        browser = st.toggle(t("Show notices of the portal in the browser, even on other websites"), choices.browser, key="notices-browser")
        titles = choices.titles
        if browser:
            titles = st.toggle(t("With the titles of chats"), choices.titles, key="notices-titles")
            words = {
                "allow": t("Allow in this browser"),
                "granted": t("This browser shows notices."),
                "denied": t("This browser blocks notices of the portal. Allow them in its settings for this address."),
                "missing": t("This browser shows notices only for addresses with https."),
            }
            _allow(key="allow", data=[words], height="content")
        chosen = NoticeChoices(browser=browser, titles=titles)
        if chosen != choices:
            portal.notices.choose(user, chosen)
            st.rerun()
