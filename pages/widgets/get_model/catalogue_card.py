"""The card of a known model: its description, what fits this machine, and one button."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.models.catalogue import Capability, CatalogueEntry, Checked, Hub, Sampling
from core.models.memory_records import MemoryPlan
from core.models.records import ModelFile, ModelKind
from core.people.records import User
from core.transfers.downloads import Offer, best_offer
from pages.shell import frame
from pages.shell.words import error_text, language, listed, t
from pages.widgets.chat.message import plain
from pages.widgets.common.card import facts_list
from pages.widgets.common.formats import count, parameters, size
from pages.widgets.models.memory_plan import SPARE

if TYPE_CHECKING:
    from bootstrap.portal import Portal

CAPABILITIES = {Capability.THINKING: "Thinking", Capability.TOOLS: "Tools", Capability.VISION: "Images"}
CHECKED = {
    Checked.HEADER: "From the header of a file of this model.",
    Checked.CARD: "From the model card, not run here.",
    Checked.REPORTS: "From reports of others, not run here.",
}
HUBS = {Hub.HUGGING_FACE: "Hugging Face", Hub.MODELSCOPE: "ModelScope"}
_KINDS = {ModelKind.EMBEDDING: "Embedding", ModelKind.RERANKING: "Reranking"}


def catalogue_card(
    portal: Portal,
    user: User,
    entry: CatalogueEntry,
    offers: Sequence[Offer],
    hub: Hub,
    running: Collection[str],
    files: Sequence[ModelFile],
    *,
    best: bool,
) -> None:
    """Draw the card. running: the names of running downloads. best: whether this model suits the machine best."""
    by_name = {offer.quantization.name: offer for offer in offers}
    first = (best_offer(offers) or offers[0]).quantization.name
    with st.container(border=True, key=f"card-known-{_key(entry)}", gap="small", height="stretch"):
        badge = f" :green-badge[{t('Best for this machine')}]" if best else ""
        st.markdown(f"### {entry.title}{badge}\n:gray[:small[{_line(entry)}]]  \n:gray[:small[{_marks(entry)}]]", anchors=False)
        chosen = st.selectbox(
            t("Quantization"), list(by_name), index=list(by_name).index(first), format_func=lambda name: _choice(by_name[name]),
            key=f"known-quantization-{_key(entry)}", label_visibility="collapsed",
        )  # fmt: skip
        offer = by_name[chosen or first]
        st.markdown(f":small[{verdict(offer.plan, entry.kind)}]")
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            _button(portal, user, entry, offer, hub, running, files, best=best)
            with st.popover(t("Details"), type="tertiary"):
                _details(entry)


def verdict(plan: MemoryPlan, kind: ModelKind) -> str:
    """Return a sentence on whether a model fits this machine, and with which settings."""
    if not plan.fits:
        if plan.needed_bytes <= plan.total_bytes:
            words = t("Fits once {size} more are free. Unload a model first.", size=size(plan.needed_bytes - plan.free_bytes))
            return f":orange[:material/warning: {words}]"
        over = size(plan.needed_bytes - plan.total_bytes)
        if plan.budget_bytes:
            words = t("Over the limit of PORTAL_MODEL_MEMORY_GB by {size}. Take a smaller model, or raise the limit.", size=over)
        else:
            words = t("Too large by {size}. Take a smaller model, or add a platform.", size=over)
        return f":red[:material/error: {words}]"
    if kind is not ModelKind.CHAT:
        words = t("Fits this machine.")
    elif plan.shared_tokens:
        words = t("Fits with {slots} chats that share {n} tokens.", slots=plan.slots, n=count(plan.shared_tokens))
    elif plan.slots == 1:
        words = t("Fits with 1 chat of {n} tokens.", n=count(plan.context))
    else:
        words = t("Fits with {slots} chats of {n} tokens.", slots=plan.slots, n=count(plan.context))
    tight = plan.free_bytes - plan.needed_bytes < SPARE * plan.total_bytes
    return f":orange[:material/warning: {words}]" if tight else f":green[:material/check_circle: {words}]"


def _button(
    portal: Portal,
    user: User,
    entry: CatalogueEntry,
    offer: Offer,
    hub: Hub,
    running: Collection[str],
    files: Sequence[ModelFile],
    *,
    best: bool,
) -> None:
    name = offer.quantization.name
    here = _on_disk(entry, name, files)
    if f"{entry.title} {name}" in running:
        st.button(t("Downloading"), disabled=True, key=f"known-get-{_key(entry)}")
    elif here is not None:
        if st.button(t("Open in Models"), icon=":material/check:", key=f"known-open-{_key(entry)}"):
            st.session_state["models-wanted"] = str(here.path)
            frame.open_page("models")
    else:
        off = portal.downloads.offline or offer.plan.needed_bytes > offer.plan.total_bytes
        label = t("Download {size}", size=_size(offer))
        if st.button(label, type="primary" if best else "secondary", disabled=off, key=f"known-get-{_key(entry)}"):
            try:
                portal.downloads.get(user, entry.id, name, hub)
            except PortalError as problem:
                st.toast(plain(error_text(problem)), icon=":material/error:")
            else:
                st.rerun()


def _on_disk(entry: CatalogueEntry, quantization: str, files: Sequence[ModelFile]) -> ModelFile | None:
    """Return the usable file on disk that this download would produce; None if there is none."""
    folders = {repository.name.partition("/")[2].lower() for repository in entry.repositories}
    ending = quantization.lower()
    for file in files:
        if file.path.parent.name.lower() in folders and file.name.lower().endswith((f"-{ending}", f".{ending}", f"_{ending}")):
            return None if file.error else file
    return None


def _line(entry: CatalogueEntry) -> str:
    whole = parameters(entry.parameters)
    if entry.active_parameters < entry.parameters:
        whole = t("{all}, {active} active", all=whole, active=parameters(entry.active_parameters))
    return f"{whole} · {t('{n} tokens', n=entry.context)} · {entry.licence}"


def _marks(entry: CatalogueEntry) -> str:
    marks = [t(_KINDS[entry.kind])] if entry.kind in _KINDS else []
    marks += [t(word) for capability, word in CAPABILITIES.items() if capability in entry.capabilities]
    return " · ".join(marks) or t("Chat")


def _choice(offer: Offer) -> str:
    return f"{offer.quantization.name}, {_size(offer)}"


def _size(offer: Offer) -> str:
    listed = size(offer.quantization.size_bytes)
    return t("about {size}", size=listed) if offer.quantization.estimated else listed


def _details(entry: CatalogueEntry) -> None:
    facts_list(
        (
            (t("Architecture"), entry.architecture),
            (t("Layers"), count(entry.layers)),
            (t("Heads"), count(entry.heads)),
            (t("Context"), count(entry.context)),
            (t("Licence"), entry.licence),
        )
    )
    for task, sampling in entry.sampling.items():
        named = {"chat": t("Sampling for chats"), "tools": t("Sampling for tools")}.get(task, task)
        st.markdown(f":small[**{named}** {_sampling(sampling)}]")
    for sentence in entry.trouble.get(language(), ()):
        st.markdown(f":small[:orange[:material/warning: {sentence}]]")
    for repository in entry.repositories:
        st.markdown(f":small[:gray[{HUBS[repository.hub]}: {repository.name}]]")
    st.caption(t(CHECKED[entry.checked]))


def _sampling(sampling: Sampling) -> str:
    pairs = (
        ("temperature", sampling.temperature), ("top_p", sampling.top_p), ("top_k", sampling.top_k), ("min_p", sampling.min_p),
        ("repeat_penalty", sampling.repeat_penalty),
    )  # fmt: skip
    return listed(f"{name} {value:g}" for name, value in pairs if value is not None)


def _key(entry: CatalogueEntry) -> str:
    return entry.id.replace(".", "-")
