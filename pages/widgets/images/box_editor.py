"""The table of boxes, and the fields of the chosen box."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.grounding.corrections import MAX_COMMENT
from core.grounding.records import MAX_LABEL, Box, GroundImage, GroundRun
from core.people.permissions import Permission, allows
from core.people.records import User
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.formats import MISSING, seconds
from pages.widgets.images.edited import Edited, forget, numbers_of

if TYPE_CHECKING:
    from bootstrap.portal import Portal

COLOURS = ("#1d4ed8", "#b45309", "#047857", "#be185d", "#6d28d9", "#0e7490")
"""Colours of the boxes, the same as in static/boxes.js."""
_DONE = "images-saved"


def box_editor(portal: Portal, user: User, run: GroundRun, image: GroundImage, edited: Edited) -> None:
    with st.container(border=True, key="card-boxes", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key="images-boxhead"):
            st.markdown(f"### {t('{n} boxes', n=len(edited.boxes))}\n:gray[:small[{plain(_found_by(run))}]]", anchors=False)
            st.space("stretch")
            st.button(
                t("Add a box"), icon=":material/select:", type="tertiary", key="images-add", on_click=edited.add, args=(image, run),
            )  # fmt: skip
        if edited.boxes:
            box_table(edited.boxes, edited.chosen)
            st.pills(
                t("Choose a box"), list(range(len(edited.boxes))), format_func=lambda number: str(number + 1), default=edited.chosen,
                key=f"images-choose-{run.id}-{edited.chosen}-{len(edited.boxes)}", label_visibility="collapsed",
                on_change=_choose, args=(edited, f"images-choose-{run.id}-{edited.chosen}-{len(edited.boxes)}"),
            )  # fmt: skip
    if edited.chosen is not None and edited.chosen < len(edited.boxes):
        _fields(image, edited)
    if allows(user, Permission.RATE):
        _save(portal, user, run, edited)


def box_table(boxes: Sequence[Box], chosen: int | None = None) -> None:
    """Draw the table of boxes. chosen: the number of the box to mark."""
    rows = ""
    for number, (box, (left, top, wide, high)) in enumerate(zip(boxes, numbers_of(boxes), strict=True)):
        colour = COLOURS[number % len(COLOURS)]
        sure = MISSING if box.confidence is None else f"{box.confidence * 100:.0f} %"
        label = escape(box.label) or MISSING
        rows += (
            f"<tr{' class=on' if number == chosen else ''}>"
            f"<td><span class='sw' style='background:{colour}'></span>{number + 1}</td><td>{label}</td>"
            f"<td class='r'>{sure}</td><td class='r'>{left:,}, {top:,}</td><td class='r'>{wide:,} × {high:,}</td></tr>"
        )
    heads = (("", ""), (t("What"), ""), (t("Confidence"), " class='r'"), ("x, y", " class='r'"), (t("Size"), " class='r'"))
    head = "".join(f"<th scope='col'{kind}>{escape(name)}</th>" for name, kind in heads)
    st.html(f"<div class='boxtable' tabindex='0'><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>")


def _found_by(run: GroundRun) -> str:
    where = t("Found by {model} in {time}", model=run.model, time=seconds(run.duration_s))
    words = t("From an earlier run of {model}", model=run.model) if run.cached else where
    return f"{words} · {t('Corrected by you')}" if run.corrected is not None else words


def _choose(edited: Edited, key: str) -> None:
    edited.chosen = st.session_state[key]


def _fields(image: GroundImage, edited: Edited) -> None:
    assert edited.chosen is not None
    number, box = edited.chosen, edited.boxes[edited.chosen]
    left, top, wide, high = numbers_of([box])[0]
    mark = f"{edited.run_id}-{number}-{left}-{top}-{wide}-{high}-{box.label}"
    with st.container(border=True, key="card-fix", gap="small"):
        st.markdown(f"### {t('Correct box {n}', n=number + 1)}", anchors=False)
        label = st.text_input(t("What"), box.label, max_chars=MAX_LABEL, key=f"fix-label-{mark}")
        with st.container(horizontal=True, gap="xsmall", key="images-fixgrid"):
            x = st.number_input("x", 0, image.width - 1, min(left, image.width - 1), key=f"fix-x-{mark}", width=96)
            y = st.number_input("y", 0, image.height - 1, min(top, image.height - 1), key=f"fix-y-{mark}", width=96)
            w = st.number_input(t("Width"), 1, image.width, max(1, min(wide, image.width)), key=f"fix-w-{mark}", width=96)
            h = st.number_input(t("Height"), 1, image.height, max(1, min(high, image.height)), key=f"fix-h-{mark}", width=96)
        if (label, x, y, w, h) != (box.label, left, top, wide, high):
            edited.change(
                replace(
                    box, label=label.strip(), left=float(x), top=float(y), right=float(min(x + w, image.width)),
                    bottom=float(min(y + h, image.height)), confidence=None,
                )
            )  # fmt: skip
            st.rerun()
        st.button(t("Not on the image"), icon=":material/delete:", type="tertiary", key="images-remove", on_click=edited.remove)


def _save(portal: Portal, user: User, run: GroundRun, edited: Edited) -> None:
    with st.container(key="images-save", gap="small"):
        comment = st.text_input(
            t("Comment for reviewers"), run.comment, max_chars=MAX_COMMENT, placeholder=t("Optional: what was wrong"),
            key=f"fix-comment-{run.id}",
        )  # fmt: skip
        changed = edited.changed(run)
        label = t("Save correction") if changed or run.corrected is not None else t("Confirm the boxes")
        saved = st.button(
            label, type="primary" if changed else "secondary", icon=":material/rate_review:", key="images-correct",
            help=t("Kept with image, phrases and model. Reviewers see it in the feedback queue."),
        )  # fmt: skip
        if saved:
            try:
                portal.box_corrections.correct(user, run.id, edited.boxes, comment)
            except PortalError as problem:
                st.markdown(f":red[:material/error: {plain(error_text(problem))}]")
                return
            forget()
            st.session_state[_DONE] = run.id
            st.rerun()
        if st.session_state.get(_DONE) == run.id and not changed:
            st.markdown(f":green[:material/check_circle: {t('Saved. Reviewers see it in the feedback queue.')}]")
