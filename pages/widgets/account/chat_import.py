"""Import chats that another portal exported, and say what could not be imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.chat.imports.records import Lost
from core.errors import PortalError
from core.people.permissions import Permission, allows
from core.people.records import User
from core.tasks.records import ACTIVE, Job, JobState
from pages.shell.live_part import part
from pages.shell.words import error_text, listed, t
from pages.widgets.chat.message import plain

if TYPE_CHECKING:
    from bootstrap.portal import Portal

POLL_S = 1.0
_PROBLEM, _ROUND = "import-problem", "import-round"
LOST = {
    Lost.FILE: "attached files or pictures ({n})",
    Lost.TOOL: "messages of tools ({n})",
    Lost.EMPTY: "messages or chats without text ({n})",
    Lost.TOO_LONG: "the end of long texts ({n})",
    Lost.TOO_MANY: "messages or chats beyond the limit ({n})",
    Lost.ODD: "entries that are not as the format says ({n})",
    Lost.TWICE: "chats that were imported before ({n})",
}


def chat_import(portal: Portal, user: User) -> None:
    """Draw the card with the upload and recent imports."""
    if not allows(user, Permission.UPLOAD):
        return
    st.markdown(f"### {t('Import chats')}", anchors=False)
    st.caption(t(
        "The export of ChatGPT, Open WebUI or LibreChat, as a zip or JSON file. Each chat is imported once, with all of its versions."
    ))  # fmt: skip
    number = st.session_state.setdefault(_ROUND, 0)
    chosen = st.file_uploader(t("Export"), type=["zip", "json"], key=f"import-file-{number}", label_visibility="collapsed")
    if problem := st.session_state.pop(_PROBLEM, ""):
        st.markdown(f":red[:material/error: {plain(problem)}]")
    if chosen is not None and st.button(t("Import"), icon=":material/upload:", type="primary", key="import-start"):
        try:
            portal.chat_imports.start(user, chosen.name, chosen.getvalue())
            st.session_state[_ROUND] += 1
        except PortalError as problem:
            st.session_state[_PROBLEM] = error_text(problem)
        st.rerun()
    _recent(portal, user)


def _recent(portal: Portal, user: User) -> None:
    def draw() -> None:
        for job in portal.chat_imports.recent(user):
            _job(job)

    active = any(job.state in ACTIVE for job in portal.chat_imports.recent(user))
    (part(draw, every=POLL_S) if active else draw)()


def _job(job: Job) -> None:
    with st.container(key=f"import-{job.id}", gap="xxsmall"):
        st.markdown(plain(str(job.payload.get("name", ""))))
        if job.state in ACTIVE:
            st.progress(job.progress, t("Chats so far: {n}", n=job.detail.get("chats", 0)))
        elif job.state is JobState.DONE:
            st.caption(plain(report_of(job)))
        elif job.error is not None:
            st.markdown(f":red[:material/error: {plain(error_text(job.error))}]")
        else:
            st.caption(t("Cancelled"))


def report_of(job: Job) -> str:
    """Return how much was imported, and what could not be imported."""
    result = job.result
    figures = {"origin": result["from"], "chats": result["chats"], "messages": result["messages"]}
    head = t("Imported from {origin}. Chats: {chats}. Messages: {messages}.", **figures)
    lost = result.get("lost")
    named = [t(LOST[Lost(what)], n=count) for what, count in lost.items()] if isinstance(lost, dict) else []
    return " ".join([head, *([t("Not taken: {list}.", list=listed(named))] if named else [])])
