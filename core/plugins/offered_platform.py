"""Open a platform of a plugin: check the options that the platforms file sets first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from core.errors import InvalidInput
from core.plugins.platform_records import OpenedPlatform, PlatformKind, PlatformSettings
from core.plugins.ports import SchemaChecker

R = TypeVar("R")
_NUMBERS: Mapping[str, Callable[[str], Any]] = {"integer": int, "number": float}
_TRUTHS = {"true": True, "false": False}


class BoundedCall(Protocol):
    """Calls a function with a time limit, see BoundedCalls.call."""

    def __call__(self, plugin: str, limit_s: float, function: Callable[[], R]) -> R: ...


@dataclass(frozen=True, slots=True)
class OfferedPlatform:
    """A kind of platform of a plugin that is on."""

    plugin: str
    kind: PlatformKind
    failed: Callable[[Exception], None]
    """Notes for admins how the plugin failed."""
    call: BoundedCall
    schemas: SchemaChecker

    def options(self, platform: str, written: Mapping[str, str]) -> Mapping[str, Any]:
        """Return the options of a platform as its kind wants them. Raises InvalidInput with the name of the platform."""
        found = {name: self._value(name, text) for name, text in written.items()}
        if wrong := self.schemas.problems(found, self.kind.options):
            raise InvalidInput("The options of {platform} are wrong: {problems}.", platform=platform, problems="; ".join(wrong))
        return found

    def open(self, settings: PlatformSettings) -> OpenedPlatform:
        """Open a platform. Raises what the plugin raises."""
        return self.kind.open(settings)

    def _value(self, name: str, text: str) -> Any:
        """Read the text of the file as a type that the schema names; a text that is none stays, and does not fit."""
        schema = self.kind.options.get("properties", {}).get(name)
        wanted = schema.get("type", "string") if isinstance(schema, Mapping) else "string"
        for each in [wanted] if isinstance(wanted, str) else wanted:
            if each == "boolean" and text.lower() in _TRUTHS:
                return _TRUTHS[text.lower()]
            if each in _NUMBERS:
                with suppress(ValueError):
                    return _NUMBERS[each](text)
        return text
