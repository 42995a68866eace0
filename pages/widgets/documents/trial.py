"""Try a question on a collection: the passages that an answer would read, with their scores."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from core.documents.records import Collection, Finding
from core.errors import PortalError
from core.people.records import User
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.card import card
from pages.widgets.common.formats import milliseconds
from pages.widgets.documents.words import location, score

if TYPE_CHECKING:
    from bootstrap.portal import Portal

SHOWN_CHARS = 280
_HEADINGS = re.compile(r"^#{1,6} .*$", re.MULTILINE)
"""A passage's heading stands below it."""


def trial(portal: Portal, user: User, collection: Collection) -> None:
    with card("trial", t("Try a question"), t("What an answer would read. Nothing is stored.")):
        question = st.text_input(
            t("Question"), placeholder=t("When may we end the contract early?"), label_visibility="collapsed", max_chars=1_000,
            key=f"trial-{collection.id}", autocomplete="off",
        )  # fmt: skip
        if not (question or "").strip():
            return
        try:
            found = portal.finder.find(user, [collection.id], question)
        except PortalError as problem:
            st.markdown(f":red[:material/error: {plain(error_text(problem))}]")
            return
        _passages(found)


def _passages(found: Finding) -> None:
    if not found.passages:
        title, reason = t("Not in these documents."), t("No passage contains a word of the question.")
        if found.best:
            reason = t("The best passage scores {best}, the limit is {limit}.", best=score(found.best), limit=score(found.limit))
        st.html(f"<p class='file'><b>{escape(title)}</b> {escape(reason)}</p>")
        return
    rows = "".join(
        f"<li><span>{escape(_short(each.text))}</span><b>{score(each.score)}</b>"
        f"<small>{escape(each.document)}, {escape(location(each))}</small></li>"
        for each in found.passages
    )
    st.html(f"<ol class='passages'>{rows}</ol><p class='file'>{escape(_way(found))}, {escape(milliseconds(found.seconds))}</p>")


def _way(found: Finding) -> str:
    """Say how the passages were found."""
    way = t("By words and meaning") if found.by_meaning else t("By words")
    return f"{way}, {t('then reranked')}" if found.reranked else way


def _short(text: str) -> str:
    line = " ".join(_HEADINGS.sub("", text).split())
    return line if len(line) <= SHOWN_CHARS else line[:SHOWN_CHARS].rstrip() + " …"
