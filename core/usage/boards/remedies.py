"""Say what would help against a full model, from what was measured in its busiest hour."""

from __future__ import annotations

from collections.abc import Mapping

from core.usage.boards.capacity import Slot
from core.usage.boards.records import HeatCell, MachineFigure, Remedies, Remedy

FULL = 0.8
"""A model that computes for this share of an hour is called full: questions of that hour wait."""
IDLE = 0.2
ROOM = 0.7
"""With less of its memory used, a GPU has room for more slots."""


def remedies_of(
    heat: Mapping[Slot, HeatCell],
    busiest: Slot | None,
    machines: Mapping[MachineFigure, Mapping[Slot, float]],
    wait_p95: float | None,
    limit_s: float | None,
) -> Remedies:
    """Return what would help, the simplest first. Nothing is needed while no hour is full and waits stay under half the limit."""
    then = {figure: values[busiest] for figure, values in machines.items() if busiest in values} if busiest else {}
    busy = heat[busiest].busy if busiest else None
    load = then.get(MachineFigure.SLOTS) if busy is None else busy
    full = load is not None and load >= FULL
    waits = wait_p95 is not None and limit_s is not None and wait_p95 >= limit_s / 2
    if not (full or waits):
        return Remedies(then=then, helps=())
    helps: list[Remedy] = []
    quiet = [slot for slot, cell in heat.items() if cell.busy is not None and cell.busy < IDLE]
    if quiet:
        helps.append(Remedy.MOVE_BATCHES)
    slots, memory, gpu = (then.get(figure) for figure in (MachineFigure.SLOTS, MachineFigure.GPU_MEMORY, MachineFigure.GPU))
    if slots is not None and slots >= FULL and memory is not None and memory < ROOM and (gpu is None or gpu < FULL):
        helps.append(Remedy.MORE_SLOTS)
    if memory is not None and memory >= FULL:
        helps.append(Remedy.SMALLER_FILE)
    helps.append(Remedy.ANOTHER_PLATFORM)
    return Remedies(then=then, helps=tuple(helps), quiet=len(quiet))
