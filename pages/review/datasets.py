"""Datasets (reviewers): rated answers, made into files for training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import NotFound, PortalError
from core.people.permissions import Permission, allows, require
from core.people.records import User
from core.review.datasets.datasets import DatasetInfo
from core.tasks.records import ACTIVE
from pages.shell import frame
from pages.shell.live_part import dialog
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.formats import age, ago, count
from pages.widgets.datasets.card import VERSION, building, version_cards
from pages.widgets.datasets.form import form
from pages.widgets.datasets.words import FORMATS

if TYPE_CHECKING:
    from bootstrap.portal import Portal

PATH = "datasets"
DATASET, EDIT = "dataset", "edit"
_NEW = "new"


def render(portal: Portal, user: User) -> None:
    require(user, Permission.REVIEW_FEEDBACK)
    wanted, may_make = st.query_params.get(DATASET), allows(user, Permission.EXPORT)
    if wanted is None:
        _list(portal, user, may_make)
        return
    st.button(t("All datasets"), icon=":material/arrow_back:", type="tertiary", key="datasets-back", on_click=_go)
    if wanted == _NEW and may_make:
        _make(portal, user, None)
        return
    try:
        info = portal.datasets.get(user, wanted)
    except NotFound as problem:
        frame.blank(t("There is nothing here"), plain(error_text(problem)), key="blank-dataset")
        return
    if st.query_params.get(EDIT) and may_make:
        _make(portal, user, info)
    else:
        _one(portal, user, info, may_make)


def _go(dataset: str | None = None, *, edit: bool = False) -> None:
    """Open a dataset, or the list."""
    for name in (DATASET, EDIT, VERSION):
        st.query_params.pop(name, None)
    if dataset is not None:
        st.query_params[DATASET] = dataset
    if edit:
        st.query_params[EDIT] = "1"


def _list(portal: Portal, user: User, may_make: bool) -> None:
    found = portal.datasets.list(user)
    with frame.page_head(t("Datasets"), t("Rated answers, made into files for training"), key="datasets"):
        if found and may_make:
            st.button(t("New dataset"), icon=":material/add:", type="primary", key="dataset-new", on_click=_go, args=(_NEW,))
    if not found:
        what = t("A dataset is made of answers that people rated, corrected or preferred. Only chats of people who agreed on their "
                 "Account page are used.")  # fmt: skip
        if frame.blank(t("No dataset yet"), what, t("New dataset") if may_make else None, key="blank-datasets"):
            _go(_NEW)
            st.rerun()
        return
    with st.container(key="datasets-list", gap="xxsmall"):
        for info in found:
            st.button(
                f"**{plain(info.dataset.name)}**  \n:small[{_facts(info)}]", type="tertiary", width="stretch", wrap=True,
                key=f"dataset-open-{info.dataset.id}", on_click=_go, args=(info.dataset.id,),
            )  # fmt: skip


def _facts(info: DatasetInfo) -> str:
    format = FORMATS[info.dataset.settings.format]
    if info.job is not None and info.job.state in ACTIVE:
        return f"{format} · :blue[{t('Building the next version')}]"
    if not info.versions:
        return f"{format} · :gray[{t('No version yet')}]"
    newest = info.versions[0]
    report = newest.version.report
    lines = t("{train} to train, {holdout} held out", train=count(report.train), holdout=count(report.holdout))
    gone = f" · :orange[{t('{n} withdrawn', n=newest.gone)}]" if newest.gone else ""
    made = f"{age(newest.version.built_at)} · {plain(newest.built_by)}"
    used = f" · {plain(newest.version.used_by)}" if newest.version.used_by else ""
    return f"{format} · {t('Version {n}', n=newest.version.number)} · {lines}{gone} :gray[· {made}{used}]"


def _make(portal: Portal, user: User, info: DatasetInfo | None) -> None:
    title = t("New dataset") if info is None else plain(info.dataset.name)
    actions = frame.page_head(title, t("Nothing is written until you build it. The settings are kept, so every version can be made again."),
                              key="dataset")  # fmt: skip
    answer = form(portal, user, info.dataset if info else None, actions)
    if answer is None:
        return
    name, settings, save, build = answer
    if not (save or build):
        return
    try:
        if info is None:
            dataset = portal.datasets.add(user, name, settings)
        else:
            dataset = portal.datasets.change(user, info.dataset.id, name, settings)
        if build:
            portal.dataset_builds.start(user, dataset.id)
    except PortalError as problem:
        st.markdown(f":red[:material/error: {plain(error_text(problem))}]")
        return
    _go(dataset.id)
    st.rerun()


def _one(portal: Portal, user: User, info: DatasetInfo, may_make: bool) -> None:
    sub = t("Made by {name} · {age}", age=ago(info.dataset.created_at), name=plain(info.created_by))
    with frame.page_head(plain(info.dataset.name), sub, key="dataset"):
        if may_make:
            st.button(t("Delete"), type="tertiary", key="dataset-remove", on_click=_ask_to_remove)
            busy = info.job is not None and info.job.state in ACTIVE
            st.button(
                t("Change and build"), type="primary", key="dataset-edit", disabled=busy, on_click=_go, args=(info.dataset.id,),
                kwargs={"edit": True},
            )  # fmt: skip
    if st.session_state.pop("dataset-removing", False):
        _remove(portal, user, info)
    building(portal, user, info)
    if info.versions:
        version_cards(portal, user, info)
    elif info.job is None:
        frame.blank(t("No version yet"), t("Change the settings if you like, and build the first version."), key="blank-versions")


def _ask_to_remove() -> None:
    st.session_state["dataset-removing"] = True


def _remove(portal: Portal, user: User, info: DatasetInfo) -> None:
    @dialog(t("Delete this dataset?"))
    def ask() -> None:
        st.write(t("All versions and their files are deleted permanently. The rated answers stay."))
        if st.button(t("Delete permanently"), type="primary", key="dataset-remove-now"):
            try:
                portal.datasets.remove(user, info.dataset.id)
            except PortalError as problem:
                st.markdown(f":red[:material/error: {plain(error_text(problem))}]")
                return
            _go()
            st.rerun()

    ask()
