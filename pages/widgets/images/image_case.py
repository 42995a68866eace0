"""A corrected image in the feedback queue: the boxes of the model, and those of the user."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.people.records import User
from core.review.records import Feedback
from pages.shell.words import t
from pages.widgets.chat.message import plain
from pages.widgets.images.box_editor import box_table
from pages.widgets.images.canvas import canvas

if TYPE_CHECKING:
    from bootstrap.portal import Portal


def image_case(portal: Portal, user: User, feedback: Feedback) -> None:
    case = portal.box_corrections.case(user, feedback.run_id or "")
    if case is None:
        st.caption(t("The person deleted this image. The rating stays."))
        return
    run, image = case.run, case.image
    with st.container(key="rvthread", gap="small"):
        st.markdown(f":gray[**{t('Image')}**] {plain(image.name)} :gray[· {image.width:,} × {image.height:,}]")
        for key, title, boxes in (
            ("found", t("Found by {model}", model=run.model), run.boxes),
            ("fixed", t("As the person left it"), run.corrected or ()),
        ):
            with st.container(gap="xsmall", key=f"rvimage-{key}"):
                st.markdown(f":gray[**{plain(title)}**] :gray[· {t('{n} boxes', n=len(boxes))}]")
                canvas(f"case-{key}-{run.id}", image, boxes, run.phrases)
                if boxes:
                    box_table(boxes)
