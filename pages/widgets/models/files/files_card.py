"""The card of the files in the models folder: files that can be loaded, and why the others cannot."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

import streamlit as st

from core.models.records import AdapterFile, LoadedModel, ModelFile, ModelKind, ModelState
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.card import card_title
from pages.widgets.common.data_frame import data_frame
from pages.widgets.common.formats import MISSING, size
from pages.widgets.models.memory_plan import kind_word

ROW_PX = 34
MAX_COMPLAINTS = 30
"""Maximum number of unusable files that are listed with the reason."""


def files_card(files: Sequence[ModelFile], adapters: Sequence[AdapterFile], loaded: Sequence[LoadedModel], folder: Path) -> None:
    state = {str(model.file.path): model.state for model in loaded}
    words = {
        ModelState.READY: t("Loaded"),
        ModelState.LOADING: t("Loading"),
        ModelState.DRAINING: t("Unloading"),
        ModelState.FAILED: t("Failed"),
        ModelState.RESTARTING: t("Restarting"),
        ModelState.SLEEPING: t("Sleeping"),
    }
    colours = {
        words[ModelState.READY]: "green",
        words[ModelState.LOADING]: "blue",
        words[ModelState.DRAINING]: "orange",
        words[ModelState.FAILED]: "red",
        words[ModelState.RESTARTING]: "orange",
        words[ModelState.SLEEPING]: "gray",
    }
    unusable_word, on_disk = t("Unusable"), t("On disk")
    colours |= {on_disk: "gray", unusable_word: "red"}
    kinds = {kind: kind_word(kind) for kind in ModelKind}
    with st.container(border=True, key="card-files", gap="xsmall"):
        whole = size(sum(file.size_bytes for file in files))
        card_title(t("Files"), t("{n} files, {size}", n=len(files), size=whole))
        st.html(f"<p class='file'><code>{escape(str(folder))}</code></p>")
        unit, scale = ("GB", 1e9) if any(file.size_bytes >= 1e9 for file in files) else ("MB", 1e6)
        frame = data_frame(
            {
                "file": [file.path.name for file in files],
                "state": [
                    [words[state[str(file.path)]] if str(file.path) in state else unusable_word if file.error else on_disk]
                    for file in files
                ],
                "kind": [None if file.error else kinds[file.kind] for file in files],
                "quantization": [file.quantization or None for file in files],
                "size": [file.size_bytes / scale for file in files],
                "context": [file.context or None for file in files],
                "architecture": [file.architecture or None for file in files],
            }
        )
        st.dataframe(
            frame, hide_index=True, row_height=ROW_PX, height=min(12, len(files) + 1) * ROW_PX + 2, placeholder=MISSING,
            on_select=lambda: _choose_row(files), selection_mode="single-row", key="models-files",
            column_config={
                "file": st.column_config.TextColumn(t("File"), width=205),
                "state": st.column_config.MultiselectColumn(t("State"), options=list(colours), color=list(colours.values()), width=96),
                "kind": st.column_config.TextColumn(t("Kind"), width=95),
                "quantization": st.column_config.TextColumn(t("Quantization"), width=108),
                "size": st.column_config.NumberColumn(t("Size, {unit}", unit=unit), format="%.1f", width=76),
                "context": st.column_config.NumberColumn(t("Context"), format="localized", width=76),
                "architecture": st.column_config.TextColumn(t("Architecture"), width=100),
            },
        )  # fmt: skip
        for adapter in adapters:
            known = t("adapter for {architecture}, rank {rank}", architecture=adapter.architecture, rank=adapter.rank)
            if not adapter.error:
                st.html(f"<p class='file'>{escape(adapter.path.name)} · {escape(known)} · {size(adapter.size_bytes)}</p>")
        unusable = [file for file in (*files, *adapters) if file.error]
        for file in unusable[:MAX_COMPLAINTS]:
            name = "" if file.path.name in str(file.error) else f"**{plain(file.path.name)}** "
            st.markdown(f":small[{name}:red[{plain(error_text(file.error))}]]")
        if len(unusable) > MAX_COMPLAINTS:
            st.caption(t("{n} more files cannot be used.", n=len(unusable) - MAX_COMPLAINTS))


def _choose_row(files: Sequence[ModelFile]) -> None:
    """Choose the row selected in the table as the model of the plan."""
    rows = st.session_state["models-files"]["selection"]["rows"]
    if rows and rows[0] < len(files) and not files[rows[0]].error:
        st.session_state["models-plan"] = str(files[rows[0]].path)
