"""Show the route that a question would take, without asking a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.inference.records import Task
from core.people.records import User
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain

if TYPE_CHECKING:
    from bootstrap.portal import Portal


def route_box(portal: Portal, user: User) -> None:
    models = [name for model in portal.gateway.chat_models(user) for name in model.names if not model.preset_of]
    with st.container(border=True, key="card-route", gap="small"):
        st.markdown(f"### {t('Where would this question go?')}", anchors=False)
        with st.form("route", border=False):
            question = st.text_area(t("Question"), key="route-question", height=100)
            group = st.text_input(t("Group of the person"), key="route-group")
            model = st.selectbox(t("Model"), [None, *models], format_func=lambda each: each or t("Not chosen"), key="route-model")
            asked = st.form_submit_button(t("Show the route"), type="primary", key="route-show")
        if asked:
            try:
                found = portal.platform_monitor.explain(user, question, model=model, group=group.strip(), task=Task.CHAT)
            except PortalError as problem:
                st.error(plain(error_text(problem)), icon=":material/error:")
                return
            for each in found.left_out:
                st.markdown(f":gray[:material/close: {plain(error_text(each))}]")
            for number, target in enumerate(found.targets):
                if number == 0:
                    st.markdown(f":green[:material/check:] {t('{target} takes it', target=plain(target))}")
                else:
                    st.markdown(f":material/subdirectory_arrow_right: {t('{target} is next', target=plain(target))}")
            if not found.targets:
                st.markdown(f":red[:material/error: {t('Nothing can answer it now.')}]")
            st.caption(t("About {n} tokens", n=found.tokens))
