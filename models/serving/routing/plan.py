"""Find the candidates for a request, in order, and explain why others are left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from core.errors import StoredError
from core.inference.records import ServedModel, Task
from core.models.records import ModelKind
from core.platforms.records import LOCAL, RemoteModel, RouteEntry
from models.serving.routing.members.member import Member
from models.serving.routing.members.members import View


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteQuery:
    """The properties of a request that routing reads. tokens: called only if a window or a step needs the size."""

    model: str | None
    kind: ModelKind
    task: Task
    tokens: Callable[[], int]
    group: str = ""
    denied_models: frozenset[str] = frozenset()
    tools: bool = False
    images: bool = False
    """Whether the request holds images: only a model that sees images can answer it."""
    sticky: str | None = None
    """The platform that holds the conversation's prefix."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that may answer. model: its name in requests to the member; None: the default of this process."""

    member: Member
    model: str | None
    remote: RemoteModel | None = None

    @property
    def target(self) -> str:
        return f"{self.model}@{self.member.name}" if self.model else self.member.name

    @property
    def version(self) -> str:
        """Return the version of a remote model; empty for a local one, which knows its own version."""
        if self.remote is None:
            return ""
        return "/".join(each for each in (self.member.name, self.remote.id, self.remote.version) if each)

    @property
    def currency(self) -> str:
        price = self.member.config.price
        return price.currency if price is not None else ""


@dataclass(slots=True)
class Plan:
    candidates: list[Candidate] = field(default_factory=list)
    left_out: list[StoredError] = field(default_factory=list)
    known: bool = False
    """Whether any platform has the model, usable or not."""
    too_long: int = 0
    """The largest window that is too small for the prompt; 0 if none was too small."""
    retry_after: float | None = None
    """The shortest wait that a platform asked for."""


def plan(query: RouteQuery, view: View, local: Sequence[ServedModel]) -> Plan:
    """Order the candidates for a request."""
    found = Plan()
    for step in _steps(query, view, local):
        if (other := _for_others(query, step)) is not None:
            found.left_out.append(other)
            continue
        instances = list(_instances(query, step, view, local))
        found.known = found.known or bool(instances)
        if not instances and step.platform is not None:
            words = "{place}: {platform} is switched off." if _is_off(view, step.platform) else "{place}: {platform} does not have it."
            found.left_out.append(StoredError(words, {"place": step.target, "platform": step.platform}))
        usable = [each for each in instances if _sees(query, each, local, found) and _fits(query, each, found)]
        usable.sort(key=lambda each: (each.member.name != query.sticky, each.member.outstanding, each.member.taken))
        found.candidates += [each for each in usable if each.target not in {known.target for known in found.candidates}]
    return found


def _steps(query: RouteQuery, view: View, local: Sequence[ServedModel]) -> Iterator[RouteEntry]:
    """Yield the steps of a request: a named model first, then the rest of its route. Without a name, the route of the task."""
    route = _route(query, view)
    if query.model is None:
        yield from route or ([RouteEntry(model="", platform=LOCAL)] if query.kind is ModelKind.CHAT else _any(query, view, local))
        return
    model, at, target = query.model.rpartition("@")
    if at and target in view.members:
        yield RouteEntry(model=model, platform=target)
        return
    yield RouteEntry(model=query.model)
    names = [step.model for step in route]
    if query.model in names:
        yield from route[names.index(query.model) + 1 :]


def _route(query: RouteQuery, view: View) -> Sequence[RouteEntry]:
    routes = view.config.routes
    if query.kind is ModelKind.DETECTION:
        return routes.get(Task.GROUND, ())
    if query.kind is not ModelKind.CHAT:
        return routes.get(Task.EMBED if query.kind is ModelKind.EMBEDDING else Task.RERANK, ())
    if query.task is Task.CHAT and query.tools and Task.TOOLS in routes:
        return routes[Task.TOOLS]
    return routes.get(query.task) or routes.get(Task.CHAT, ())


def _any(query: RouteQuery, view: View, local: Sequence[ServedModel]) -> Iterator[RouteEntry]:
    """Yield steps for vectors without a route: this process first, if it has such a model."""
    if any(model.kind is query.kind for model in local):
        yield RouteEntry(model="", platform=LOCAL)
    for member in view.remote:
        for model in member.remote.models.offered() if member.remote is not None else ():
            if model.kind is query.kind:
                yield RouteEntry(model=model.name, platform=member.name)


def _for_others(query: RouteQuery, step: RouteEntry) -> StoredError | None:
    if step.groups and query.group not in step.groups:
        return StoredError("{place}: for other groups.", {"place": step.target})
    if step.up_to_tokens is not None and query.tokens() > step.up_to_tokens:
        return StoredError("{place}: for prompts up to {n} tokens.", {"place": step.target, "n": step.up_to_tokens})
    if step.over_tokens is not None and query.tokens() <= step.over_tokens:
        return StoredError("{place}: for prompts over {n} tokens.", {"place": step.target, "n": step.over_tokens})
    return None


def _instances(query: RouteQuery, step: RouteEntry, view: View, local: Sequence[ServedModel]) -> Iterator[Candidate]:
    for name, member in view.members.items():
        if step.platform not in (None, name) or not member.config.enabled:
            continue
        if member.remote is not None:
            model = member.remote.models.find(step.model, query.kind)
            if model is not None:
                yield Candidate(member, step.model, model)
        elif not step.model:
            yield Candidate(member, None)
        elif any(step.model in model.names and model.kind is query.kind for model in local):
            yield Candidate(member, step.model)


def _is_off(view: View, platform: str) -> bool:
    member = view.members.get(platform)
    return member is not None and not member.config.enabled


def _sees(query: RouteQuery, candidate: Candidate, local: Sequence[ServedModel], found: Plan) -> bool:
    """Tell whether a candidate can read the images of the request, if it has any; else record the reason."""
    if not query.images:
        return True
    if candidate.remote is not None:
        able = candidate.remote.vision is not False
    else:
        chats = [model for model in local if model.kind is ModelKind.CHAT]
        model = next((each for each in chats if candidate.model in each.names), None) if candidate.model else next(iter(chats), None)
        able = model is not None and model.vision is True
    if not able:
        found.left_out.append(StoredError("{place}: it cannot see images.", {"place": candidate.target}))
    return able


def _fits(query: RouteQuery, candidate: Candidate, found: Plan) -> bool:
    """Tell whether a candidate can take the request now; else record the reason."""
    model, target = candidate.model, candidate.target
    if model is not None and not query.denied_models.isdisjoint({model, model.partition(":")[0], target}):
        return False
    remote = candidate.remote
    if remote is None:
        return True
    if query.tools and remote.tools is False:
        found.left_out.append(StoredError("{place}: it cannot call tools.", {"place": target}))
        return False
    if query.task is Task.VISION and remote.vision is False and not query.images:
        found.left_out.append(StoredError("{place}: it cannot see images.", {"place": target}))
        return False
    if remote.context is not None and query.kind is ModelKind.CHAT and query.tokens() >= remote.context:
        words = "{place}: the prompt has about {tokens} tokens, its limit is {limit}."
        found.left_out.append(StoredError(words, {"place": target, "tokens": query.tokens(), "limit": remote.context}))
        found.too_long = max(found.too_long, remote.context)
        return False
    why_not = candidate.member.health.why_not(target)
    if why_not is not None:
        found.left_out.append(why_not)
        paused = candidate.member.health.paused_s
        if paused > 0:
            found.retry_after = paused if found.retry_after is None else min(paused, found.retry_after)
        return False
    return True
