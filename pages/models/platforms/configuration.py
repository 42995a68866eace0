"""The configuration of platforms: edit it as text or in a form, and view and restore its versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.people.records import User
from core.platforms.records import ConfigurationState, EditedBy, PlatformsVersion
from pages.models.platforms.form import configuration_form
from pages.shell.live_part import callback
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.formats import ago

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_TEXT, _BASE, _SAID, _CHOSEN = "platforms_text", "platforms_base", "platforms_said", "platforms_version"
_VIEW, TEXT, FORM = "platforms_edit_view", "text", "form"
EXAMPLE = """platforms:
  - name: gateway
    type: openai                      # openai, ollama or xinference
    base_url: https://models.example/v1
    # api_key: ${GATEWAY_KEY}         # from the environment of the portal
    models: {llm: [glm-4.7]}
    limits: {concurrent: 8, timeout_s: 120}
routes:
  chat: [glm-4.7@gateway]
"""


def editor(portal: Portal, user: User, state: ConfigurationState) -> None:
    """Draw the editor. Keep the typed text even if it is invalid."""
    if _TEXT not in st.session_state:
        st.session_state[_TEXT] = state.text or EXAMPLE
        st.session_state[_BASE] = state.version
    with st.container(border=True, key="card-platforms-edit", gap="xsmall"):
        file = plain(state.path)
        st.caption(t("Version {n} is in use. The file {file} has the same text.", file=file, n=state.version) if state.version else file)
        view = st.segmented_control(
            t("Edit as"), [TEXT, FORM], default=TEXT, format_func={TEXT: t("Text"), FORM: t("Form")}.get, key=_VIEW, required=True,
            label_visibility="collapsed",
        )  # fmt: skip
        if view == FORM:
            st.session_state[_TEXT] = st.session_state[_TEXT]  # Streamlit forgets the text of a text area that is not drawn.
            st.caption(t("The form changes the text. Comments stay, except within a value that changes. Nothing is applied before Apply."))
            configuration_form(portal, user, _TEXT)
        else:
            st.text_area(t("Configuration"), key=_TEXT, height=440)
        _show_result()
        with st.container(horizontal=True, gap="xsmall"):
            st.button(t("Apply"), type="primary", icon=":material/check:", key="platforms-apply",
                      on_click=callback(_apply), args=(portal, user))  # fmt: skip
            st.button(t("Check"), key="platforms-check", on_click=callback(_check), args=(portal, user))
            st.button(t("Discard changes"), type="tertiary", key="platforms-discard", on_click=_discard)


def _apply(portal: Portal, user: User) -> None:
    try:
        number = portal.platforms.apply(user, st.session_state[_TEXT], based_on=st.session_state[_BASE])
    except PortalError as problem:
        st.session_state[_SAID] = ("error", "Not applied.", error_text(problem))
    else:
        st.session_state[_BASE] = number
        st.session_state[_SAID] = ("success", t("Version {n} is in use.", n=number), "")


def _check(portal: Portal, user: User) -> None:
    try:
        portal.platforms.check(user, st.session_state[_TEXT])
    except PortalError as problem:
        st.session_state[_SAID] = ("error", "Not valid.", error_text(problem))
    else:
        st.session_state[_SAID] = ("success", t("The configuration is valid."), "")


def _discard() -> None:
    for key in (_TEXT, _BASE, _SAID):
        st.session_state.pop(key, None)


def _show_result() -> None:
    kind, head, why = st.session_state.pop(_SAID, ("", "", ""))
    if kind == "success":
        st.success(head, icon=":material/check_circle:")
    elif kind:
        heads = {"Not applied.": t("Not applied."), "Not valid.": t("Not valid.")}
        kept = t("Your text is kept here. The previous version is still in use.")
        st.error(f"**{heads[head]}** {plain(why)}  \n{kept}", icon=":material/error:")


def history(portal: Portal, user: User, state: ConfigurationState) -> None:
    """Draw the list of versions and the chosen version."""
    versions = portal.platforms.versions(user)
    if not versions:
        st.caption(t("No version yet. Nothing has been configured."))
        return
    left, right = st.columns([1, 2], gap="large")
    chosen = st.session_state.get(_CHOSEN, versions[0].number)
    with left, st.container(key="platforms-versions", gap=None):
        for version in versions:
            mark = " :material/check:" if version.number == state.version else ""
            label = f"{t('Version {n}', n=version.number)}{mark}  \n:small[:gray[{_how(version)}]]"
            kind = "secondary" if version.number == chosen else "tertiary"
            key, args = f"version-{version.number}", (version.number,)
            st.button(label, key=key, type=kind, width="stretch", wrap=True, on_click=_choose, args=args)  # type: ignore[call-overload]
    with right:
        _version(portal, user, state, chosen)


def _choose(number: int) -> None:
    st.session_state[_CHOSEN] = number


def _how(version: PlatformsVersion) -> str:
    when = ago(version.created_at)
    match version.edited_by:
        case EditedBy.FILE:
            how = t("the file on disk was edited")
        case EditedBy.RESTORE:
            how = t("{name} restored version {n}", name=plain(version.author), n=version.restored)
        case _:
            how = plain(version.author)
    return f"{when} · {how}"


def _version(portal: Portal, user: User, state: ConfigurationState, number: int) -> None:
    try:
        version, diff = portal.platforms.version(user, number)
    except PortalError as problem:
        st.caption(plain(error_text(problem)))
        return
    with st.container(border=True, key="card-platforms-version", gap="xsmall"):
        st.markdown(f"### {t('Version {n}', n=number)}", anchors=False)
        _show_result()
        st.caption(t("What it changed"))
        st.code(diff or t("Nothing"), language="diff")
        with st.expander(t("The whole configuration"), key="platforms-whole"):
            st.code(version.text or " ", language="yaml")
        if number != state.version:
            st.button(
                t("Restore version {n}", n=number), type="primary", icon=":material/history:", key="platforms-restore",
                on_click=callback(_restore), args=(portal, user, number),
            )  # fmt: skip
            st.caption(t("It becomes a new version and is used from the next question on. Running answers are not affected."))


def _restore(portal: Portal, user: User, number: int) -> None:
    try:
        applied = portal.platforms.restore(user, number)
    except PortalError as problem:
        st.session_state[_SAID] = ("error", "Not applied.", error_text(problem))
        return
    _discard()
    st.session_state[_CHOSEN] = applied
    st.session_state[_SAID] = ("success", t("Version {n} is in use.", n=applied), "")
