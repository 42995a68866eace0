"""Batches: many images with the same phrases, processed by a job."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import NotFound, PortalError
from core.grounding.batch.batches import ended
from core.grounding.exports.exports import EXTENSIONS, ExportFormat
from core.grounding.records import BatchCounts, BatchItem, GroundBatch, ItemState
from core.people.permissions import Permission, allows
from core.people.records import User
from core.tasks.records import Job, JobState
from pages.shell import frame
from pages.shell.live_part import part
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.card import facts_list
from pages.widgets.common.formats import MISSING, age, count, seconds
from pages.widgets.images.one_image import TYPES

if TYPE_CHECKING:
    from bootstrap.portal import Portal

LIVE_S = 2.0
PAGE = 100
_OPEN, _ROUND, _PROBLEM = "images-batch", "images-batch-round", "images-batch-problem"
_ROWS = {"all": "All", "failed": "Failed", "empty": "Nothing found"}


def batches(portal: Portal, user: User) -> None:
    """Draw the open batch, or the list of batches with a form for a new one."""
    batch_id = st.session_state.get(_OPEN)
    if batch_id is not None:
        try:
            portal.ground_batches.get(user, batch_id)
        except NotFound:
            st.session_state[_OPEN] = None
        else:
            st.button(t("All batches"), icon=":material/arrow_back:", type="tertiary", key="images-batches", on_click=_open, args=(None,))
            part(_one, every=LIVE_S)(portal, user, batch_id)
            return
    if problem := st.session_state.pop(_PROBLEM, None):
        st.markdown(f":red[:material/error: {plain(problem)}]")
    left, right = st.columns([1, 1.62], gap="medium")
    with left:
        _new(portal, user)
    with right:
        part(_listed, every=LIVE_S)(portal, user)


def _open(batch_id: str | None) -> None:
    st.session_state[_OPEN] = batch_id


def _new(portal: Portal, user: User) -> None:
    if not (allows(user, Permission.UPLOAD) and allows(user, Permission.DETECT)):
        st.caption(t("Your role or group may not find boxes on images."))
        return
    grounders = portal.grounding.grounders(user)
    with st.container(border=True, key="card-newbatch", gap="small"):
        st.markdown(f"### {t('New batch')}", anchors=False)
        files = st.file_uploader(
            t("Drop images or a ZIP file here, or choose them"), type=[*TYPES, "zip"], accept_multiple_files=True,
            max_upload_size=max(1, portal.ground_batches.max_bytes // 1_000_000),
            key=f"images-files-{st.session_state.setdefault(_ROUND, 0)}",
        )  # fmt: skip
        phrases = st.text_area(t("What to find"), height=116, placeholder=t("One phrase on each line"), key="images-batch-phrases")
        model = st.selectbox(
            t("Model"), [each.name for each in grounders], index=None, placeholder=t("The first one that answers"), key="images-batch-model"
        )
        if not grounders:
            st.caption(t("No model that finds boxes is loaded. Ask an admin to add a detector, or to load a GLM that sees images."))
        if st.button(t("Start"), type="primary", key="images-batch-start", disabled=not grounders):
            name = files[0].name if len(files) == 1 else t("{n} images", n=len(files))
            try:
                sent = [(file.name, file.getvalue()) for file in files]
                batch, *_ = portal.ground_batches.start(user, name, sent, (phrases or "").splitlines(), model)
            except PortalError as problem:
                st.markdown(f":red[:material/error: {plain(error_text(problem))}]")
                return
            st.session_state[_ROUND] += 1
            _open(batch.id)
            st.rerun()


def _listed(portal: Portal, user: User) -> None:
    found = portal.ground_batches.list(user, 50)
    if not found:
        what = t("Hundreds of images can be looked at in one go, while you do something else.")
        frame.blank(t("No batches yet"), what, key="blank-batches")
        return
    with st.container(key="images-batchlist", gap="xxsmall"):
        for batch, job, counts in found:
            facts = f"{_state(job, counts)} · {t('{done} of {total}', done=count(counts.done + counts.failed), total=count(counts.total))}"
            if st.button(
                f"**{plain(batch.name)}**  \n:small[{plain(', '.join(batch.phrases))}]  \n:small[{facts} :gray[· {age(batch.created_at)}]]",
                key=f"iopen-{batch.id}", type="tertiary", width="stretch", wrap=True,
            ):  # fmt: skip
                _open(batch.id)
                st.rerun()


def _state(job: Job | None, counts: BatchCounts) -> str:
    if job is None or job.state is JobState.DONE:
        return f":red[{t('Done, {n} failed', n=count(counts.failed))}]" if counts.failed else t("Done")
    if job.paused:
        return t("Paused")
    words = {
        JobState.WAITING: t("Waiting"),
        JobState.RUNNING: t("Running"),
        JobState.FAILED: f":red[{t('Failed')}]",
        JobState.CANCELLED: t("Cancelled"),
    }
    return words[job.state]


def _one(portal: Portal, user: User, batch_id: str) -> None:
    try:
        batch, job, counts = portal.ground_batches.get(user, batch_id)
    except PortalError as problem:
        st.markdown(f":red[:material/error: {plain(error_text(problem))}]")
        return
    over = counts.done + counts.failed
    with st.container(border=True, key="card-batch", gap="small"):
        with st.container(horizontal=True, vertical_alignment="top", gap="small", key="images-batchhead"):
            model = f" · {batch.model}" if batch.model else ""
            facts = f"{t('{n} images', n=counts.total)} · {', '.join(batch.phrases)}{model}"
            st.markdown(f"### {plain(batch.name)}\n:gray[:small[{plain(facts)}]]", anchors=False)
            st.space("stretch")
            _actions(portal, user, batch, job, counts)
        st.progress(over / max(1, counts.total))
        left = _left(job, counts)
        st.markdown(f"**{t('{done} of {total}', done=count(over), total=count(counts.total))}** :gray[{_state(job, counts)}{plain(left)}]")
        if job is not None and job.error is not None:
            st.markdown(f":red[:material/error: {plain(error_text(job.error))}]")
        each = seconds(counts.seconds / counts.done) if counts.done else MISSING
        facts_list([
            (t("Done"), count(counts.done)), (t("Failed"), count(counts.failed)), (t("Nothing found"), count(counts.empty)),
            (t("Boxes"), count(counts.boxes)), (t("Per image"), each),
        ])  # fmt: skip
    if problem := st.session_state.pop(_PROBLEM, None):
        st.markdown(f":red[:material/error: {plain(problem)}]")
    _rows(portal, user, batch_id)


def _left(job: Job | None, counts: BatchCounts) -> str:
    """Return the time left, estimated from the images done since the job began."""
    if job is None or job.state is not JobState.RUNNING or job.started_at is None or counts.done < 5:
        return ""
    spent = (datetime.now(UTC) - job.started_at).total_seconds()
    minutes = max(1, round(spent / (counts.done + counts.failed) * counts.waiting / 60))
    return " · " + t("about {n} min left", n=minutes)


def _actions(portal: Portal, user: User, batch: GroundBatch, job: Job | None, counts: BatchCounts) -> None:
    service = portal.ground_batches

    def button(label: str, icon: str, act: Callable[[User, str], object]) -> None:
        if st.button(label, icon=f":material/{icon}:", type="tertiary", key=f"images-batch-{icon}"):
            try:
                act(user, batch.id)
            except PortalError as problem:
                st.session_state[_PROBLEM] = error_text(problem)
            st.rerun()

    if ended(job):
        if counts.failed or counts.waiting:
            button(t("Retry failed"), "refresh", service.retry)
        button(t("Delete"), "delete", service.remove)
    else:
        if job is not None and job.paused:
            button(t("Resume"), "play_arrow", service.resume)
        else:
            button(t("Pause"), "pause", service.pause)
        button(t("Cancel"), "close", service.cancel)
    if allows(user, Permission.EXPORT) and counts.done:
        with st.popover(t("Export"), icon=":material/download:", type="tertiary", key="images-batch-export"):
            for format in ExportFormat:
                st.download_button(
                    format.value.upper(), _content(portal, user, batch.id, format), f"boxes.{EXTENSIONS[format]}", type="tertiary",
                    key=f"images-batch-export-{format}", on_click="ignore",
                )  # fmt: skip


def _content(portal: Portal, user: User, batch_id: str, format: ExportFormat) -> Callable[[], bytes]:
    return lambda: portal.ground_batches.export(user, batch_id, format)


def _rows(portal: Portal, user: User, batch_id: str) -> None:
    shown = st.segmented_control(
        t("Show"), list(_ROWS), default="all", required=True, format_func=lambda name: t(_ROWS[name]), key="images-batch-rows",
        label_visibility="collapsed",
    )  # fmt: skip
    state = ItemState.FAILED if shown == "failed" else None
    items = portal.ground_batches.items(user, batch_id, state, PAGE, empty=shown == "empty")
    if not items:
        st.caption(t("No images in this state."))
        return
    heads = (t("Image"), t("State"), t("Boxes"), t("Time"), t("Note"))
    head = "".join(f"<th scope='col'>{escape(name)}</th>" for name in heads)
    rows = "".join(_row(item) for item in items)
    st.html(f"<div class='boxtable' tabindex='0'><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>")
    if len(items) == PAGE:
        st.caption(t("The first {n} images are shown. The export has all.", n=PAGE))


def _row(item: BatchItem) -> str:
    done = item.state is ItemState.DONE
    word = {ItemState.WAITING: t("Waiting"), ItemState.DONE: t("Done"), ItemState.FAILED: t("Failed")}[item.state]
    note = error_text(item.error) if item.error else t("Nothing was found") if done and not item.boxes else ""
    cells = (word, count(item.boxes) if done else MISSING, seconds(item.duration_s) if done else MISSING, note)
    name = f"<a href='images?image={item.id}' target='_self'>{escape(item.name)}</a>" if done else escape(item.name)
    return f"<tr><td>{name}</td>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
