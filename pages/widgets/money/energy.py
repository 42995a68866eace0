"""Draw the electricity of local models, and say how much of it was measured."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.usage.money.records import Energy
from pages.shell.words import t
from pages.widgets.boards.plots import head
from pages.widgets.common.data_frame import data_frame
from pages.widgets.common.formats import MISSING

_HOUR_S = 3600


def energy(parts: Sequence[Energy]) -> None:
    """Draw the card; nothing where no local model computed."""
    if not parts:
        return
    names = (t("Model"), t("Computing, h"), t("Measured, Wh"), t("By the price table, Wh"), t("Not known, h"), t("Cost"), t("Currency"))
    rows = [
        (
            each.model, each.computed_s / _HOUR_S, each.measured_wh if each.was_measured else None, each.assumed_wh or None,
            each.unknown_s / _HOUR_S or None, each.cost, each.currency,
        )
        for each in parts
    ]  # fmt: skip
    with st.container(border=True, key="card-board-energy", gap="xsmall"):
        head("energy", t("Electricity of local models"), _words(parts), names, lambda: rows)
        number = st.column_config.NumberColumn
        columns = {str(n): number(names[n], format=form) for n, form in ((1, "%.2f"), (2, "%.1f"), (3, "%.1f"), (4, "%.2f"), (5, "%.4f"))}
        columns |= {str(n): st.column_config.TextColumn(names[n]) for n in (0, 6)}
        frame = data_frame({str(n): [row[n] for row in rows] for n in range(len(names))})
        st.dataframe(frame, hide_index=True, column_config=columns, placeholder=MISSING, key="table-board-energy")
        words = "Measured: power of the GPUs while a model computed. Costs of answers use the watts of the price table. All groups."
        st.caption(t(words))


def _words(parts: Sequence[Energy]) -> str:
    """Say how much was measured, and where the rest is from."""
    measured, assumed = sum(each.measured_wh for each in parts), sum(each.assumed_wh for each in parts)
    words = [t("{wh} Wh measured", wh=f"{measured:,.1f}")] if any(each.was_measured for each in parts) else [t("Power was not measured")]
    if assumed:
        words.append(t("{wh} Wh by the watts of the price table, which are assumed", wh=f"{assumed:,.1f}"))
    return t(", ").join(words)
