"""Hold everything that an engine learns about how long its work takes on this machine."""

from __future__ import annotations

from dataclasses import dataclass

from models.engine.backend import Backend
from models.engine.batching.batch import Batch
from models.engine.batching.row_costs import RowCosts
from models.engine.batching.step_time import StepTime
from models.engine.speculative.draft_costs import DraftCosts


@dataclass(frozen=True, slots=True)
class Costs:
    """Measured costs of an engine; tests pass their own."""

    steps: StepTime
    rows: RowCosts
    drafts: DraftCosts

    @classmethod
    def of_backend(cls, backend: Backend) -> Costs:
        """Return costs that are still unknown."""
        rows = RowCosts.of_backend(backend)
        return cls(StepTime(backend.batch_tokens), rows, DraftCosts(rows, own_streams=backend.own_streams))

    def learn(self, batch: Batch, sampled: int, seconds: float, drafting_s: float) -> None:
        """Learn from a step. sampled: how many tokens it gave. drafting_s: how much of its time went into making draft tokens."""
        if not batch.draft_tokens:
            self.drafts.forget()
            self.steps.learn(batch.decoding, batch.prompt_tokens, seconds)
        elif sampled and batch.expected_s is not None:
            self.drafts.learn(batch.slots, batch.drafts, seconds - drafting_s, batch.expected_s)
