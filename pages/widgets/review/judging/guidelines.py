"""The guidelines: folded beside a case for reviewers, and a dialog for those who write them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.people.records import User
from core.review.judging.records import MAX_GUIDELINES_LENGTH, Guidelines
from pages.shell.live_part import dialog
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain, show

if TYPE_CHECKING:
    from bootstrap.portal import Portal


def guidelines_beside(portal: Portal, user: User) -> None:
    """Draw the guidelines, folded. Draws nothing if there are none."""
    found = portal.review_guidelines.current(user)
    if found is None or not found.text:
        return
    with st.expander(t("Guidelines"), type="compact", key="rvguidelines"):
        show(found.text)
        st.caption(plain(_saved(found)))


def edit_guidelines(portal: Portal, user: User) -> None:
    """Ask for the next version of the guidelines."""

    @dialog(t("Guidelines for reviewers"), width="large")
    def ask() -> None:
        versions = portal.review_guidelines.versions(user)
        shown = _chosen(versions)
        newest = versions[0].version if versions else 0
        key = f"guidelines-{newest}-{shown.version if shown else 0}"
        write, look = st.tabs([t("Write"), t("Preview")])
        with write:
            text = st.text_area(
                t("Guidelines"), shown.text if shown else "", max_chars=MAX_GUIDELINES_LENGTH, height=320, key=key,
                label_visibility="collapsed", placeholder=t("What a good answer is here, and which cases need care. Markdown works."),
            )  # fmt: skip
        with look, st.container(height=336, border=False):
            if text.strip():
                show(text)
            else:
                st.caption(t("There is no text."))
        st.caption(t("Reviewers read them beside each case. Each judgement keeps the version that it was made under."))
        if st.button(t("Save as version {number}", number=newest + 1), type="primary", shortcut="Ctrl+Enter", key="guidelines-go"):
            try:
                portal.review_guidelines.save(user, text, newest)
            except PortalError as problem:
                st.markdown(f":red[:material/error: {plain(error_text(problem))}]")
                return
            st.rerun()

    ask()


def _chosen(versions: Sequence[Guidelines]) -> Guidelines | None:
    """Draw the choice of a version to begin with, and return it."""
    if not versions:
        return None
    if len(versions) == 1:
        st.caption(plain(_saved(versions[0])))
        return versions[0]
    return st.selectbox(t("Begin with"), versions, format_func=_saved, key=f"guidelines-version-{versions[0].version}")


def _saved(found: Guidelines) -> str:
    """Say which version it is, who saved it and when."""
    return t("Version {number} by {name}, {when}", number=found.version, name=found.author_name, when=f"{found.saved_at:%Y-%m-%d}")
