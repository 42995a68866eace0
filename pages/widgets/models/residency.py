"""When a model leaves memory and returns: one line that describes it, and the dialog that changes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.models.records import LoadedModel, Residency
from core.people.records import User
from pages.shell.live_part import dialog
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain

if TYPE_CHECKING:
    from bootstrap.portal import Portal


def residency_line(residency: Residency) -> str:
    """Return the settings on one line; "" if nothing is set."""
    if residency.idle_minutes is None:
        return ""
    idle = t("Leaves memory after {n} idle minutes", n=residency.idle_minutes)
    return f"{idle} · {t('back at {time} on weekdays', time=residency.load_at)}" if residency.load_at else idle


def residency_dialog(portal: Portal, user: User, model: LoadedModel) -> None:
    """Open the dialog that changes when the model leaves memory."""

    @dialog(t("When does {name} leave memory?", name=plain(model.name)))
    def ask() -> None:
        st.markdown(t("An idle model can make room for others. The next question loads it again, which takes as long as a load."))
        minutes = st.number_input(
            t("Idle minutes"), 1, 100_000, model.residency.idle_minutes, placeholder=t("Never"), key=f"residency-idle-{model.name}"
        )
        load_at = st.text_input(
            t("Load it again at, on weekdays"), model.residency.load_at, max_chars=5, placeholder="07:30", key=f"residency-at-{model.name}",
            help=t("In the server's time zone. Leave empty to load it when someone asks."),
        )  # fmt: skip
        with st.container(horizontal=True, horizontal_alignment="right", gap="xsmall"):
            if st.button(t("Cancel"), key="residency-no"):
                st.rerun()
            if st.button(t("Save"), type="primary", key="residency-yes"):
                try:
                    portal.models.reside(user, model.name, Residency(minutes, (load_at or "").strip()))
                except PortalError as problem:
                    st.error(plain(error_text(problem)), icon=":material/error:")
                else:
                    st.rerun()

    ask()
