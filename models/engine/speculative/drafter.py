"""Define drafters, which propose draft tokens. A drafter keeps its own state of each sequence."""

from __future__ import annotations

from typing import Protocol

from models.engine.backend import Backend
from models.engine.batching.batch import Batch
from models.engine.sequence import Sequence
from models.engine.speculative.draft_costs import DraftCosts
from models.engine.speculative.mtp_drafter import MtpDrafter
from models.engine.speculative.prompt_lookup import PromptLookup


class Drafter(Protocol):
    """Proposes tokens that the step checks: each is sampled as if it had been decoded alone, so that no answer changes."""

    name: str
    drafted: int
    """Draft tokens that were checked so far."""
    accepted: int
    """Draft tokens that were accepted."""

    def begin(self, sequence: Sequence) -> None:
        """Prepare for a sequence, on the thread that asks, before it is queued."""
        ...

    def propose(self, batch: Batch) -> None:
        """Add draft tokens to parts that have none, where they pay."""
        ...

    def learn(self, batch: Batch) -> None:
        """Learn from the step that checked them."""
        ...

    def end(self, sequence: Sequence) -> None:
        """Forget a sequence; from any thread."""
        ...


def drafters_for(backend: Backend, costs: DraftCosts, *, prompt_lookup: bool = True) -> list[Drafter]:
    """Make the drafters that the model can use, in the order in which they propose."""
    if not backend.can_cut:
        return []
    drafters: list[Drafter] = []
    if prompt_lookup and backend.max_draft_tokens:
        drafters.append(PromptLookup(backend.max_draft_tokens, backend.context, costs))
    if backend.can_draft:
        drafters.append(MtpDrafter(backend, costs))
    return drafters
