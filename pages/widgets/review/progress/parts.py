"""The parts of the page Review progress: days, ages, reviewers, tags and agreement."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from core.review.judging.records import QuestionKind
from core.review.progress.records import Ages, Agreement, Fixes, Kappa, ProgressReport
from pages.shell.frame import dark
from pages.shell.words import t
from pages.widgets.common.card import card
from pages.widgets.common.formats import MISSING, count
from pages.widgets.review.judging.question_words import asked_word
from pages.widgets.review.progress.summary import duration
from pages.widgets.usage import charts
from pages.widgets.usage.charts import Line

LEAST, MOST = -0.25, 1.0
"""The ends of the scale on which kappa is drawn."""


def by_day(report: ProgressReport) -> None:
    """Draw what came in and what was closed, and how many were open."""
    days = [each.day for each in report.days]
    with st.container(border=True, key="card-rpflow", gap="xsmall"):
        st.markdown(f"### {t('Complaints per day')}", anchors=False)
        keys = (("s1", t("Came in")), ("s2", t("Closed")))
        st.html("<p class='keys'>" + "".join(f"<span><b class='{colour}'></b>{escape(words)}</span>" for colour, words in keys) + "</p>")
        series = [Line(t("Came in"), [each.opened for each in report.days], 0), Line(t("Closed"), [each.closed for each in report.days], 1)]
        figure = charts.bars(days, series, dark())
        figure.update_layout(barmode="group")
        charts.show(figure, "chart-rpflow", t("Complaints per day"))
    with card("rpopen", t("Open complaints"), t("At the end of each day (UTC)")):
        series = [Line(t("Still open"), [each.open for each in report.days], 0)]
        charts.show(charts.lines(days, series, dark()), "chart-rpopen", t("Open complaints"))


def fixes(found: Fixes) -> None:
    """Draw what became of complaints that were closed as fixed."""
    if not found.fixed:
        return
    with card("rpfixes", t("Fixes"), t("Complaints that were closed as fixed, and what their raters say afterwards")):
        names = (t("Fixed"), t("Asked again"), t("It helped"), t("It did not help"))
        values = (found.fixed, found.asked_again, found.satisfied, found.not_satisfied)
        with st.grid(4, min_column_width=140, gap="small", key="rpfixfigures"):
            for name, value in zip(names, values, strict=True):
                st.metric(name, count(value))


def agreement(rows: Sequence[Agreement]) -> None:
    """Draw how far two reviewers agree on each question, with an interval on one scale for all."""
    about = t("Questions that two reviewers answered without seeing each other's answers. Kappa: 0 is chance, 1 is full agreement.")
    with card("rpagree", t("Agreement"), about):
        if not rows:
            st.caption(t("No case has two judgements in this time. Ask a second reviewer on a case, or let the portal choose some."))
            return
        cells = [
            (asked_word(each.question.label), _percent(each), count(each.pairs), *_kappa(each)) for each in rows
        ]  # fmt: skip
        head = (t("Question"), t("Agreed"), t("Cases"), t("Kappa, 95 % interval"))
        body = "".join(
            f"<tr><th>{escape(name)}</th><td>{agreed}</td><td>{pairs}</td><td>{escape(words)}{line}</td></tr>"
            for name, agreed, pairs, words, line in cells
        )
        st.html(f"<table class='rvgrid'><tr>{''.join(f'<th>{escape(each)}</th>' for each in head)}</tr>{body}</table>")
        if any(each.question.kind is QuestionKind.RATING for each in rows):
            st.caption(t("Ratings have linear weights: answers one apart disagree less than answers further apart."))


def _percent(row: Agreement) -> str:
    return f"{row.agreed / row.pairs * 100:.0f} %"


def _kappa(row: Agreement) -> tuple[str, str]:
    """Return kappa in words, and its interval as a line."""
    if row.kappa is None:
        return (t("always the same answer") if row.pairs == row.agreed and row.pairs >= 20 else t("too few")), ""
    found = row.kappa
    return f"{found.value:.2f} ({found.low:.2f} – {found.high:.2f})", _line(found)


def _line(found: Kappa) -> str:
    left, right, dot, zero = (_position(each) for each in (found.low, found.high, found.value, 0.0))
    good = " class='good'" if found.low > 0 else ""
    return (
        f"<div class='rvline' aria-hidden='true'><i style='left:{zero:.1f}%'></i>"
        f"<b{good} style='left:{left:.1f}%;width:{right - left:.1f}%'></b><u{good} style='left:{dot:.1f}%'></u></div>"
    )


def _position(value: float) -> float:
    return (min(MOST, max(LEAST, value)) - LEAST) / (MOST - LEAST) * 100


def people_and_tags(report: ProgressReport) -> None:
    """Draw the reviewers, the tags and the ages of open complaints."""
    with card("rpreviewers", t("By reviewer"), t("Who closed complaints, and who judged cases")):
        rows = [(each.name, count(each.closed), count(each.judged), duration(each.to_close.p50)) for each in report.reviewers]
        _table((t("Reviewer"), t("Closed"), t("Judged"), t("Time to close, p50")), rows)
    with card("rptags", t("By tag"), t("Complaints of this time, and those still open; a case can have several tags")):
        tags = [(each.tag, count(each.opened), count(each.open), duration(each.to_close.p50)) for each in report.tags]
        _table((t("Tag"), t("Came in"), t("Still open"), t("Time to close, p50")), tags)
    with card("rpages", t("Age of open complaints"), ""):
        _table((t("Open for"), t("Complaints")), [(name, count(n)) for name, n in _ages(report.ages)])


def _ages(ages: Ages) -> list[tuple[str, int]]:
    return [
        (t("under 1 day"), ages.under_a_day),
        (t("1 to 7 days"), ages.under_a_week),
        (t("7 to 30 days"), ages.under_a_month),
        (t("over 30 days"), ages.older),
    ]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    body = "".join(f"<tr><th>{escape(first)}</th>{''.join(f'<td>{escape(each)}</td>' for each in rest)}</tr>" for first, *rest in rows)
    if not rows:
        body = f"<tr><td colspan='{len(head)}'>{MISSING}</td></tr>"
    st.html(f"<table class='rvgrid'><tr>{''.join(f'<th>{escape(each)}</th>' for each in head)}</tr>{body}</table>")
