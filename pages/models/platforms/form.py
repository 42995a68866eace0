"""Show the configuration as a form. Each change is written into the configuration text, which is applied as a whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.inference.records import Task
from core.people.records import User
from core.platforms.records import PlatformForm, PlatformsForm, PlatformType
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_CHOSEN, _NEXT, _PROBLEM = "platforms_form_chosen", "platforms_form_next", "platforms_form_problem"
TYPES = tuple(each.value for each in PlatformType if each not in (PlatformType.LOCAL, PlatformType.PLUGIN))
KINDS = {"llm": "Models for chats", "embedding": "Embedding models", "rerank": "Reranking models"}
NEW = PlatformForm(name="", type=TYPES[0], base_url="")


def configuration_form(portal: Portal, user: User, text_key: str) -> None:
    """Draw the form. text_key: the session key of the text."""
    try:
        shown = portal.platforms.form(user, st.session_state[text_key])
    except PortalError as problem:
        st.error(f"{plain(error_text(problem))}  \n{t('Correct it under Text first.')}", icon=":material/error:")
        return
    if problem := st.session_state.pop(_PROBLEM, ""):
        st.error(plain(problem), icon=":material/error:")
    names = [each.name for each in shown.platforms]
    if (following := st.session_state.pop(_NEXT, None)) is not None:
        st.session_state[_CHOSEN] = following
    if st.session_state.get(_CHOSEN, "") not in (*names, ""):
        st.session_state.pop(_CHOSEN, None)
    chosen = st.selectbox(t("Platform"), [*names, ""], format_func=lambda name: name or t("Add a platform"), key=_CHOSEN)
    _platform(portal, user, text_key, next((each for each in shown.platforms if each.name == chosen), NEW))
    _routes(portal, user, text_key, shown)


def _platform(portal: Portal, user: User, text_key: str, platform: PlatformForm) -> None:
    with st.form(f"platform-{platform.name}", border=True):
        name = st.text_input(t("Name"), platform.name)
        kind = st.selectbox(t("Type"), TYPES, TYPES.index(platform.type) if platform.type in TYPES else 0)
        address = st.text_input(t("Address"), platform.base_url, placeholder="https://models.example/v1")
        secret = st.text_input(t("API key"), platform.api_key, placeholder="${GATEWAY_KEY}", help=t("From the environment of the portal"))
        models: dict[str, tuple[str, ...]] | None = None
        if platform.models is None:
            st.caption(t("Some models have details. Edit them under Text."))
        else:
            help_text = t("Names, separated by commas. None: all that the platform lists.")
            joined = {each: ", ".join(platform.models.get(each, ())) for each in KINDS}
            written = {each: st.text_input(t(label), joined[each], help=help_text) for each, label in KINDS.items()}
            models = {each: _listed(names) for each, names in written.items()}
        left, middle, right = st.columns(3)
        concurrent = left.text_input(t("Requests at once"), _number(platform, "concurrent"))
        per_minute = middle.text_input(t("Requests a minute"), _number(platform, "requests_per_minute"))
        seconds = right.text_input(t("Seconds for an answer"), _number(platform, "timeout_s"))
        enabled = st.toggle(t("In use"), platform.enabled)
        with st.container(horizontal=True, gap="xsmall"):
            saved = st.form_submit_button(t("Put into the text"), icon=":material/edit_note:", key=f"form-save-{platform.name}")
            removed = st.form_submit_button(
                t("Remove"), type="tertiary", icon=":material/delete:", key=f"form-remove-{platform.name}", disabled=platform is NEW
            )  # fmt: skip
    if removed:
        _change(text_key, lambda text: portal.platforms.without_platform(user, text, platform.name), None)
    if saved:
        numbers = {"concurrent": concurrent, "requests_per_minute": per_minute, "timeout_s": seconds}
        if any(each.strip() and not _is_number(each) for each in numbers.values()):
            st.error(t("Limits are numbers, or empty."), icon=":material/error:")
            return
        limits = {key: float(each) if "." in each else int(each) for key, each in numbers.items() if each.strip()}
        changed = PlatformForm(
            name=name.strip(), type=str(kind), base_url=address.strip(), api_key=secret.strip(), models=models, limits=limits,
            enabled=enabled,
        )  # fmt: skip
        old = None if platform is NEW else platform.name
        _change(text_key, lambda text: portal.platforms.with_platform(user, text, old, changed), changed.name)


def _routes(portal: Portal, user: User, text_key: str, shown: PlatformsForm) -> None:
    with st.form("routes", border=True):
        st.markdown(f"**{t('Routes')}**")
        st.caption(t("The first one that can answer takes a question; the next one follows if it fails."))
        typed: dict[Task, str] = {}
        for task in Task:
            steps = shown.routes.get(task.value, ())
            if steps is None:
                st.caption(t("{task}: some steps have conditions. Edit them under Text.", task=task.value))
            else:
                typed[task] = st.text_input(task.value, ", ".join(steps), placeholder="glm-4.7@gateway, glm@local")
        saved = st.form_submit_button(t("Put into the text"), icon=":material/edit_note:", key="form-save-routes")
    if saved:

        def written(text: str) -> str:
            for task, each in typed.items():
                if _listed(each) != (shown.routes.get(task.value) or ()):
                    text = portal.platforms.with_route(user, text, task, _listed(each))
            return text

        _change(text_key, written, None)


def _change(text_key: str, change: Callable[[str], str], chosen: str | None) -> None:
    """Change the text and rerun. chosen: the platform to show next; None leaves it unchanged."""
    try:
        st.session_state[text_key] = change(st.session_state[text_key])
        st.session_state[_NEXT] = chosen
    except PortalError as problem:
        st.session_state[_PROBLEM] = error_text(problem)
    st.rerun()


def _listed(written: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in written.replace("，", ",").split(",") if each.strip())


def _number(platform: PlatformForm, key: str) -> str:
    return f"{platform.limits[key]:g}" if isinstance(platform.limits.get(key), int | float) else ""


def _is_number(written: str) -> bool:
    return written.strip().replace(".", "", 1).isdigit() and written.strip().isascii()
