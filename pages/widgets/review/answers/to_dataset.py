"""Add a case to a dataset that takes its cases by a tag."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from core.people.permissions import Permission, allows
from core.people.records import User
from core.review.cases.changes import CaseChange
from core.review.cases.records import ReviewCase
from core.review.datasets.records import Dataset
from pages.shell.frame import open_page
from pages.shell.live_part import dialog
from pages.shell.words import t
from pages.widgets.chat.message import plain
from pages.widgets.review.case_words import state_word

if TYPE_CHECKING:
    from bootstrap.portal import Portal


def may_add_to_dataset(user: User, case: ReviewCase) -> bool:
    """Tell whether the case has an answer that a dataset can hold, and the person makes datasets."""
    return case.feedback.run_id is None and bool(case.feedback.answer) and allows(user, Permission.EXPORT)


def add_to_dataset(portal: Portal, user: User, case: ReviewCase, change: Callable[[CaseChange], bool]) -> None:
    """Ask for the dataset, and give the case its tag. change: changes the case, and shows an error in the dialog."""
    fitting = [each.dataset for each in portal.datasets.list(user) if _fits(each.dataset, case)]

    @dialog(t("Add to a dataset"))
    def ask() -> None:
        if not fitting:
            st.write(t("No dataset takes cases of this group and model by a tag. Choose a tag in the settings of a dataset first."))
            if st.button(t("Open Datasets"), type="primary", key="rvdata-open"):
                open_page("datasets")
            return
        named = {each.id: each for each in fitting}
        chosen = named[st.selectbox(t("Dataset"), list(named), format_func=lambda id: named[id].name, key=f"rvdata-{case.number}")]
        tag = chosen.settings.tag or ""
        if tag in case.tags:
            st.write(t("The case has the tag {tag} already.", tag=f"**{plain(tag)}**"))
        else:
            st.write(t("The case gets the tag {tag}.", tag=f"**{plain(tag)}**"))
        states = [each for each in chosen.settings.states if each is not case.state]
        if states and case.state not in chosen.settings.states:
            st.caption(t("The dataset takes only cases in these states: {states}.", states=", ".join(map(state_word, states))))
        st.caption(t("Its next version has the answer, if the person has agreed that chats improve models."))
        if tag not in case.tags and st.button(t("Add"), type="primary", shortcut="Ctrl+Enter", key="rvdata-go"):
            if change(CaseChange(add_tags=(tag,))):
                st.rerun()

    ask()


def _fits(dataset: Dataset, case: ReviewCase) -> bool:
    settings, rating = dataset.settings, case.feedback
    return bool(settings.tag) and settings.group in (None, rating.group) and settings.model in (None, rating.model)
