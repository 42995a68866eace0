"""Make tables of answers sortable and savable, and show the language of code blocks. The browser does both."""

from __future__ import annotations

import streamlit as st

from pages.shell.words import t
from pages.widgets.common.script import component

_tools = component("answerTools", file="answers.js", html="<i></i>")


def answer_tools() -> None:
    with st.container(key="zero-answertools"):
        labels = {"sort": t("Sort by this column"), "copy": t("Copy"), "copied": t("Copied"), "file": f"{t('table')}.csv"}
        _tools(key="answer-tools", data=[labels], height=1)
