"""The variants of an experiment side by side: values, the interval of the difference, and limits."""

from __future__ import annotations

from html import escape

import streamlit as st

from core.experiments.records import MORE_IS_BETTER
from core.experiments.results import Compared, Guarded, excludes_zero
from core.experiments.service import ExperimentReport
from pages.shell.words import listed, t
from pages.widgets.common.card import card, facts_list
from pages.widgets.common.formats import count
from pages.widgets.experiments.words import GUARDS, METRICS, difference, figure, guarded


def metrics(report: ExperimentReport) -> None:
    """Draw each metric of both variants; the one that decides is bold."""
    level = f"{(1 - report.experiment.alpha) * 100:g}"
    about = t("Difference with its {level} % interval, which holds however often you look. Right of the line, B is higher.", level=level)
    with card("expmetrics", t("B against A"), about):
        head = (t("Metric"), "A", "B", "", t("Difference"))
        body = "".join(_row(each, main=number == 0) for number, each in enumerate(report.results.metrics))
        st.html(f"<table class='rvgrid exp'><tr>{''.join(f'<th>{escape(each)}</th>' for each in head)}</tr>{body}</table>")


def _row(each: Compared, *, main: bool) -> str:
    name = escape(t(METRICS[each.metric]))
    line = interval_line(each)
    return (
        f"<tr><th>{f'<b>{name}</b>' if main else name}</th><td>{escape(figure(each.metric, each.a))}</td>"
        f"<td>{escape(figure(each.metric, each.b))}</td><td>{line or escape(t('too few'))}</td>"
        f"<td>{escape(difference(each.metric, each.difference))}</td></tr>"
    )


def interval_line(each: Compared) -> str:
    """Return the interval as a line around zero; "" without one."""
    if each.low is None or each.high is None or each.difference is None:
        return ""
    most = max(abs(each.low), abs(each.high)) or 1.0
    left, right, dot = ((value / most + 1) * 50 for value in (each.low, each.high, each.difference))
    better = excludes_zero(each) and (each.low > 0) == (each.metric in MORE_IS_BETTER)
    kind = " class='good'" if better else ""
    words = t("{low} to {high}", low=difference(each.metric, each.low), high=difference(each.metric, each.high))
    return (
        f"<div class='rvline' role='img' aria-label='{escape(words)}' title='{escape(words)}'><i style='left:50%'></i>"
        f"<b{kind} style='left:{left:.1f}%;width:{right - left:.1f}%'></b><u{kind} style='left:{dot:.1f}%'></u></div>"
    )


def guards(report: ExperimentReport) -> None:
    """Draw the guardrails with the values of B."""
    if not report.results.guards:
        return
    with card("expguards", t("Limits"), t("If B passes a limit, the experiment ends and everyone has A.")):
        head = (t("What"), "B", t("Limit"), t("Counted"))
        body = "".join(_guard(each) for each in report.results.guards)
        st.html(f"<table class='rvgrid guards'><tr>{''.join(f'<th>{escape(each)}</th>' for each in head)}</tr>{body}</table>")


def _guard(each: Guarded) -> str:
    rail = each.guardrail
    cells = (guarded(rail.guard, each.value), t("at most {limit}", limit=guarded(rail.guard, rail.limit)))
    counted = t("{n}, checked from {least} on", n=count(each.count), least=count(rail.min_count))
    return f"<tr><th>{escape(t(GUARDS[rail.guard]))}</th>{''.join(f'<td>{escape(cell)}</td>' for cell in (*cells, counted))}</tr>"


def flex(part: int) -> str:
    """Return the style of a part of a bar."""
    return f"flex:{part}"


def variants(report: ExperimentReport) -> None:
    """Draw who has which variant, and who takes part."""
    design, found = report.experiment.design, report.results
    with card("expvariants", t("Variants"), t("Each person stays with one variant and does not see which.")):
        parts = (("a", 100 - design.to_b), ("b", design.to_b))
        st.html(f"<div class='split'>{''.join(f'<span class={name!r} style={flex(part)!r}></span>' for name, part in parts)}</div>")
        facts_list([(t("A, now"), design.subject), ("B", design.other)])
        for side, people, answers in zip("AB", found.people, found.answers, strict=True):
            st.caption(t("{side}: {people} people, {answers} answers", side=side, people=count(people), answers=count(answers)))
    raised = report.experiment.raised
    with_b = f"{design.to_b} %" + (f", {t('since {day}', day=f'{raised[-1].at:%Y-%m-%d}')}" if raised else "")
    with card("expwho", t("Who takes part"), ""):
        facts_list([
            (t("People"), listed(design.groups) or t("All groups")),
            (t("Taking part"), f"{design.share} %"),
            (t("With B"), with_b),
            (t("Until"), f"{report.experiment.ends_at:%Y-%m-%d}"),
            (t("Decides"), t(METRICS[design.metric])),
            (t("Planned"), t("{n} of each variant", n=count(report.experiment.planned))),
        ])  # fmt: skip
