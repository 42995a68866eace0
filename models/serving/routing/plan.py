"""Find the candidates for a request, in order, and explain why others are left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from core.errors import StoredError
from core.inference.records import ServedModel, Task
from core.models.records import ModelKind
from core.platforms.records import LOCAL, RemoteModel, RouteEntry
from models.serving.routing.member import Member
from models.serving.routing.members import View


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The properties of a request that routing reads. tokens: called only if a window or a step needs the size."""

    model: str | None
    kind: ModelKind
    task: Task
    tokens: Callable[[], int]
    group: str = ""
    barred: frozenset[str] = frozenset()
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
    def place(self) -> str:
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


def plan(wish: Wish, view: View, local: Sequence[ServedModel]) -> Plan:
    """Order the candidates for a request."""
    found = Plan()
    for step in _steps(wish, view, local):
        if (other := _for_others(wish, step)) is not None:
            found.left_out.append(other)
            continue
        instances = list(_instances(wish, step, view, local))
        found.known = found.known or bool(instances)
        if not instances and step.platform is not None:
            words = "{place}: {platform} is switched off." if _is_off(view, step.platform) else "{place}: {platform} does not have it."
            found.left_out.append(StoredError(words, {"place": step.place, "platform": step.platform}))
        usable = [each for each in instances if _sees(wish, each, local, found) and _fits(wish, each, found)]
        usable.sort(key=lambda each: (each.member.name != wish.sticky, each.member.outstanding, each.member.taken))
        found.candidates += [each for each in usable if each.place not in {known.place for known in found.candidates}]
    return found


def _steps(wish: Wish, view: View, local: Sequence[ServedModel]) -> Iterator[RouteEntry]:
    """Yield the steps of a request: a named model first, then the rest of its route. Without a name, the route of the task."""
    route = _route(wish, view)
    if wish.model is None:
        yield from route or ([RouteEntry(model="", platform=LOCAL)] if wish.kind is ModelKind.CHAT else _any(wish, view, local))
        return
    model, at, place = wish.model.rpartition("@")
    if at and place in view.members:
        yield RouteEntry(model=model, platform=place)
        return
    yield RouteEntry(model=wish.model)
    names = [step.model for step in route]
    if wish.model in names:
        yield from route[names.index(wish.model) + 1 :]


def _route(wish: Wish, view: View) -> Sequence[RouteEntry]:
    routes = view.config.routes
    if wish.kind is ModelKind.DETECTION:
        return routes.get(Task.GROUND, ())
    if wish.kind is not ModelKind.CHAT:
        return routes.get(Task.EMBED if wish.kind is ModelKind.EMBEDDING else Task.RERANK, ())
    if wish.task is Task.CHAT and wish.tools and Task.TOOLS in routes:
        return routes[Task.TOOLS]
    return routes.get(wish.task) or routes.get(Task.CHAT, ())


def _any(wish: Wish, view: View, local: Sequence[ServedModel]) -> Iterator[RouteEntry]:
    """Yield steps for vectors without a route: this process first, if it has such a model."""
    if any(model.kind is wish.kind for model in local):
        yield RouteEntry(model="", platform=LOCAL)
    for member in view.remote:
        for model in member.remote.models if member.remote is not None else ():
            if model.kind is wish.kind:
                yield RouteEntry(model=model.name, platform=member.name)


def _for_others(wish: Wish, step: RouteEntry) -> StoredError | None:
    if step.groups and wish.group not in step.groups:
        return StoredError("{place}: for other groups.", {"place": step.place})
    if step.up_to_tokens is not None and wish.tokens() > step.up_to_tokens:
        return StoredError("{place}: for prompts up to {n} tokens.", {"place": step.place, "n": step.up_to_tokens})
    if step.over_tokens is not None and wish.tokens() <= step.over_tokens:
        return StoredError("{place}: for prompts over {n} tokens.", {"place": step.place, "n": step.over_tokens})
    return None


def _instances(wish: Wish, step: RouteEntry, view: View, local: Sequence[ServedModel]) -> Iterator[Candidate]:
    for name, member in view.members.items():
        if step.platform not in (None, name) or not member.config.enabled:
            continue
        if member.remote is not None:
            model = member.remote.model(step.model, wish.kind)
            if model is not None:
                yield Candidate(member, step.model, model)
        elif not step.model:
            yield Candidate(member, None)
        elif any(step.model in model.names and model.kind is wish.kind for model in local):
            yield Candidate(member, step.model)


def _is_off(view: View, platform: str) -> bool:
    member = view.members.get(platform)
    return member is not None and not member.config.enabled


def _sees(wish: Wish, candidate: Candidate, local: Sequence[ServedModel], found: Plan) -> bool:
    """Tell whether a candidate can read the images of the request, if it has any; else record the reason."""
    if not wish.images:
        return True
    if candidate.remote is not None:
        able = candidate.remote.vision is not False
    else:
        chats = [model for model in local if model.kind is ModelKind.CHAT]
        model = next((each for each in chats if candidate.model in each.names), None) if candidate.model else next(iter(chats), None)
        able = model is not None and model.vision is True
    if not able:
        found.left_out.append(StoredError("{place}: it cannot see images.", {"place": candidate.place}))
    return able


def _fits(wish: Wish, candidate: Candidate, found: Plan) -> bool:
    """Tell whether a candidate can take the request now; else record the reason."""
    model, place = candidate.model, candidate.place
    if model is not None and not wish.barred.isdisjoint({model, model.partition(":")[0], place}):
        return False
    remote = candidate.remote
    if remote is None:
        return True
    if wish.tools and remote.tools is False:
        found.left_out.append(StoredError("{place}: it cannot call tools.", {"place": place}))
        return False
    if wish.task is Task.VISION and remote.vision is False and not wish.images:
        found.left_out.append(StoredError("{place}: it cannot see images.", {"place": place}))
        return False
    if remote.context is not None and wish.kind is ModelKind.CHAT and wish.tokens() >= remote.context:
        words = "{place}: the prompt has about {tokens} tokens, its limit is {limit}."
        found.left_out.append(StoredError(words, {"place": place, "tokens": wish.tokens(), "limit": remote.context}))
        found.too_long = max(found.too_long, remote.context)
        return False
    why_not = candidate.member.health.why_not(place)
    if why_not is not None:
        found.left_out.append(why_not)
        paused = candidate.member.health.paused_s
        if paused > 0:
            found.retry_after = paused if found.retry_after is None else min(paused, found.retry_after)
        return False
    return True
