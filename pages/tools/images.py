"""Images (everyone): find objects in an image by phrase, and correct the boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.people.permissions import Permission, require
from core.people.records import User
from pages.shell import frame
from pages.shell.words import t
from pages.widgets.images.batches import batches
from pages.widgets.images.history import PART, history
from pages.widgets.images.one_image import one_image

if TYPE_CHECKING:
    from bootstrap.portal import Portal

PATH = "images"
_PARTS = {"one": "One image", "batches": "Batches", "history": "History", "evaluation": "Evaluation"}


def render(portal: Portal, user: User) -> None:
    require(user, Permission.DETECT)
    head = frame.page_head(t("Images"), t("Find what a phrase names, and correct it where it is wrong."), key="images")
    if PART not in st.session_state:
        st.session_state[PART] = "one"
    part = st.segmented_control(
        t("Part"), list(_PARTS), required=True, format_func=lambda name: t(_PARTS[name]), key=PART, label_visibility="collapsed",
        persist_state="session",
    )  # fmt: skip
    if part == "batches":
        batches(portal, user)
    elif part == "history":
        history(portal, user)
    elif part == "evaluation":
        from pages.widgets.images.evaluations import evaluations  # Its charts load libraries that a user server rarely needs.

        evaluations(portal, user)
    else:
        one_image(portal, user, head)
