"""Find the model for a request, among those that its person may use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from core.errors import NotAllowed, NotFound
from core.inference.choosing.choice import Choice, applied
from core.inference.records import ServedModel
from core.inference.requests import GenerationRequest
from core.models.records import ModelKind
from core.people.records import User
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory


class ModelResolver:
    """Reads rules, presets and defaults again for every request."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, served: Callable[[], Sequence[ServedModel]]) -> None:
        """served: returns the models that can be asked now."""
        self._unit_of_work = unit_of_work
        self._served = served

    def choice_of(self, user: User) -> Choice:
        with self._unit_of_work() as work:
            return Choice.read(work, user)

    def listed(self, user: User) -> Sequence[ServedModel]:
        """Return the models and presets of every kind that this person can ask, the default for chats first."""
        with self._unit_of_work() as work:
            choice, presets = Choice.read(work, user), work.offers.presets()
        return choice.listed(self._served(), presets)

    def chat(self, user: User, request: GenerationRequest, *, tools: bool, counted: bool = False) -> GenerationRequest:
        """Return the request with its preset applied and its model named. Raises NotAllowed, NotFound (a draft).

        counted: whether it is an answer for somebody, which experiments may give to another model.
        """
        with self._unit_of_work() as work:
            choice = Choice.read(work, user)
            name = request.model or self._default_of(choice, work)
            name, variant = self._split(work, choice, name) if counted else (name, None)
            preset = work.offers.preset(name) if name is not None else None
        request = replace(request, group=user.group, denied_models=choice.denied_models, variant=variant)
        if name is None:
            return request
        if preset is not None:
            if not (preset.published or choice.runs_models or variant):
                raise NotFound("There is no model {model}.", model=name[:200])
            choice.check(name)
            request = applied(preset, request, tools=tools)
            name = preset.model
        choice.check(name)
        return request if request.model == name else replace(request, model=name)

    def _split(self, work: UnitOfWork, choice: Choice, name: str | None) -> tuple[str | None, str | None]:
        """Return the name that an experiment gives this person in place of `name`, and the variant for the row.

        Somebody who may not use both takes no part. While B cannot be asked, everybody gets A, uncounted.
        """
        splits = work.experiments.splits()
        if not splits:
            return name, None
        served = self._served()
        presets = work.offers.presets()
        if name is None:
            chats = [model for model in choice.listed(served, presets) if model.kind is ModelKind.CHAT]
            name = chats[0].name if chats else None
        split = next((each for each in splits if each.subject == name), None)
        side = split.side(choice.user) if split is not None else None
        if split is None or side is None:
            return name, None
        base = next((each.model for each in presets if each.name == split.other), split.other)
        may = all(choice.may_use(each) for each in (split.subject, split.other, base))
        if not may or not any(base in model.names for model in served):
            return name, None
        return split.other if side == "b" else name, None if split.promoted else f"{split.experiment_id}:{side}"

    def _default_of(self, choice: Choice, work: UnitOfWork) -> str | None:
        """Return the model of a request that names none; None leaves it to the router. Raises NotAllowed."""
        if choice.default is None and not choice.rules:
            return None
        served = self._served()
        mine = [model for model in choice.listed(served, work.offers.presets()) if model.kind is ModelKind.CHAT]
        if not mine and any(model.kind is ModelKind.CHAT for model in served):
            raise NotAllowed("You may use none of the loaded models. Ask an admin for access.")
        return mine[0].name if mine else None

    def vectors(self, user: User, name: str | None, kind: ModelKind) -> tuple[str | None, frozenset[str]]:
        """Return the model for vectors (None leaves it to the router), and which models may not replace it. Raises NotAllowed."""
        with self._unit_of_work() as work:
            choice = Choice.read(work, user)
        if name is not None or not choice.rules:
            choice.check(name or "")
            return name, choice.denied_models
        served = [model.name for model in self._served() if model.kind is kind]
        mine = [model for model in served if choice.may_use(model)]
        if served and not mine:
            raise NotAllowed("You may use none of the loaded models. Ask an admin for access.")
        return mine[0] if mine else None, choice.denied_models
