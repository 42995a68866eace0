"""Get a model (admin): known models, what fits this machine, downloads, other sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.models.catalogue import Capability, CatalogueEntry, Hub
from core.models.records import ModelKind
from core.people.records import User
from core.transfers.downloads import Offer, best_offer, recommended
from pages.shell import frame
from pages.shell.words import t
from pages.widgets.common.formats import size
from pages.widgets.get_model.catalogue_card import HUBS, catalogue_card
from pages.widgets.get_model.other_sources import other_sources
from pages.widgets.get_model.transfers import transfers, under_way

if TYPE_CHECKING:
    from bootstrap.portal import Portal

PATH = "get_model"
_FITS = {"fits": "Fits this machine", "all": "All"}
_KINDS = {
    "any": "For anything", "chat": "Chat", "thinking": "Thinking", "tools": "Tools", "vision": "Images",
    "vectors": "Embedding and reranking",
}  # fmt: skip


def render(portal: Portal, user: User) -> None:
    entries = portal.downloads.catalogue(user)
    offers = {entry.id: portal.downloads.offers(user, entry) for entry in entries}
    free = portal.downloads.disk_free(user)
    with frame.page_head(t("Get a model"), _machine(offers, free), key="getmodel"):
        other_sources(portal, user)
    if portal.downloads.offline:
        with st.container(border=True, key="card-offline"):
            words = t("Nothing is fetched from a hub. Models come from a folder on the server or by upload.")
            st.markdown(f":orange[:material/cloud_off:] **{t('Offline mode is on.')}** {words}")
    transfers(portal, user)
    shown, hub = _filtered(entries, offers)
    if not shown:
        frame.blank(t("No model matches"), t("Show all models, or search for something else."), key="blank-getmodel")
        return
    best = recommended(offers, entries)
    # The suggestion first, then what fits, smallest first.
    shown = sorted(shown, key=lambda entry: (entry.id != best, best_offer(offers[entry.id]) is None))
    running = under_way(portal, user)
    files = portal.models.files(user)
    with st.grid(3, min_column_width=300, gap="small", key="getmodel-grid"):
        for entry in shown:
            catalogue_card(portal, user, entry, offers[entry.id], hub, running, files, best=entry.id == best)


def _machine(offers: Mapping[str, Sequence[Offer]], free: int | None) -> str:
    plan = next(iter(offers.values()))[0].plan
    words = t("This machine: {free} of {total} free for models.", free=size(plan.free_bytes), total=size(plan.total_bytes))
    return words if free is None else words + " " + t("Disk: {free} free.", free=size(free))


def _filtered(entries: Sequence[CatalogueEntry], offers: Mapping[str, Sequence[Offer]]) -> tuple[list[CatalogueEntry], Hub]:
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="getmodel-filters"):
        fits = st.segmented_control(
            t("What fits"), list(_FITS), default="all", required=True, format_func=lambda name: t(_FITS[name]), key="getmodel-fits",
            label_visibility="collapsed",
        )  # fmt: skip
        kind = st.selectbox(
            t("For"), list(_KINDS), format_func=lambda name: t(_KINDS[name]), key="getmodel-kind", label_visibility="collapsed", width=210
        )
        typed = st.text_input(
            t("Search"), placeholder=t("Search {n} models", n=len(entries)), key="getmodel-search", label_visibility="collapsed", width=230
        )
        hub = st.segmented_control(
            t("Hub"), list(HUBS), default=Hub.HUGGING_FACE, required=True, format_func=HUBS.__getitem__, key="getmodel-hub",
            label_visibility="collapsed",
        )  # fmt: skip
    found = [entry for entry in entries if _is_for(entry, kind) and (typed or "").strip().lower() in entry.title.lower()]
    if fits == "fits":
        found = [entry for entry in found if best_offer(offers[entry.id]) is not None]
    return found, hub or Hub.HUGGING_FACE


def _is_for(entry: CatalogueEntry, kind: str) -> bool:
    if kind == "vectors":
        return entry.kind is not ModelKind.CHAT
    if kind == "chat":
        return entry.kind is ModelKind.CHAT
    return kind == "any" or Capability(kind) in entry.capabilities
