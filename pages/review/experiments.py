"""Experiments (people who run the models): two models or presets for those who choose one, until the figures decide."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import NotFound
from core.experiments.records import State
from core.experiments.service import ExperimentReport
from core.people.permissions import Permission, require
from core.people.records import User
from pages.shell import frame
from pages.shell.words import error_text, t
from pages.widgets.boards.parts import sentence
from pages.widgets.chat.message import plain
from pages.widgets.common.formats import age, count
from pages.widgets.experiments.ending import actions
from pages.widgets.experiments.figures import guards, metrics, variants
from pages.widgets.experiments.form import form
from pages.widgets.experiments.growth import growth_band
from pages.widgets.experiments.words import METRICS, STATES, difference

if TYPE_CHECKING:
    from bootstrap.portal import Portal

PATH = "experiments"
EXPERIMENT = "experiment"
_NEW = "new"


def render(portal: Portal, user: User) -> None:
    require(user, Permission.RUN_MODELS)
    wanted = st.query_params.get(EXPERIMENT)
    if wanted is None:
        _list(portal, user)
        return
    st.button(t("All experiments"), icon=":material/arrow_back:", type="tertiary", key="exp-back", on_click=_go)
    if wanted == _NEW:
        frame.page_head(t("New experiment"), t("A model or preset, and another one that some people get in its place"), key="experiment")
        if (made := form(portal, user)) is not None:
            _go(made)
            st.rerun()
        return
    try:
        report = portal.experiments.get(user, wanted)
    except NotFound as problem:
        frame.blank(t("There is nothing here"), plain(error_text(problem)), key="blank-experiment")
        return
    _one(portal, user, report)


def _go(experiment: str | None = None) -> None:
    """Open an experiment, or the list."""
    st.query_params.pop(EXPERIMENT, None)
    if experiment is not None:
        st.query_params[EXPERIMENT] = experiment


def _list(portal: Portal, user: User) -> None:
    found = portal.experiments.list(user)
    running = sum(each.experiment.state is State.RUNNING for each in found)
    sub = t("{n} running. Each person stays with one variant and does not see which.", n=running) if found else ""
    with frame.page_head(t("Experiments"), sub, key="experiments"):
        if found:
            st.button(t("New experiment"), icon=":material/add:", type="primary", key="exp-new", on_click=_go, args=(_NEW,))
    if not found:
        what = t("Some people who choose a model get another one, until their ratings, times and costs say which is better.")
        if frame.blank(t("No experiment yet"), what, t("New experiment"), key="blank-experiments"):
            _go(_NEW)
            st.rerun()
        return
    with st.container(key="datasets-list", gap="xxsmall"):
        for report in found:
            each = report.experiment
            st.button(
                f"**{plain(each.design.name)}**  \n:small[{_facts(report)}]", type="tertiary", width="stretch", wrap=True,
                key=f"exp-open-{each.id}", on_click=_go, args=(each.id,),
            )  # fmt: skip


def _facts(report: ExperimentReport) -> str:
    each, main = report.experiment, report.results.main
    colour, icon, word = STATES[each.state]
    people = t("{n} people", n=sum(report.results.people))
    compared = f"{plain(each.design.subject)} · {plain(each.design.other)}"
    figures = f"{t(METRICS[main.metric])} {plain(difference(main.metric, main.difference))}"
    result = plain(error_text(report.verdict[0]))
    return f":{colour}[:material/{icon}: {t(word)}] · {compared} · {people} · {figures} :gray[· {age(each.started_at)}]  \n{result}"


def _one(portal: Portal, user: User, report: ExperimentReport) -> None:
    each = report.experiment
    colour, icon, word = STATES[each.state]
    started = t("Started by {name} on {day}.", name=plain(each.started_by_name), day=f"{each.started_at:%Y-%m-%d}")
    state = f":{colour}[:material/{icon}: {t(word)}]"
    with frame.page_head(plain(each.design.name), f"{state} {plain(each.design.question)} {started}", key="experiment"):
        actions(portal, user, each)
    bold, *rest = (error_text(sentence_) for sentence_ in report.verdict)
    with st.container(key="exp-tripped" if each.trip is not None else "exp-verdict"):
        sentence(bold, " ".join(rest))
    wide, narrow = st.columns([2, 1], gap="small")
    with wide:
        metrics(report)
        growth_band(report)
        guards(report)
    with narrow:
        variants(report)
    st.caption(t("{n} ratings or answers of each variant decide; {a} with A and {b} with B are counted.", n=count(each.planned),
                 a=count(report.results.counted[0]), b=count(report.results.counted[1])))  # fmt: skip
