"""Call a tool of a plugin: check what the model wants to give it first."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import StoredError
from core.plugins.ports import SchemaChecker
from core.plugins.records import Tool, ToolContext

MAX_ARGUMENTS_LENGTH = 20_000
"""Characters of the arguments of one call."""
Run = Callable[[Mapping[str, Any], ToolContext], str]


class ToolFailed(Exception):
    """A call gave no result."""

    def __init__(self, error: StoredError) -> None:
        super().__init__(str(error))
        self.error = error
        """The sentence for the person and the model."""


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """A tool that is on for one person."""

    plugin: str
    tool: Tool
    run: Run
    """Raises ToolFailed and NotWanted."""
    schemas: SchemaChecker

    @property
    def name(self) -> str:
        return self.tool.name

    def call(self, arguments: str, context: ToolContext) -> str:
        """Call the tool with arguments as JSON text. Raises ToolFailed, and NotWanted once the answer is stopped."""
        return self.run(self.read(arguments), context)

    def read(self, arguments: str) -> Mapping[str, Any]:
        """Read arguments from JSON text. Raises ToolFailed if the tool does not take them."""
        if len(arguments) > MAX_ARGUMENTS_LENGTH:
            raise ToolFailed(StoredError("The arguments are longer than {most:,} characters.", {"most": MAX_ARGUMENTS_LENGTH}))
        try:
            found = json.loads(arguments or "{}")
        except (ValueError, RecursionError) as problem:
            raise ToolFailed(StoredError("The model wrote arguments that are not a JSON object.")) from problem
        if not isinstance(found, dict):
            raise ToolFailed(StoredError("The model wrote arguments that are not a JSON object."))
        if wrong := self.schemas.problems(found, self.tool.parameters):
            raise ToolFailed(StoredError("The model wrote invalid arguments: {problems}.", {"problems": "; ".join(wrong)}))
        return found
