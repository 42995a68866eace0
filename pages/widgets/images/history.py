"""Earlier runs on single images, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.grounding.records import GroundImage, GroundRun
from core.people.records import User
from pages.shell import frame
from pages.shell.live_part import callback
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.formats import age
from pages.widgets.images.one_image import open_image

if TYPE_CHECKING:
    from bootstrap.portal import Portal

PAGE = 50
PART = "images-part"
_BEFORE = "images-before"


def history(portal: Portal, user: User) -> None:
    pages: list[str] = st.session_state.setdefault(_BEFORE, [])
    try:
        found = portal.grounding.history(user, PAGE + 1, pages[-1] if pages else None)
    except PortalError:
        pages.clear()
        found = portal.grounding.history(user, PAGE + 1)
    if not found:
        frame.blank(t("No searches yet"), t("Images that you searched appear here with the boxes that were found."), key="blank-history")
        return
    with st.container(key="images-history", gap="xxsmall"):
        for run, image in found[:PAGE]:
            _row(portal, user, run, image)
    if pages or len(found) > PAGE:
        with st.container(horizontal=True, gap="xsmall", key="images-pages"):
            st.button(t("Newer"), type="tertiary", key="images-newer", disabled=not pages, on_click=lambda: pages.pop())
            st.button(
                t("Older"), type="tertiary", key="images-older", disabled=len(found) <= PAGE,
                on_click=lambda: pages.append(found[PAGE - 1][0].id),
            )  # fmt: skip


def _row(portal: Portal, user: User, run: GroundRun, image: GroundImage) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key=f"irow-{run.id}"):
        what = f":red[{t('Failed')}]" if run.error else t("{n} boxes", n=len(run.shown))
        mark = f" · {t('Corrected by you')}" if run.corrected is not None else ""
        facts = f"{plain(run.model)} · {age(run.created_at)}{mark}"
        st.button(
            f"**{plain(image.name)}**  \n:small[{plain(', '.join(run.phrases))}]  \n:small[{what} :gray[· {facts}]]",
            key=f"iopen-{run.id}", type="tertiary", width="stretch", wrap=True, on_click=_open, args=(image.id, run.id),
        )  # fmt: skip
        st.button(
            t("Delete"), icon=":material/delete:", key=f"icon-idel-{run.id}", type="tertiary",
            help=t("Delete this image with everything found on it"), on_click=callback(_delete), args=(portal, user, image.id),
        )  # fmt: skip
    if problem := st.session_state.pop(f"images-kept-{image.id}", None):
        st.markdown(f":red[:material/error: {plain(problem)}]")


def _open(image_id: str, run_id: str) -> None:
    open_image(image_id, [run_id])
    st.session_state[PART] = "one"


def _delete(portal: Portal, user: User, image_id: str) -> None:
    try:
        portal.grounding.remove(user, image_id)
    except PortalError as problem:
        st.session_state[f"images-kept-{image_id}"] = error_text(problem)
