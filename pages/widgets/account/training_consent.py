"""Let people decide whether their chats may be used to improve models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.people.permissions import Permission, allows
from core.people.records import User
from pages.shell.words import t

if TYPE_CHECKING:
    from bootstrap.portal import Portal


def training_consent(portal: Portal, user: User) -> None:
    """Draw the choice."""
    if not allows(user, Permission.CHAT):
        return
    consent = portal.training_consent.get(user)
    with st.container(key="training-consent", gap="xsmall"):
        st.markdown(f"### {t('Improving models')}", anchors=False)
        wanted = st.toggle(t("My chats may be used to improve models"), consent.agreed, key=f"training-{consent.agreed}")
        st.caption(t(
            "Only answers that you rated are used, with the chat before them. Your name and other personal data are masked. "
            "Temporary and deleted chats are never used."
        ))  # fmt: skip
        if not consent.own:
            st.caption(t("This is the default of your group. Your own choice replaces it."))
        elif st.button(t("Use the default of my group"), type="tertiary", key="training-default"):
            portal.training_consent.choose(user, None)
            st.rerun()
        if wanted != consent.agreed:
            portal.training_consent.choose(user, wanted)
            st.rerun()
