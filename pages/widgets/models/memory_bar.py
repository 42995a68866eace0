"""The stacked memory bar: what a model takes, or would take, of a device."""

from __future__ import annotations

from html import escape

import streamlit as st

from core.models.records import MemoryPlan
from pages.shell.words import t
from pages.widgets.common.figures import size


def memory_bar(plan: MemoryPlan, measured: int = 0) -> None:
    """Weights, context, work space and what others use on `plan.device`, then what stays free.

    measured: bytes the load really took; what they exceed weights and context by is drawn as work space.
    """
    known = plan.weights_bytes + plan.context_bytes
    work = measured - known if measured > known else plan.work_bytes
    parts = [
        (t("Weights"), plan.weights_bytes, "s1"),
        (t("Context"), plan.context_bytes, "s2"),
        (t("Work space"), work, "s3"),
        (t("Other use"), max(0, plan.total_bytes - plan.free_bytes), "s6"),
    ]
    parts = [part for part in parts if part[1] > 0]
    free = plan.total_bytes - sum(taken for _, taken, _ in parts)
    whole = max(plan.total_bytes, sum(taken for _, taken, _ in parts), 1)
    bar = "".join(f"<i class='{colour}' style='width:{taken / whole * 100:.3f}%'></i>" for _, taken, colour in parts)
    legend = "".join(f"<span><b class='{colour}'></b>{escape(name)} <em>{size(taken)}</em></span>" for name, taken, colour in parts)
    if free >= 0:
        legend += f"<span><b></b>{escape(t('Free'))} <em>{size(free)}</em></span>"
    else:
        legend += f"<span class='over'>{escape(t('Short by {size}', size=size(-free)))}</span>"
    st.html(f"<div class='membar'><div>{bar}</div><p>{legend}</p></div>")
