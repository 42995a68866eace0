"""Declare the reader, the router and the repository of the configuration of platforms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from core.inference.requests import GenerationRequest
from core.platforms.records import EditedBy, PlatformForm, PlatformsConfig, PlatformState, PlatformsVersion, Route


class ConfigurationReader(Protocol):
    """Parses configurations of platforms."""

    def read(self, text: str) -> PlatformsConfig:
        """Parse and check a configuration. Raises InvalidInput with the line and the error."""
        ...


class FormText(Protocol):
    """Reads and changes the text of a configuration for a form. All methods raise InvalidInput for text that cannot be parsed."""

    def platforms(self, text: str) -> Sequence[PlatformForm]:
        """Return the platforms on other servers, in the order of the text."""
        ...

    def routes(self, text: str) -> Mapping[str, tuple[str, ...] | None]:
        """Return the steps of each task's route; None if some have conditions, which only the text can show."""
        ...

    def put_platform(self, text: str, old: str | None, form: PlatformForm) -> str:
        """Return the text with a platform changed, or added if `old` is None."""
        ...

    def remove_platform(self, text: str, name: str) -> str: ...
    def put_route(self, text: str, task: str, steps: Sequence[str]) -> str:
        """Return the text with a task's route set, or removed if there are no steps."""
        ...


class ConfiguredRouter(Protocol):
    """The router, as seen by the service of its configuration."""

    def configure(self, config: PlatformsConfig) -> None:
        """Use this configuration for all new requests. Running answers continue."""
        ...

    def check(self, config: PlatformsConfig) -> None:
        """Raise InvalidInput if a reachable platform does not have a model that the configuration names."""
        ...

    def close(self) -> None:
        """Stop monitoring the platforms."""
        ...


class RouterView(Protocol):
    """The router, as shown to people."""

    def states(self) -> Sequence[PlatformState]:
        """Return the state of every platform, in the order of the file."""
        ...

    def explain(self, request: GenerationRequest) -> Route:
        """Return where a request would go now, without sending it."""
        ...

    def reload(self, name: str) -> None:
        """Refresh a platform's list of models now. Raises NotFound."""
        ...


class PlatformsVersionRepository(Protocol):
    """Stores versions of the configuration."""

    def add(self, at: datetime, author_id: str | None, edited_by: EditedBy, restored: int | None, text: str) -> int:
        """Store a version and return its number, which is higher than all earlier ones."""
        ...

    def newest(self) -> PlatformsVersion | None: ...
    def newest_number(self) -> int:
        """Return the number of the newest version; 0 if there is none."""
        ...

    def get(self, number: int) -> PlatformsVersion | None: ...
    def before(self, number: int) -> PlatformsVersion | None:
        """Return the version before this one, or None."""
        ...

    def all(self, limit: int) -> Sequence[PlatformsVersion]:
        """List versions, newest first."""
        ...

    def prune(self, keep: int) -> int:
        """Delete all but the newest `keep` versions; returns how many."""
        ...
