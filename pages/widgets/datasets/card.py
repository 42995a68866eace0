"""Draw one dataset: the newest version and how it was made, its files, and all versions."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.people.permissions import Permission, allows
from core.people.records import User
from core.review.datasets.datasets import DatasetInfo, VersionInfo
from core.review.datasets.records import MAX_NAME
from core.tasks.records import ACTIVE, Job
from pages.shell.live_part import callback, part
from pages.shell.words import error_text, listed, t
from pages.widgets.chat.message import plain
from pages.widgets.common.card import card, facts_list
from pages.widgets.common.formats import age, ago, count, size
from pages.widgets.datasets.outcome import balance, funnel, split_bar
from pages.widgets.datasets.words import FORMATS, settings_words

if TYPE_CHECKING:
    from bootstrap.portal import Portal

LIVE_S = 1.0
VERSION = "version"


def building(portal: Portal, user: User, info: DatasetInfo) -> None:
    """Draw the build that runs, or how the last one failed."""
    job = info.job
    if job is None:
        return
    if job.state in ACTIVE:
        part(_progress, every=LIVE_S)(portal, user, info.dataset.id)
    elif job.error is not None:
        st.markdown(f":red[:material/error: {t('The last build gave no version.')} {plain(error_text(job.error))}]")


def _progress(portal: Portal, user: User, dataset_id: str) -> None:
    job = portal.datasets.get(user, dataset_id).job
    if job is None or job.state not in ACTIVE:
        st.rerun()
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="dataset-progress"):
        st.progress(job.progress, text=t("Building the next version"))
        st.button(t("Cancel"), type="tertiary", key="dataset-cancel", on_click=callback(_cancel), args=(portal, user, job))


def _cancel(portal: Portal, user: User, job: Job) -> None:
    try:
        portal.jobs.cancel(user, job.id)
    except PortalError as problem:
        st.toast(plain(error_text(problem)))


def version_cards(portal: Portal, user: User, info: DatasetInfo) -> None:
    """Draw the chosen version, the newest by default, beside its files and the list of versions."""
    wanted = st.query_params.get(VERSION)
    shown = next((each for each in info.versions if str(each.version.number) == wanted), info.versions[0])
    version, report = shown.version, shown.version.report
    if shown.gone:
        words = t("{n} lines are of chats, ratings or consents that were withdrawn since. Build a new version without them, and delete "
                  "this one.", n=shown.gone)  # fmt: skip
        st.warning(words, icon=":material/event_busy:")
    if shown.due_at is not None:
        words = t("A retention rule deletes version {n} from {day} on. A note under Used by keeps it.", n=version.number,
                  day=f"{shown.due_at:%Y-%m-%d}")  # fmt: skip
        st.caption(f":material/auto_delete: {words}")
    left, right = st.columns([1.5, 1], gap="small")
    with left, st.container(gap="small"):
        built = f"{t('Version {n}', n=version.number)} · {plain(shown.built_by)} · {ago(version.built_at)}"
        with card("dataset-version", built, t("The same settings and ratings give the same bytes again")):
            facts_list([
                (t("Train"), count(report.train)), (t("Holdout"), count(report.holdout)), (t("People"), count(report.people)),
                (t("Format"), FORMATS[version.settings.format]), (t("Masked"), count(report.masked)),
            ])  # fmt: skip
            funnel(report)
            split_bar(report)
        with card("dataset-made", t("How it was made"), t("Settings of this version")):
            rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in settings_words(version.settings))
            models = listed(f"{name} {count(number)}" for name, number in report.by_model.items())
            st.html(f"<dl class='props'>{rows}<dt>{escape(t('Models'))}</dt><dd>{escape(models)}</dd></dl>")
        with card("dataset-balance", t("Balance"), t("Examples by tag")):
            balance(report)
    with right, st.container(gap="small"):
        _files(portal, user, info, shown)
        _versions(info, shown)
        _use(portal, user, info, shown)


def _files(portal: Portal, user: User, info: DatasetInfo, shown: VersionInfo) -> None:
    number = shown.version.number
    with card("dataset-files", t("Files"), t("Each download is in the audit log")):
        for file in shown.version.files:
            facts = f"{t('{n} lines', n=file.lines)} · {size(file.size_bytes)}" if file.lines else size(file.size_bytes)
            st.html(f"<p class='file'><b>{escape(file.name)}</b> {escape(facts)}<br><code class='hash'>{file.sha256}</code></p>")
            if allows(user, Permission.EXPORT):
                st.download_button(
                    t("Download {name}", name=file.name), partial(_content, portal, user, info.dataset.id, number, file.name),
                    f"{plain_name(info.dataset.name)}-{number}-{file.name}", key=f"dataset-file-{file.name}", type="tertiary",
                    icon=":material/download:", on_click="ignore",
                )  # fmt: skip


def _content(portal: Portal, user: User, dataset_id: str, number: int, name: str) -> bytes:
    return b"".join(portal.datasets.download(user, dataset_id, number, name))


def plain_name(name: str) -> str:
    """Return a name that every file system takes."""
    return "".join(each if each.isalnum() else "-" for each in name) or "dataset"


def _versions(info: DatasetInfo, shown: VersionInfo) -> None:
    with card("dataset-versions", t("Versions"), t("The newest first")):
        for each in info.versions:
            number = each.version.number
            gone = f" · :orange[{t('{n} withdrawn', n=each.gone)}]" if each.gone else ""
            facts = f"{t('{n} lines', n=each.version.report.kept)} · {age(each.version.built_at)}{gone}"
            label = f"**{t('Version {n}', n=number)}** :gray[:small[{facts}]]"
            if each is shown:
                st.markdown(label)
            else:
                st.button(label, type="tertiary", key=f"dataset-version-{number}", on_click=_open, args=(number,))


def _open(number: int) -> None:
    st.query_params[VERSION] = str(number)


def _use(portal: Portal, user: User, info: DatasetInfo, shown: VersionInfo) -> None:
    version = shown.version
    with card("dataset-use", t("Used by"), t("A version that is used cannot be deleted")):
        st.markdown(plain(version.used_by) if version.used_by else f":gray[{t('Nobody yet')}]")
        if not allows(user, Permission.EXPORT):
            return
        with st.popover(t("Note its use"), type="tertiary"):
            text = st.text_input(t("What was trained with it"), version.used_by, max_chars=2 * MAX_NAME, key=f"dataset-used-{version.id}")
            if st.button(t("Save"), type="primary", key="dataset-used-save"):
                _try(partial(portal.datasets.note_use, user, info.dataset.id, version.number, text))
        if not version.used_by and st.button(t("Delete this version"), type="tertiary", icon=":material/delete:", key="dataset-delete"):
            st.query_params.pop(VERSION, None)
            _try(partial(portal.datasets.remove_version, user, info.dataset.id, version.number))


def _try(act: partial[object]) -> None:
    try:
        act()
    except PortalError as problem:
        st.markdown(f":red[:material/error: {plain(error_text(problem))}]")
        return
    st.rerun()
