"""One image: upload it, enter phrases, view and correct the result, and compare two models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import uuid4

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.errors import NotFound, PortalError
from core.grounding.records import GroundImage, GroundRun
from core.inference.detection import Grounder
from core.models.records import ModelKind
from core.people.permissions import Permission, allows
from core.people.records import User
from pages.shell import frame
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.formats import seconds
from pages.widgets.images.box_editor import box_editor, box_table
from pages.widgets.images.canvas import canvas
from pages.widgets.images.edited import edited, forget
from pages.widgets.images.exports import exports

if TYPE_CHECKING:
    from bootstrap.portal import Portal

TYPES = ("png", "jpg", "jpeg", "webp", "gif", "heic", "heif")
_IMAGE, _RUNS, _PROBLEM, _SESSION, _UPLOADER = "images-image", "images-runs", "images-problem", "images-session", "images-uploader"


def open_image(image_id: str | None, runs: Sequence[str] = ()) -> None:
    """Show this image with these runs; None shows the uploader."""
    state = st.session_state
    state[_IMAGE], state[_RUNS] = image_id, list(runs)
    state.pop(_PROBLEM, None)
    state[_UPLOADER] = state.get(_UPLOADER, 0) + 1
    forget()


def one_image(portal: Portal, user: User, head: DeltaGenerator) -> None:
    """Draw the image with its form and results. head: the container for the page's actions."""
    state = st.session_state
    if _IMAGE not in state:
        open_image(st.query_params.get("image"))
    image, runs = _opened(portal, user)
    if image is None:
        st.query_params.pop("image", None)
        _upload(portal, user)
        return
    st.query_params["image"] = image.id
    shown = [run for run in runs if run.id in state[_RUNS]] or runs[-1:]
    with head:
        st.button(t("New image"), icon=":material/add_photo_alternate:", key="images-new", on_click=open_image, args=(None,))
        if len(shown) == 1 and shown[0].error is None:
            exports(portal, user, shown[0], image)
    good = [run for run in shown if run.error is None]
    if len(good) == 2:
        _compared(image, good)
        _form(portal, user, image, good[-1])
        return
    run = shown[-1] if shown else None
    left, right = st.columns([1.62, 1], gap="medium")
    with left:
        _picture(user, image, run)
    with right, st.container(gap="small"):
        _form(portal, user, image, run)
        if run is not None:
            _result(portal, user, image, run)


def _opened(portal: Portal, user: User) -> tuple[GroundImage | None, Sequence[GroundRun]]:
    image_id = st.session_state[_IMAGE]
    if not image_id:
        return None, ()
    try:
        return portal.grounding.image(user, image_id)
    except NotFound:
        open_image(None)
        return None, ()


