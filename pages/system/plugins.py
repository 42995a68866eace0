"""Plugins (admin): installed plugins, what each adds, the groups that use it, and its last failure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.people.records import User
from core.plugins.records import Addition, AdditionKind, PluginInfo
from pages.shell import frame
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_OFF, _EVERYONE, _GROUPS = "off", "everyone", "groups"
_STATES = {_OFF: "Off", _EVERYONE: "On for everyone", _GROUPS: "On for groups"}
_ADDS = {
    AdditionKind.EXPORTER: "Export format: {name}",
    AdditionKind.FILE_READER: "Reads files: {name}",
    AdditionKind.QUESTION_FILTER: "Changes questions before the model reads them",
    AdditionKind.ANSWER_FILTER: "Changes answers before people read them",
    AdditionKind.TOOL: "A tool for the model: {name}",
    AdditionKind.PLATFORM: "A kind of platform: {name}",
    AdditionKind.PAGE_SECTION: "A section on a page: {name}",
}


def render(portal: Portal, user: User) -> None:
    with st.container(key="narrow", width=760, gap="medium"):
        about = t("Packages that add to the portal. A plugin that is off is not even imported; one that fails is skipped.")
        frame.page_head(t("Plugins"), about, key="plugins")
        groups = portal.plugins.groups(user)
        for info in portal.plugins.list(user):
            _plugin(portal, user, info, groups)
        st.caption(t("Install the package of a plugin beside the portal and start it again; it is then listed here."))


def _plugin(portal: Portal, user: User, info: PluginInfo, groups: Sequence[str]) -> None:
    state = info.state
    with st.container(border=True, key=f"card-plugin-{info.name}", gap="small"):
        version = f" · {plain(info.version)}" if info.version else ""
        origin = plain(info.package) + version if info.package else t("Comes with the portal")
        if not info.installed:
            origin = f":orange[{t('Not installed any more')}]"
        st.markdown(f"### {plain(info.name)}\n:gray[:small[{origin}]]", anchors=False)
        if info.summary:
            # The catalogue translates the descriptions of the portal's own plugins, but not those of others.
            st.markdown(plain(info.summary) if info.package else t(info.summary))
        if state.adds:
            st.markdown("\n".join(f"- {_adds(each)}" for each in state.adds))
        else:
            st.caption(t("What it adds is listed once it has been turned on."))
        if state.error and state.failed_at is not None:
            at = f"{state.failed_at:%Y-%m-%d %H:%M} UTC"
            failed = t("It failed on {moment}, and was skipped: “{error}”", moment=at, error=plain(state.error))
            st.warning(failed, icon=":material/error:")
        _switch(portal, user, info, groups)


def _adds(each: Addition) -> str:
    return t(_ADDS[each.kind], name=plain(each.name))


def _switch(portal: Portal, user: User, info: PluginInfo, groups: Sequence[str]) -> None:
    state = info.state
    now = _EVERYONE if state.everyone else _GROUPS if state.groups else _OFF
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        choices = list(_STATES) if info.installed else [_OFF, now]
        chosen = st.selectbox(
            t("State"), list(dict.fromkeys(choices)), list(dict.fromkeys(choices)).index(now), lambda each: t(_STATES[each]),
            key=f"plugin-{info.name}-state", width=220,
        )  # fmt: skip
        picked: Sequence[str] = ()
        if chosen == _GROUPS:
            known = list(dict.fromkeys([*groups, *state.groups]))
            picked = st.multiselect(
                t("Groups"), known, list(state.groups), placeholder=t("Choose groups"), key=f"plugin-{info.name}-groups", width="stretch"
            )
        wanted = (chosen == _EVERYONE, tuple(sorted(picked)))
        if st.button(
            t("Save"), type="primary", disabled=wanted == (state.everyone, state.groups), key=f"plugin-{info.name}-save"
        ):
            try:
                portal.plugins.change(user, info.name, everyone=wanted[0], groups=wanted[1])
            except PortalError as problem:
                st.session_state[f"plugin-{info.name}-problem"] = error_text(problem)
            st.rerun()
    if problem := st.session_state.pop(f"plugin-{info.name}-problem", ""):
        st.markdown(f":red[:material/error: {plain(problem)}]")
