"""List the models that can be asked, of this process and of the platforms, each name once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core.inference.records import ServedModel, Task
from core.models.records import ModelKind
from core.platforms.records import LOCAL, RemoteModel
from models.serving.routing.members.member import Member
from models.serving.routing.members.members import View

UNKNOWN_CONTEXT = 0
"""Context window of a model whose platform does not state it."""


def served_models(view: View, local: Sequence[ServedModel]) -> list[ServedModel]:
    """Return the models, the default for chats first: the current choice of the chat route, else the default of this process."""
    if not view.remote:
        return list(local)
    targets: dict[tuple[str, ModelKind], list[tuple[Member, RemoteModel]]] = {}
    for member in view.remote:
        for model in member.remote.models.offered() if member.remote is not None else ():
            targets.setdefault((model.name, model.kind), []).append((member, model))
    found = [_here(each, targets.pop((each.name, each.kind), [])) for each in local]
    found += [_elsewhere(running) for running in targets.values()]
    default = _default(view, found)
    if default is None:
        return found
    return sorted((replace(each, default=each.name == default) for each in found), key=lambda each: not each.default)


def _default(view: View, found: Sequence[ServedModel]) -> str | None:
    """Return the first model of the chat route that everybody may use and that can answer now."""
    chats = {each.name for each in found if each.kind is ModelKind.CHAT}
    for step in view.config.routes.get(Task.CHAT, ()):
        if step.groups or step.model not in chats:
            continue
        members = [view.members[step.platform]] if step.platform else list(view.members.values())
        if any(each.is_local or (each.config.enabled and each.health.usable) for each in members):
            return step.model
    return None


def _here(model: ServedModel, elsewhere: Sequence[tuple[Member, RemoteModel]]) -> ServedModel:
    if not elsewhere:
        return model
    names = [LOCAL, *(member.name for member, _ in elsewhere)]
    return replace(model, targets=tuple(f"{model.name}@{name}" for name in names))


def _elsewhere(running: Sequence[tuple[Member, RemoteModel]]) -> ServedModel:
    member, model = running[0]
    contexts = [each.context for _, each in running if each.context]
    return ServedModel(
        name=model.name,
        kind=model.kind,
        version="/".join(each for each in (member.name, model.id, model.version) if each),
        platform=member.name,
        context=min(contexts, default=UNKNOWN_CONTEXT),
        thinking=any(each.thinking for _, each in running),
        owner=", ".join(member.name for member, _ in running),
        tools=_all([each.tools for _, each in running]),
        vision=_all([each.vision for _, each in running]),
        targets=tuple(f"{model.name}@{each.name}" for each, _ in running) if len(running) > 1 else (),
    )


def _all(flags: Sequence[bool | None]) -> bool | None:
    if any(flag is False for flag in flags):
        return False
    return True if any(flags) else None
