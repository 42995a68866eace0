"""Stacked memory bars: the machine's memory in use now, and the memory that a model would need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import streamlit as st

from core.models.memory_records import DeviceMemory, MemoryPlan
from core.models.records import LoadedModel, ModelState
from pages.shell.words import t
from pages.widgets.common.formats import size

HOST, BUDGET = "host", "budget"
"""The pool's names of the CPU's memory and of its own limit for all models."""
COLOURS = ("s1", "s2", "s3", "s4", "s5")
OTHERS = "s6"


@dataclass(frozen=True, slots=True)
class Held:
    """The memory that one model holds on a device, in bytes."""

    model: str
    bytes: int


def held_by(device: DeviceMemory, devices: Sequence[DeviceMemory], models: Sequence[LoadedModel]) -> list[Held]:
    """Return the memory that each model holds on a device, largest first.

    The sum is scaled down if it exceeds the memory in use, because sizes were measured at load time and the use is current.
    devices: all devices; a model on several GPUs is assumed to be spread evenly.
    """
    held = []
    for model in models:
        if model.plan is None or model.state in (ModelState.FAILED, ModelState.SLEEPING):
            continue
        taken = model.memory_bytes or round(model.plan.needed_bytes * model.progress)
        if device.name == BUDGET:
            held.append(Held(model.name, taken))
            continue
        on_gpus = not model.plan.device.startswith("CPU")
        if on_gpus == (device.name == HOST) or (on_gpus and device.name not in model.plan.device):
            continue
        gpus = sum(each.name in model.plan.device for each in devices) if on_gpus else 1
        if taken:
            held.append(Held(model.name, taken // gpus))
    used, whole = device.total_bytes - device.free_bytes, sum(each.bytes for each in held)
    if whole > used:
        held = [Held(each.model, each.bytes * used // whole) for each in held]
    return sorted(held, key=lambda each: -each.bytes)


def device_bar(device: DeviceMemory, devices: Sequence[DeviceMemory], models: Sequence[LoadedModel]) -> None:
    """Draw the current use of the device's memory: each model, everything else, and free memory."""
    held = held_by(device, devices, models)
    parts = [(each.model, each.bytes, COLOURS[n % len(COLOURS)]) for n, each in enumerate(held)]
    other = device.total_bytes - device.free_bytes - sum(each.bytes for each in held)
    if other > 0:
        parts.append((t("Versions in a swap") if device.name == BUDGET else t("Other programs"), other, OTHERS))
    _draw(parts, device.total_bytes, t("Free"), device.free_bytes)


def plan_bar(plan: MemoryPlan) -> None:
    """Draw the weights, context and work space that a load would need on `plan.device`, the memory in use, and the memory left free."""
    parts = [
        (t("Weights"), plan.weights_bytes, "s1"),
        (t("Context"), plan.context_bytes, "s2"),
        (t("Compute buffers"), plan.work_bytes, "s3"),
        (t("In use now"), max(0, plan.total_bytes - plan.free_bytes), OTHERS),
    ]
    parts = [part for part in parts if part[1] > 0]
    _draw(parts, plan.total_bytes, t("Free after loading"), plan.total_bytes - sum(taken for _, taken, _ in parts))


def _draw(parts: Sequence[tuple[str, int, str]], total: int, free_word: str, free: int) -> None:
    whole = max(total, sum(taken for _, taken, _ in parts), 1)
    bar = "".join(f"<i class='{colour}' style='width:{taken / whole * 100:.3f}%'></i>" for _, taken, colour in parts)
    legend = "".join(f"<span><b class='{colour}'></b>{escape(name)} <em>{size(taken)}</em></span>" for name, taken, colour in parts)
    if free >= 0:
        legend += f"<span><b></b>{escape(free_word)} <em>{size(free)}</em></span>"
    else:
        legend += f"<span class='over'>{escape(t('Short by {size}', size=size(-free)))}</span>"
    st.html(f"<div class='membar'><div>{bar}</div><p>{legend}</p></div>")