def _upload(portal: Portal, user: User) -> None:
    if not allows(user, Permission.UPLOAD):
        why = t("Your role or group may not upload files. An admin can change that on the People page.")
        frame.blank(t("You cannot upload images"), why)
        return
    with st.container(key="images-drop", gap="xsmall", width=640):
        file = st.file_uploader(
            t("Drop an image here, or choose one"), type=list(TYPES), max_upload_size=max(1, portal.grounding.max_bytes // 1_000_000),
            key=f"images-file-{st.session_state[_UPLOADER]}",
        )  # fmt: skip
        st.caption(t("Then say in words what to find, for example “stamp” or “the damaged box”. The location stored in photos is removed."))
        if file is not None:
            try:
                with st.spinner(t("Reading the image")):
                    image = portal.grounding.upload(user, file.name, file.getvalue())
            except PortalError as problem:
                st.markdown(f":red[:material/error: {plain(error_text(problem))}]")
                return
            open_image(image.id)
            st.rerun()


def _picture(user: User, image: GroundImage, run: GroundRun | None) -> None:
    # One key for all runs of an image: its picture stays on the page while boxes come and go.
    key = f"boxes-{image.id}"
    if run is None or run.error is not None:
        canvas(key, image, (), ())
    else:
        now = edited(run)

        def moved(key: str) -> None:
            if event := st.session_state[key].event:
                now.take(dict(event), image, run)

        canvas(key, image, now.boxes, run.phrases, edit=True, chosen=now.chosen, on_event=moved)
    with st.container(horizontal=True, gap="small", key="images-caption"):
        st.caption(f"{plain(image.name)} · {image.width:,} × {image.height:,}")
        if run is not None and run.error is None:
            st.caption(t("Drag to draw, move or resize. Arrow keys move a box, with Alt they resize it."))


def _form(portal: Portal, user: User, image: GroundImage, run: GroundRun | None) -> None:
    if not allows(user, Permission.DETECT):
        st.caption(t("Your role or group may not find boxes on images."))
        return
    found = portal.grounding.grounders(user)
    with st.container(border=True, key="card-find", gap="small"):
        phrases = st.text_area(
            t("What to find"), "\n".join(run.phrases) if run else "", height=116, key=f"images-phrases-{image.id}",
            placeholder=t("One phrase on each line"), help=t("One phrase on each line, in any language that the model knows."),
        )  # fmt: skip
        if not found:
            st.caption(t("No model that finds boxes is loaded. Ask an admin to add a detector, or to load a GLM that sees images."))
            return
        names = {each.name: each for each in found}
        with st.container(horizontal=True, gap="small", vertical_alignment="bottom", key="images-models"):
            model = st.selectbox(t("Model"), list(names), format_func=lambda name: _model_word(names[name]), key="images-model")
            other = None
            if len(names) > 1:
                other = st.selectbox(
                    t("Compare with"), [name for name in names if name != model], index=None, placeholder=t("No other"),
                    format_func=lambda name: _model_word(names[name]), key="images-other",
                )  # fmt: skip
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            pressed = st.button(t("Find"), type="primary", key="images-find")
            refresh = st.checkbox(
                t("Ask again"), key="images-anew", help=t("Do not use cached results of the same image, phrase and model.")
            )
        if pressed:
            _find(portal, user, image, phrases or "", [model, *([other] if other else [])], refresh=refresh)
        failed = run is not None and run.error is not None
        if (problem := st.session_state.get(_PROBLEM)) and not failed:
            st.markdown(f":red[:material/error: {plain(problem)}]")


def _model_word(grounder: Grounder) -> str:
    return grounder.name if grounder.kind is ModelKind.CHAT else t("{model} (detector)", model=grounder.name)


def _find(portal: Portal, user: User, image: GroundImage, phrases: str, models: Sequence[str], *, refresh: bool) -> None:
    state = st.session_state
    session = state.setdefault(_SESSION, uuid4().hex)
    found = []
    state.pop(_PROBLEM, None)
    forget()
    for model in models:
        try:
            with st.spinner(t("{model} is looking", model=plain(model))):
                found.append(portal.grounding.find(user, image.id, phrases.splitlines(), model, session=session, refresh=refresh).id)
        except PortalError as problem:
            state[_PROBLEM] = error_text(problem)
    if found:
        state[_RUNS] = found
    st.rerun()


def _result(portal: Portal, user: User, image: GroundImage, run: GroundRun) -> None:
    if run.error is not None:
        st.markdown(f":red[:material/error: **{t('The last run failed.')}** {plain(error_text(run.error))}]")
        return
    now = edited(run)
    missing = [phrase for number, phrase in enumerate(run.phrases) if all(box.phrase != number for box in now.boxes)]
    if missing:
        with st.container(key="images-none"):
            words = t("Try a plainer or broader phrase, or draw the box yourself.")
            st.markdown(f"**{plain(t('Not found: {phrases}.', phrases=', '.join(missing)))}** {words}")
    box_editor(portal, user, run, image, now)


def _compared(image: GroundImage, runs: Sequence[GroundRun]) -> None:
    for run, column in zip(runs, st.columns(len(runs), gap="medium"), strict=True):
        with column, st.container(gap="xsmall"):
            words = t("Found by {model} in {time}", model=run.model, time=seconds(run.duration_s))
            st.markdown(f"### {plain(run.model)}\n:gray[:small[{plain(words)} · {t('{n} boxes', n=len(run.shown))}]]", anchors=False)
            canvas(f"compare-{run.id}", image, run.shown, run.phrases)
            box_table(run.shown)
            st.button(
                t("Correct these boxes"), icon=":material/edit:", type="tertiary", key=f"compare-open-{run.id}", on_click=open_image,
                args=(image.id, [run.id]),
            )  # fmt: skip
