"""Jobs (admin): background jobs, their progress and their results."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.people.records import User
from core.tasks.jobs import MAX_LISTED
from core.tasks.records import ACTIVE, Job, JobFilter, JobState
from pages.shell import frame
from pages.shell.live_part import part
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.formats import age, ago, ahead, seconds
from pages.widgets.common.job_words import KINDS

if TYPE_CHECKING:
    from bootstrap.portal import Portal

PATH = "jobs"
LIVE_S = 2.0
_STATES = {"active": "In progress", "failed": "Failed", "all": "All"}


def render(portal: Portal, user: User) -> None:
    frame.page_head(t("Jobs"), t("Background work that survives a restart. Ended jobs are kept for 30 days."), key="jobs")
    shown = st.segmented_control(
        t("State"), list(_STATES), default="active", format_func=lambda name: t(_STATES[name]), key="jobs-state",
        label_visibility="collapsed", required=True,
    )  # fmt: skip
    part(_list, every=LIVE_S)(portal, user, shown)


def _list(portal: Portal, user: User, shown: str) -> None:
    states = {"active": ACTIVE, "failed": (JobState.FAILED,)}.get(shown)
    jobs = portal.jobs.list(user, JobFilter(states=states), MAX_LISTED)
    if not jobs:
        nothing = t("Nothing is running or waiting.") if shown == "active" else t("No jobs in this state in the last 30 days.")
        frame.blank(t("No jobs"), nothing, key="blank-jobs")
        return
    with st.container(key="jobrows", gap=None):
        for job in jobs:
            _row(portal, user, job)


def _row(portal: Portal, user: User, job: Job) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"jobrow-{job.id}"):
        name = plain(t(KINDS.get(job.kind, job.kind)))
        subject = job.payload.get("name")
        title = f"{name} {_badge(job)}" + (f"  \n:small[:gray[{plain(str(subject))}]]" if subject else "")
        with st.container(width="stretch", gap="xxsmall"):
            st.markdown(title)
            if job.state is JobState.RUNNING:
                st.progress(job.progress)
            if job.error is not None and job.state is not JobState.DONE:
                st.markdown(f":small[:red[{plain(error_text(job.error))}]]")
        st.markdown(f":small[:gray[{plain(_when(job))}]]", width="content")
        if job.paused and st.button(t("Resume"), type="tertiary", key=f"resume-{job.id}"):
            _do(lambda: portal.jobs.resume(user, job.id))
        if job.state in ACTIVE:
            off = job.cancel_requested
            if st.button(t("Stopping") if off else t("Cancel"), type="tertiary", disabled=off, key=f"cancel-{job.id}"):
                _do(lambda: portal.jobs.cancel(user, job.id))
        elif job.state in (JobState.FAILED, JobState.CANCELLED):
            if st.button(t("Try again"), type="tertiary", key=f"retry-{job.id}"):
                _do(lambda: portal.jobs.retry(user, job.id))


def _badge(job: Job) -> str:
    if job.paused:
        return f":gray-badge[:material/pause: {t('Paused')}]"
    words = {
        JobState.WAITING: f":gray-badge[:material/schedule: {t('Waiting')}]",
        JobState.RUNNING: f":blue-badge[:material/timelapse: {t('Running')}]",
        JobState.DONE: f":green-badge[:material/check_circle: {t('Done')}]",
        JobState.FAILED: f":red-badge[:material/error: {t('Failed')}]",
        JobState.CANCELLED: f":gray-badge[{t('Cancelled')}]",
    }
    return words[job.state]


def _when(job: Job) -> str:
    if job.paused:
        return t("started {age}", age=ago(job.started_at or job.created_at))
    if job.state is JobState.WAITING:
        wait = ahead(job.run_after)
        return t("starts in {wait}", wait=wait) if wait else t("starts now")
    if job.state is JobState.RUNNING and job.started_at is not None:
        return t("started {age}", age=ago(job.started_at))
    if job.ended_at is not None and job.started_at is not None:
        return f"{age(job.ended_at)} · {seconds((job.ended_at - job.started_at).total_seconds())}"
    return age(job.ended_at or job.created_at)


def _do(action: Callable[[], object]) -> None:
    """Run the action and redraw the list; show the error if it fails."""
    try:
        action()
    except PortalError as problem:
        st.toast(plain(error_text(problem)), icon=":material/error:")
    else:
        st.rerun(scope="fragment")
