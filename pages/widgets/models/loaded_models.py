"""The cards of the machine and of the loaded models, which redraw themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.models.records import LoadedModel, ModelState
from core.people.records import User
from pages.shell.live_part import part
from pages.shell.words import t
from pages.widgets.chat.message import plain
from pages.widgets.common.card import card_title
from pages.widgets.common.formats import size
from pages.widgets.models.loaded_card import loaded_card
from pages.widgets.models.memory_bar import HOST, device_bar

if TYPE_CHECKING:
    from bootstrap.portal import Portal

LIVE_S, QUIET_S = 1.0, 4.0
"""Seconds between redraws of the cards: while a model loads or drains, and otherwise."""
Known = frozenset[tuple[str, ModelState, bool]]


def loaded_models(portal: Portal, user: User, loaded: Sequence[LoadedModel]) -> None:
    """Draw the cards, and draw them again and again: faster while a model loads or drains."""
    busy = any(model.state in (ModelState.LOADING, ModelState.DRAINING, ModelState.RESTARTING) for model in loaded)
    part(_cards, every=LIVE_S if busy else QUIET_S)(portal, user, _known(loaded))


def _known(loaded: Sequence[LoadedModel]) -> Known:
    return frozenset((model.name, model.state, model.default) for model in loaded)


def _cards(portal: Portal, user: User, drawn: Known) -> None:
    """Draw the cards, which redraw themselves. Redraw the whole page when a model appears, disappears or changes its state."""
    loaded = portal.models.loaded(user)
    if _known(loaded) != drawn:
        st.rerun()
    _machine(portal, user, loaded)
    if not loaded:
        with st.container(border=True, key="card-none"):
            card_title(t("No model is loaded"), t(
                "No one can ask anything until a model is loaded. Choose a file in the memory plan and load it."
            ))
    for model in loaded:
        with st.container(border=True, key=f"card-model-{model.name}", gap="small"):
            loaded_card(portal, user, model)


def _machine(portal: Portal, user: User, loaded: Sequence[LoadedModel]) -> None:
    """Draw a bar for each memory of the machine, with its current use."""
    devices = portal.models.memory(user)
    with st.container(border=True, key="card-machine", gap="xsmall"):
        for device in devices:
            named = t("Memory on this machine") if device.name == HOST else t("Memory on {device}", device=plain(device.name))
            free = t("{free} free of {total}", free=size(device.free_bytes), total=size(device.total_bytes))
            card_title(named, free)
            device_bar(device, devices, loaded)
        if budget := portal.models.budget(user):
            free = t("{free} free of {total}", free=size(budget.free_bytes), total=size(budget.total_bytes))
            card_title(t("Memory for models"), f"{free} · {t('the limit of PORTAL_MODEL_MEMORY_GB')}")
            device_bar(budget, devices, loaded)
