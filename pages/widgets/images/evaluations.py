"""Show how well each model finds labelled boxes."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from bootstrap.servers.profiles import profile_of
from core.errors import PortalError
from core.grounding.evaluation.records import Evaluation, Score
from core.people.permissions import Permission, allows
from core.people.records import User
from core.tasks.records import JobState
from pages.shell import frame
from pages.shell.live_part import part
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.formats import MISSING, age, seconds, share
from pages.widgets.images.evaluation_chart import evaluation_chart
from pages.widgets.usage import charts

if TYPE_CHECKING:
    from bootstrap.portal import Portal

LIVE_S = 2.0
MAX_LISTED = 200
_PROBLEM, _SEEN = "images-evaluation-problem", "images-evaluation-seen"
_KINDS = {"texts": "Texts", "shapes": "Shapes", "total": "Both"}


def evaluations(portal: Portal, user: User) -> None:
    """Draw the results. On the admin server, people who may run models can also start an evaluation."""
    if allows(user, Permission.RUN_MODELS) and not profile_of(portal.settings).remote:
        _start(portal, user)
        part(_running, every=LIVE_S)(portal, user)
    found = portal.ground_evaluations.list(user, limit=MAX_LISTED)
    if not found:
        words = t("An evaluation asks a model for shapes and texts whose positions are known, and counts what it finds.")
        frame.blank(t("No evaluations yet"), words, key="blank-evaluations")
        return
    newest = newest_of_each(found)
    with st.container(border=True, key="card-evaluations", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key="images-evalhead"):
            about = t("Share of boxes at IoU 0.5 · {n} labelled images", n=found[0].images)
            st.markdown(f"### {t('Precision and recall')}\n:gray[:small[{about}]]", anchors=False)
            st.space("stretch")
            kind = st.segmented_control(
                t("What to find"), list(_KINDS), default="texts", required=True, format_func=lambda name: t(_KINDS[name]),
                key="images-evaluation-kind", label_visibility="collapsed",
            )  # fmt: skip
        shown = [each for each in newest if each.set_version == found[0].set_version]
        charts.show(evaluation_chart(shown, str(kind), frame.dark()), "chart-evaluations", t("Precision and recall by model and version"))
        _table(newest)
    st.caption(
        t("Precision: the share of the found boxes that are right. Recall: the share of the boxes that were found. “–”: it found nothing.")
    )


def newest_of_each(found: Sequence[Evaluation]) -> list[Evaluation]:
    """Return the newest result of each version of each model, grouped by model, newest version first."""
    kept: dict[tuple[str, str, str], Evaluation] = {}
    for each in found:
        kept.setdefault((each.model, each.model_version, each.set_version), each)
    order = list(dict.fromkeys(each.model for each in found))
    return sorted(kept.values(), key=lambda each: order.index(each.model))


def _start(portal: Portal, user: User) -> None:
    grounders = portal.grounding.grounders(user)
    if not grounders:
        st.caption(t("No model that finds boxes is loaded. Ask an admin to add a detector, or to load a GLM that sees images."))
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="images-evaluate-row"):
        model = st.selectbox(t("Model"), [each.name for each in grounders], key="images-evaluate-model", width=320)
        if st.button(t("Evaluate"), type="primary", key="images-evaluate"):
            try:
                portal.ground_evaluations.start(user, model)
            except PortalError as problem:
                st.session_state[_PROBLEM] = error_text(problem)
    if problem := st.session_state.pop(_PROBLEM, None):
        st.markdown(f":red[:material/error: {plain(problem)}]")


def _running(portal: Portal, user: User) -> None:
    """Show running evaluations, and why the newest one failed; redraw the page when one has ended."""
    jobs = portal.ground_evaluations.started(user)
    active = [job for job in jobs if not job.ended]
    for job in active:
        words = t("Evaluating {model}", model=str(job.payload["model"]))
        st.progress(job.progress, plain(words))
    if jobs and jobs[0].state is JobState.FAILED and jobs[0].error is not None:
        words = t("The evaluation of {model} failed.", model=str(jobs[0].payload["model"]))
        st.markdown(f":red[:material/error: {plain(words)} {plain(error_text(jobs[0].error))}]")
    ended = len(jobs) - len(active), jobs[0].id if jobs else ""
    if st.session_state.get(_SEEN, ended) != ended and not active:
        st.session_state[_SEEN] = ended
        st.rerun()
    st.session_state[_SEEN] = ended


def _table(found: Sequence[Evaluation]) -> None:
    heads = (
        t("Model"), t("Version"), t("Texts: precision"), t("Texts: recall"), t("Shapes: precision"), t("Shapes: recall"), t("Per image"),
        t("Evaluated"),
    )  # fmt: skip
    head = "".join(f"<th scope='col'{'' if number < 2 else ' class=r'}>{escape(name)}</th>" for number, name in enumerate(heads))
    rows = "".join(_row(each) for each in found)
    st.html(f"<div class='boxtable' tabindex='0'><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>")


def _row(each: Evaluation) -> str:
    figures = (*_shares(each.texts), *_shares(each.shapes), seconds(each.seconds / max(1, each.images)), age(each.created_at))
    cells = "".join(f"<td class='r'>{escape(figure)}</td>" for figure in figures)
    return f"<tr><td>{escape(each.model)}</td><td>{escape(each.model_version) or MISSING}</td>{cells}</tr>"


def _shares(score: Score) -> tuple[str, str]:
    return share(score.precision), share(score.recall)
