"""Make tables of answers sortable and savable, and show the language of code blocks. The browser does both."""

from __future__ import annotations

import streamlit as st

from pages.shell.words import t
from pages.widgets.common.script import component

_DRAWN_LATE = "$a$\n\n```python\na = 1\n```"
"""Streamlit loads what draws formulas and code when a page has the first of them, and hides the whole text meanwhile."""

_tools = component("answerTools", file="answers.js", html="<i></i>")


def answer_tools() -> None:
    with st.container(key="zero-answertools"):
        labels = {"sort": t("Sort by this column"), "copy": t("Copy"), "copied": t("Copied"), "file": f"{t('table')}.csv"}
        st.markdown(_DRAWN_LATE)
        _tools(key="answer-tools", data=[labels], height=1)
