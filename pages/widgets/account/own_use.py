"""Usage of the user: answers of the last four weeks, and how much is left of the limits."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

import streamlit as st

from core.people.records import User
from pages.shell.words import t
from pages.widgets.boards.parts import bar_rows, sentence
from pages.widgets.chat.message import plain
from pages.widgets.common.card import card
from pages.widgets.common.formats import count, short_day
from pages.widgets.people.limits import left_words

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_WEEK = timedelta(days=7)


def own_use(portal: Portal, user: User) -> None:
    """Draw what this person used."""
    use = portal.own_usage.read(user)
    total = sum(each.answers for each in use.answers)
    if total:
        sentence(t("{count} answers in the last four weeks.", n=total, count=count(total)))
        with card("own-weeks", t("By week"), t("Answers in chats, tasks and programs. New ones are added up within a few minutes.")):
            firsts = [use.last - _WEEK * (weeks + 1) + timedelta(days=1) for weeks in range(4)]
            sums = [sum(each.answers for each in use.answers if first <= each.day < first + _WEEK) for first in firsts]
            spans = [t("{first} to {last}", first=short_day(first), last=short_day(first + _WEEK - timedelta(days=1))) for first in firsts]
            bar_rows([(span, float(value), count(value)) for span, value in zip(spans, sums, strict=True)])
        with card("own-models", t("By model"), t("In the same time")):
            models = Counter[str]()
            for each in use.answers:
                models[each.model] += each.answers
            bar_rows([(name, float(value), count(value)) for name, value in models.most_common(10)])
    else:
        st.caption(t("No answers in the last four weeks. New ones are added up within a few minutes."))
    _limits(portal, user)


def _limits(portal: Portal, user: User) -> None:
    states = portal.limits.states(user)
    with card("own-limits", t("Limits"), t("What is left for you, and for your group together")):
        if not states:
            st.caption(t("No limits apply to you."))
        for state in states:
            st.progress(min(1.0, state.used / state.rule.amount), plain(left_words(state)))
