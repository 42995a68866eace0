"""Define what one step decodes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from models.engine.backend import Part
from models.engine.batching.step_time import StepTime
from models.engine.sequence import Sequence


class Batch:
    """Running sequences, each with its part of a step, in the order of their slots; all use one adapter."""

    def __init__(self, step_time: StepTime, entries: Iterable[tuple[Sequence, Part]] = ()) -> None:
        self.sequences: list[Sequence] = []
        self.parts: list[Part] = []
        self._step_time = step_time
        self._drafters: dict[int, object] = {}
        """The drafter of each slot's draft tokens."""
        for sequence, part in entries:
            self.sequences.append(sequence)
            self.parts.append(part)

    def __len__(self) -> int:
        return len(self.parts)

    def __iter__(self) -> Iterator[tuple[Sequence, Part]]:
        return zip(self.sequences, self.parts, strict=True)

    def charge(self, seconds: float) -> None:
        """Divide the time of the step among its sequences, by their tokens."""
        per_token = seconds / (sum(len(part.tokens) for part in self.parts) or 1)
        for sequence, part in self:
            sequence.device_s += per_token * len(part.tokens)

    @property
    def slots(self) -> list[int]:
        return [part.slot for part in self.parts]

    @property
    def adapter(self) -> int:
        return self.sequences[0].adapter

    @property
    def expected_s(self) -> float | None:
        """Seconds that the step takes without prompts and draft tokens; None while unknown."""
        return self._step_time.expected(len(self.parts))

    @property
    def decoding(self) -> int:
        """Return how many sequences add a single token."""
        return sum(len(part.tokens) == 1 for part in self.parts)

    @property
    def prompt_tokens(self) -> int:
        """Return how many prompt tokens it prefills."""
        return sum(part.known for part in self.parts if len(part.tokens) > 1 and part.known > 1)

    # Draft tokens

    @property
    def draft_tokens(self) -> int:
        return sum(part.draft_tokens for part in self.parts)

    @property
    def drafts(self) -> Mapping[int, int]:
        """Return the number of draft tokens by slot, where there are any."""
        return {part.slot: part.draft_tokens for part in self.parts if part.draft_tokens}

    def propose(self, part: Part, tokens: list[int], drafter: object) -> None:
        """Add draft tokens to a part that has none."""
        if tokens:
            part.tokens = [*part.tokens, *tokens]
            part.draft_tokens = len(tokens)
            self._drafters[part.slot] = drafter

    def checked(self, drafter: object) -> Iterator[tuple[Sequence, int, int]]:
        """Yield (sequence, draft tokens, accepted) where this drafter's tokens were checked."""
        for sequence, part in self:
            if part.accepted is not None and self._drafters.get(part.slot) is drafter:
                yield sequence, part.draft_tokens, part.accepted

    def drop_draft_tokens(self) -> None:
        for part in self.parts:
            part.drop_draft_tokens()
        self._drafters.clear()

    # After a failed decode

    def drop(self, sequence: Sequence) -> None:
        """Take a sequence out of the step."""
        index = self.sequences.index(sequence)
        del self.sequences[index], self.parts[index]

    def apart(self) -> Iterator[Batch]:
        """Yield a batch of each sequence alone, with the same parts."""
        for entry in self:
            yield Batch(self._step_time, [entry])
