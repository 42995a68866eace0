"""Define chats that ask at set times, their answers, and what a side must do to answer them.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence as Row
from dataclasses import dataclass, field
from typing import Any, Protocol, TypedDict

TOP_K, TOP_P, TEMPERATURE = 40, 0.95, 0.8
OFFLOAD_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class Device:
    """The device that both sides compute on. loading: BackendOptions for the engine. switches: the same for llama-server."""

    loading: Mapping[str, Any]
    switches: Row[str]


PROCESSOR = Device({}, ("-ngl", "0"))


@dataclass(frozen=True, slots=True)
class Job:
    """A request for `tokens` after `prompt`, `at` seconds after the start. seed None: choose the likeliest token each time."""

    prompt: Row[int]
    tokens: int
    at: float = 0.0
    seed: int | None = 1
    user: str = ""


@dataclass(slots=True)
class Answer:
    asked: float = 0.0
    stamps: list[float] = field(default_factory=list)
    """Times at which text arrived."""
    tokens: int = 0
    ids: list[int] = field(default_factory=list)
    """The answer as tokens, for the next turn's prompt."""

    @property
    def ttft(self) -> float:
        return self.stamps[0] - self.asked

    @property
    def rate(self) -> float:
        """Return tokens per second from the first token on, without the time of the prompt."""
        return (self.tokens - 1) / (self.stamps[-1] - self.stamps[0])

    def gaps_during(self, times: Row[tuple[float, float]]) -> list[tuple[float, float]]:
        """Return the gaps between tokens that overlap one of the times (begin, end)."""
        gaps = zip(self.stamps, self.stamps[1:], strict=False)
        return [gap for gap in gaps if any(gap[0] < end and gap[1] > begin for begin, end in times)]


class Side(Protocol):
    name: str

    def run(self, jobs: Row[Job]) -> list[Answer]:
        """Return the answers in the order of the jobs, once all are finished."""
        ...

    def expect(self, held: Row[int], following: Row[int]) -> None:
        """Announce that a conversation of which `held` was read will continue with a prompt that begins with `following`, as the portal
        does."""
        ...

    def cpu_s(self) -> float:
        """Return the processor time that the side's process has used: of the engine with its readers, of the server without its client."""
        ...


class Size(TypedDict):
    """The size of a side. context: tokens of each slot."""

    slots: int
    context: int
    threads: int


def speed(answers: Row[Answer]) -> float:
    """Return tokens per second of all answers together, from the first question to the last token."""
    begin, end = min(answer.asked for answer in answers), max(answer.stamps[-1] for answer in answers)
    return sum(answer.tokens for answer in answers) / (end - begin)


