"""Declare what reads, applies and stores the configuration of platforms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from core.inference.requests import GenerationRequest
from core.platforms.records import EditedBy, PlatformForm, PlatformsConfig, PlatformState, PlatformsVersion, Route


class ConfigurationReader(Protocol):
    def read(self, text: str) -> PlatformsConfig:
        """Read and check a configuration. Raises InvalidInput with the line and what is wrong there."""
        ...


class FormText(Protocol):
    """The text of a configuration, changed by a form. All methods raise InvalidInput for text that cannot be read."""

    def platforms(self, text: str) -> Sequence[PlatformForm]:
        """Return the platforms on other servers, in the order of the text."""
        ...

    def routes(self, text: str) -> Mapping[str, tuple[str, ...] | None]:
        """Return the steps by task; None where some have conditions, which only the text shows."""
        ...

    def put_platform(self, text: str, old: str | None, form: PlatformForm) -> str:
        """Return the text with a platform changed, or added if `old` is None."""
        ...

    def remove_platform(self, text: str, name: str) -> str: ...
    def put_route(self, text: str, task: str, steps: Sequence[str]) -> str:
        """Return the text with the route of a task; without steps, it is removed."""
        ...


class ConfiguredRouter(Protocol):
    """The router as far as its configuration goes."""

    def configure(self, config: PlatformsConfig) -> None:
        """Use this configuration for every request from now on. Running answers go on."""
        ...

    def check(self, config: PlatformsConfig) -> None:
        """Raise InvalidInput if a platform that answers does not have a model that the configuration names."""
        ...

    def close(self) -> None:
        """Stop watching the platforms."""
        ...


class RouterView(Protocol):
    """The router as people look at it."""

    def states(self) -> Sequence[PlatformState]:
        """Describe every platform, in the order of the file."""
        ...

    def explain(self, request: GenerationRequest) -> Route:
        """Say where a request would go now, without sending it."""
        ...

    def reload(self, name: str) -> None:
        """Ask a platform for its models now. Raises NotFound."""
        ...


class PlatformsVersionRepository(Protocol):
    def add(self, at: datetime, author_id: str | None, edited_by: EditedBy, restored: int | None, text: str) -> int:
        """Store a version and return its number, which is higher than all before."""
        ...

    def newest(self) -> PlatformsVersion | None: ...
    def newest_number(self) -> int:
        """Return 0 if there is no version."""
        ...

    def get(self, number: int) -> PlatformsVersion | None: ...
    def before(self, number: int) -> PlatformsVersion | None:
        """Return the version before this one."""
        ...

    def all(self, limit: int) -> Sequence[PlatformsVersion]:
        """List versions, newest first."""
        ...

    def prune(self, keep: int) -> int:
        """Delete all but the newest `keep` versions; returns how many."""
        ...
