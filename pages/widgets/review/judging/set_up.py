"""The menu of those who set up the review."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.people.permissions import Permission, allows
from core.people.records import User
from pages.shell.words import t
from pages.widgets.rating.form_editor import edit_form
from pages.widgets.review.judging.guidelines import edit_guidelines
from pages.widgets.review.judging.question_editor import edit_questions

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_FORM, _GUIDELINES, _QUESTIONS = "form", "guidelines", "questions"


def set_up_menu(portal: Portal, user: User) -> None:
    """Draw the menu, for people who may set up the review."""
    if not allows(user, Permission.SET_UP_REVIEW):
        return
    words = {_FORM: t("Rating form"), _GUIDELINES: t("Guidelines for reviewers"), _QUESTIONS: t("Questions for reviewers")}
    picked = st.menu_button(t("Set up"), list(words), format_func=words.__getitem__, icon=":material/tune:", type="tertiary", key="rvsetup")
    if picked == _FORM:
        edit_form(portal, user)
    elif picked == _GUIDELINES:
        edit_guidelines(portal, user)
    elif picked == _QUESTIONS:
        edit_questions(portal, user)
