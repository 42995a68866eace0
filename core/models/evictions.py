"""Choose the models to unload for another one, and describe who uses them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.inference.offers import Preset
from core.models.memory_records import Eviction, MemoryPlan
from core.models.records import LoadedModel, ModelState


def evictions_for(
    plan: MemoryPlan, loaded: Sequence[LoadedModel], group_models: Mapping[str, str], presets: Sequence[Preset]
) -> tuple[Eviction, ...]:
    """Return the models to unload so that the plan fits, chosen to affect as few people as possible.

    The result is empty if the plan already fits, or if it does not fit even without all other models.
    """
    candidates = [
        eviction(model, group_models, presets)
        for model in loaded
        if model.state is ModelState.READY and model.memory_bytes and (plan.budget_bytes or _device(model.plan) == _device(plan))
    ]
    candidates.sort(key=lambda each: (each.people, each.default, len(each.groups), -each.frees_bytes))
    missing = plan.needed_bytes - plan.free_bytes
    chosen: list[Eviction] = []
    for each in candidates:
        if sum(other.frees_bytes for other in chosen) < missing:
            chosen.append(each)
    # A model chosen early may turn out not to be needed. Keep those that would affect the most people first.
    for each in reversed(chosen.copy()):
        if sum(other.frees_bytes for other in chosen) - each.frees_bytes >= missing:
            chosen.remove(each)
    return tuple(chosen) if sum(each.frees_bytes for each in chosen) >= missing else ()


def eviction(model: LoadedModel, group_models: Mapping[str, str], presets: Sequence[Preset]) -> Eviction:
    """Return who uses a model at this moment."""
    names = {*model.names, *(preset.name for preset in presets if preset.model in model.names)}
    return Eviction(
        model=model.name,
        frees_bytes=model.memory_bytes,
        running=model.slots_busy,
        waiting=model.waiting,
        default=model.default,
        groups=tuple(sorted(group for group, name in group_models.items() if name in names)),
    )


def _device(plan: MemoryPlan | None) -> bool:
    """Tell whether the plan is for a GPU."""
    return plan is not None and not plan.device.startswith("CPU")
