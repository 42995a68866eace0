"""Find candidates for boxes on an image: detectors, and chat models that see images, in the order of the route `ground`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from core.errors import StoredError
from core.inference.detection import Grounder, Grounders
from core.inference.records import ServedModel, Task
from core.models.records import ModelKind
from core.platforms.records import LOCAL
from models.serving.routing.members.members import View
from models.serving.routing.plan import RouteQuery, plan

_KINDS = (ModelKind.DETECTION, ModelKind.CHAT)


def grounders(model: str | None, group: str, denied_models: frozenset[str], view: View, local: Sequence[ServedModel]) -> Grounders:
    """Order the candidates. Without a route and a model: all detectors, then all chat models that are known to see images."""
    usable: dict[str, Grounder] = {}
    left_out: list[StoredError] = []
    known = False
    versions = {each.name: each.version for each in local}
    for name in [model] if model is not None else _named(view, local, group):
        for kind in _KINDS:
            sees = kind is ModelKind.CHAT
            query = RouteQuery(
                model=name, kind=kind, task=Task.GROUND, tokens=lambda: 0, group=group, denied_models=denied_models, images=sees
            )
            found = plan(query, view, local)
            known = known or found.known
            left_out += [each for each in found.left_out if found.known and each not in left_out]
            for candidate in found.candidates:
                version = candidate.version or versions.get((candidate.model or "").partition(":")[0], "")
                usable.setdefault(candidate.target, Grounder(candidate.target, kind, version=version, here=candidate.remote is None))
    return Grounders(tuple(usable.values()), tuple(left_out), known)


def _named(view: View, local: Sequence[ServedModel], group: str) -> Iterator[str]:
    """Yield the steps of the route; without one, every model that may find boxes."""
    route = view.config.routes.get(Task.GROUND, ())
    if route:
        yield from (step.target for step in route if not step.groups or group in step.groups)
        return
    for kind in _KINDS:
        if kind is ModelKind.CHAT:
            yield from (f"{each.name}@{LOCAL}" for each in local if each.kind is kind and each.vision)
        for member in view.remote:
            for each in member.remote.models.offered() if member.remote is not None else ():
                if each.kind is kind and (kind is ModelKind.DETECTION or each.vision):
                    yield f"{each.name}@{member.name}"
