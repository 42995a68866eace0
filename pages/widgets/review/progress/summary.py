"""The sentence and the figures on top of the page Review progress."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import streamlit as st

from core.review.progress.records import ProgressReport, Spread
from pages.shell.words import t
from pages.widgets.common.formats import age, count


def sentence(report: ProgressReport) -> str:
    """Return what happened, as Markdown: the result in bold, then why."""
    n = len(report.days)
    words = t("**{opened} complaints came in and {closed} were closed in {n} days.**", opened=count(report.opened),
              closed=count(report.closed), n=n)  # fmt: skip
    if report.to_close.p50 is not None:
        words += " " + t("Half of them were closed within {time} of the rating.", time=duration(report.to_close.p50))
    if report.oldest:
        words += " " + t("{n} are open, the oldest for {age}.", n=count(report.open), age=age(report.oldest))
    else:
        words += " " + t("None is open.")
    return words


def figures(report: ProgressReport) -> None:
    """Draw the four figures."""
    with st.grid(4, min_column_width=160, gap="small", key="rpfigures"):
        st.metric(t("Open complaints"), count(report.open), border=True, height="stretch", delta=None)
        _times(t("First look"), report.first_look, t("From the rating until a reviewer first changed or judged the case"))
        _times(t("Time to close"), report.to_close, t("From the rating until the case was closed with an outcome"))
        older = report.ages.older
        st.metric(t("Over 30 days"), count(older), border=True, height="stretch")


def _times(label: str, spread: Spread, about: str) -> None:
    if spread.p50 is None:
        st.metric(
            label, t("too few"), t("{n} cases", n=spread.n), delta_color="off", delta_arrow="off", border=True, height="stretch", help=about
        )
        return
    words = t("p90 {time}", time=duration(spread.p90))
    st.metric(label, duration(spread.p50), words, delta_color="off", delta_arrow="off", border=True, height="stretch", help=about)


def duration(seconds: float | None) -> str:
    """Return a duration in the largest unit that fits; "too few" for None."""
    if seconds is None:
        return t("too few")
    if seconds < 60:
        return t("under 1 min")
    now = datetime.now(UTC)
    return age(now - timedelta(seconds=seconds), now)
