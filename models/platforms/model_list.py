"""Hold the models of one platform: those that its configuration names, with what the platform itself says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core.errors import StoredError
from core.models.records import ModelKind
from core.platforms.records import Platform, RemoteModel
from models.platforms.remote.wires.listing import ListedModel

SHOWN = 20
"""Most models that an error names."""


class ModelList:
    def __init__(self, config: Platform) -> None:
        self._config = config
        self.listed: tuple[ListedModel, ...] | None = None
        """What the platform lists; None before it was asked."""

    def offered(self) -> Sequence[RemoteModel]:
        """Return the models of the configuration, with the platform's facts; if it names none, all that the platform lists."""
        listed = {each.id: each for each in self.listed or ()}
        if self._config.models:
            return [_completed(model, listed.get(model.id)) for model in self._config.models]
        return [_completed(RemoteModel(name=each.id, id=each.id, kind=each.kind), each) for each in listed.values()]

    def find(self, name: str, kind: ModelKind) -> RemoteModel | None:
        return next((each for each in self.offered() if each.name == name and each.kind is kind), None)

    def absent(self) -> Sequence[RemoteModel]:
        """Return the configured models that the platform does not list; none before it was asked, or if it lists none."""
        ids = {each.id for each in self.listed or ()}
        return [model for model in self._config.models if ids and model.id not in ids and f"{model.id}:latest" not in ids]

    def listed_names(self) -> str:
        """Return the ids of the first models that the platform lists, for an error."""
        return ", ".join(sorted({each.id for each in self.listed or ()})[:SHOWN])

    def missing(self) -> Sequence[StoredError]:
        """Return an error for each model in `absent`."""
        words = "{platform} has no {model}. It has {models}."
        names = {"platform": self._config.name, "models": self.listed_names()}
        return [StoredError(words, {**names, "model": model.id}) for model in self.absent()]


def _completed(model: RemoteModel, listed: ListedModel | None) -> RemoteModel:
    """Complete the configuration's facts with the platform's."""
    if listed is None:
        return model
    return replace(
        model,
        context=model.context or listed.context,
        thinking=listed.thinking if model.thinking is None else model.thinking,
        tools=listed.tools if model.tools is None else model.tools,
        vision=listed.vision if model.vision is None else model.vision,
        version=listed.version,
    )
