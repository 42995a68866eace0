"""Change what raters are asked after the thumb, and see the earlier versions of the form."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.people.records import User
from core.review.rating_forms import MAX_REASON, MAX_REASONS
from core.review.records import RatingForm
from pages.shell.live_part import dialog
from pages.shell.words import error_text, listed, t
from pages.widgets.chat.message import plain
from pages.widgets.rating.rating_words import reason_word

if TYPE_CHECKING:
    from bootstrap.portal import Portal


def edit_form(portal: Portal, user: User) -> None:
    """Ask for the next version of the form."""

    @dialog(t("Rating form"), width="medium")
    def ask() -> None:
        present = portal.rating_forms.current(user)
        st.caption(t("People are asked this after a thumb. All of it is optional; the thumb already counts."))
        poor = _reasons(t("Reasons for a poor rating"), present.poor_reasons, f"formpoor-{present.version}")
        good = _reasons(t("Reasons for a good rating"), present.good_reasons, f"formgood-{present.version}")
        st.caption(t("Type a reason and press Enter. At most {n} for each, of at most {most} characters.", n=MAX_REASONS, most=MAX_REASON))
        wanted = RatingForm(
            version=present.version,
            poor_reasons=poor,
            good_reasons=good,
            asks_score=st.checkbox(t("How usable was it, from 1 to 5"), present.asks_score, key="form-score"),
            asks_passage=st.checkbox(t("The passage that is meant"), present.asks_passage, key="form-passage"),
            asks_comment=st.checkbox(t("A comment"), present.asks_comment, key="form-comment"),
            asks_better_answer=st.checkbox(t("A better answer"), present.asks_better_answer, key="form-better"),
        )
        _history(portal, user, present)
        if st.button(t("Save form"), type="primary", shortcut="Ctrl+Enter", key="form-save"):
            try:
                saved = portal.rating_forms.save(user, wanted)
            except PortalError as problem:
                st.markdown(f":red[:material/error: {plain(error_text(problem))}]")
                return
            st.toast(t("People get version {n} of the form from now on.", n=saved.version), icon=":material/check:")
            st.rerun()

    ask()


def _reasons(label: str, present: tuple[str, ...], key: str) -> tuple[str, ...]:
    chosen = st.multiselect(
        label, list(present), list(present), format_func=reason_word, accept_new_options=True, placeholder=t("No reasons are asked"),
        key=key,
    )  # fmt: skip
    return tuple(chosen)


def _history(portal: Portal, user: User, present: RatingForm) -> None:
    """Draw the versions, folded. Ratings keep the version that they answered."""
    versions = portal.rating_forms.versions(user)
    if not versions:
        st.caption(t("This is the portal's own form. Nobody has changed it yet."))
        return
    with st.expander(t("Version {n}, earlier versions", n=present.version), type="compact"):
        for form in versions:
            when = form.saved_at.strftime("%Y-%m-%d %H:%M UTC") if form.saved_at else ""
            reasons = listed(reason_word(each) for each in (*form.poor_reasons, *form.good_reasons))
            st.markdown(f"**{form.version}** · {plain(form.saved_by or '')} :gray[{when}]  \n:small[:gray[{reasons}]]")
