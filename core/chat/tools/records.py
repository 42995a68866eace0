"""Define the steps of an answer, and the tools that a chat offers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.errors import StoredError


class Approval(StrEnum):
    """Whether the person agreed to a step that may change something."""

    WAITING = "waiting"
    ALLOWED = "allowed"
    REFUSED = "refused"


class Decision(StrEnum):
    """What a person decides about a step that waits."""

    ALLOW = "allow"
    ALLOW_IN_CHAT = "allow_in_chat"
    """Allow this step, and further calls of its tool in the same chat."""
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolStep:
    """One call of a tool while an answer was written. It is stored with the answer and deleted with it."""

    id: str
    """The id of the call; unique in its answer."""
    name: str
    """The tool's name, as the model wrote it."""
    title: str
    """The title that people see; for a tool that does not exist, its name."""
    arguments: str
    """The arguments as the model wrote them: a JSON object as text, if it could."""
    round: int
    """1 for the calls of the model's first text, 2 for those of the next one."""
    text_at: int
    """How many characters of the answer's text had been written."""
    reasoning_at: int
    started_at: datetime
    seconds: float | None = None
    """How long it took; None while it waits or runs, or if the process ended meanwhile."""
    result: str = ""
    """What the model read."""
    cut: bool = False
    """Whether the model read only the beginning of the result."""
    error: StoredError | None = None
    """Why it gave no result."""
    approval: Approval | None = None
    """None if nobody had to be asked, because the tool only reads."""

    @property
    def waits(self) -> bool:
        """Tell whether it waits for the person's decision, as long as its answer runs."""
        return self.approval is Approval.WAITING


@dataclass(frozen=True, slots=True)
class ChatTool:
    """A tool that a chat offers to the model, as its person sees it."""

    name: str
    title: str
    description: str
    plugin: str
    on: bool = True
    """False if the person switched it off for this conversation."""
    asks: bool = False
    """Whether the person is asked before each call, because it may change something."""
    allowed: bool = False
    """Whether it asks no longer, because the person allowed it for this conversation."""
