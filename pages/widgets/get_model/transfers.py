"""The card of downloads, imports and quantizations: progress, speed, time left, and actions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.people.records import User
from core.tasks.records import Job, JobState
from core.transfers.downloads import QUANTIZE
from pages.shell.live_part import part
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.card import card_title
from pages.widgets.common.formats import size
from pages.widgets.models.files.file_address import open_report

if TYPE_CHECKING:
    from bootstrap.portal import Portal

LIVE_S = 1.0


def transfers(portal: Portal, user: User) -> None:
    """Draw the card if it is not empty; it redraws itself while a transfer is running."""
    jobs = _listed(portal, user)
    if jobs:
        moving = any(not job.ended and not job.paused for job in jobs)
        part(_card, every=LIVE_S if moving else None)(portal, user, _known(jobs))


def under_way(portal: Portal, user: User) -> frozenset[str]:
    """Return the names of downloads and imports that have not ended."""
    return frozenset(str(job.payload["name"]) for job in portal.downloads.transfers(user) if not job.ended)


def _listed(portal: Portal, user: User) -> list[Job]:
    return [*portal.downloads.transfers(user), *portal.quantizing.recent(user)]


def _known(jobs: Sequence[Job]) -> frozenset[tuple[str, JobState, bool]]:
    return frozenset((job.id, job.state, job.paused) for job in jobs)


def _card(portal: Portal, user: User, drawn: frozenset[tuple[str, JobState, bool]]) -> None:
    jobs = _listed(portal, user)
    if _known(jobs) != drawn:
        st.rerun()
    with st.container(border=True, key="card-transfers", gap="small"):
        if all(job.kind == QUANTIZE for job in jobs):
            card_title(t("Quantizing"), t("A stopped portal begins it again at its next start."))
        else:
            card_title(t("Downloads"), t("They go on after a restart. Each file is verified before it can be loaded."))
        for job in jobs:
            _row(portal, user, job)


def _row(portal: Portal, user: User, job: Job) -> None:
    with st.container(key=f"transfer-{job.id}", gap="xxsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            name = plain(str(job.payload["name"]))
            if job.state is JobState.DONE:
                _made(job, name)
                return
            if job.state is JobState.FAILED:
                why = plain(error_text(job.error)) if job.error else ""
                st.markdown(f"**{name}**  :red[{t('failed')}]  \n:small[:gray[{why}]]", width="stretch")
                _button(t("Try again"), f"transfer-retry-{job.id}", lambda: portal.downloads.retry(user, job.id))
                _button(t("Dismiss"), f"transfer-dismiss-{job.id}", lambda: portal.downloads.dismiss(user, job.id))
                return
            st.markdown(f"**{name}**  :gray[{_stats(job)}]", width="stretch")
            if job.paused:
                _button(t("Resume"), f"transfer-resume-{job.id}", lambda: portal.downloads.resume(user, job.id))
            elif job.kind.endswith("download"):
                _button(t("Pause"), f"transfer-pause-{job.id}", lambda: portal.downloads.pause(user, job.id))
            if job.cancel_requested:
                st.button(t("Stopping"), type="tertiary", disabled=True, key=f"transfer-stopping-{job.id}")
            else:
                _button(t("Cancel"), f"transfer-cancel-{job.id}", lambda: portal.downloads.cancel(user, job.id))
        st.progress(job.progress)
        if job.error is not None and job.state is JobState.WAITING and not job.paused:
            st.markdown(f":small[:orange[{plain(error_text(job.error))}]]")


def _made(job: Job, name: str) -> None:
    hashes = job.result.get("sha256")
    sha256 = str(next(iter(hashes.values()), "")) if isinstance(hashes, Mapping) else ""
    words = f"{size(_number(job.result.get('size_bytes')))} · SHA-256 {sha256[:16]}…"
    st.markdown(f"**{name}**  :green[{t('made')}]  :gray[{words}]", width="stretch")
    path = Path(str(job.result["path"]))
    st.button(t("About this file"), type="tertiary", key=f"transfer-made-{job.id}", on_click=open_report, args=(path,))


def _stats(job: Job) -> str:
    """Return progress, speed and time left."""
    detail = job.detail
    done, total = _number(detail.get("done_bytes")), _number(detail.get("total_bytes") or job.payload.get("size_bytes"))
    amount = t("{done} of {whole}", done=size(done), whole=size(total)) if total else ""
    if job.paused:
        return " · ".join(part for part in (t("paused"), amount) if part)
    if job.state is JobState.WAITING:
        return " · ".join(part for part in (t("waiting"), amount) if part)
    if detail.get("step") == "verify":
        return f"{amount} · {t('verifying {file}', file=plain(str(detail.get('file', ''))))}"
    speed = _number(detail.get("bytes_per_second"))
    parts = [amount]
    if speed:
        parts += [f"{speed / 1e6:,.1f} MB/s", t("{time} left", time=_duration((total - done) / speed))]
    return " · ".join(part for part in parts if part) or t("listing files")


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    return t("{n} min", n=round(seconds / 60)) if seconds < 5400 else t("{n} h", n=round(seconds / 3600))


def _button(label: str, key: str, action: Callable[[], object]) -> None:
    if st.button(label, type="tertiary", key=key):
        try:
            action()
        except PortalError as problem:
            st.toast(plain(error_text(problem)), icon=":material/error:")
        else:
            st.rerun()


def _number(value: object) -> int:
    return int(value) if isinstance(value, int | float) else 0
