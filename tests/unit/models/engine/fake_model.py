"""A model in ten lines: the next token depends on the last one, the sampler and nothing else. It checks its caller."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import PortalError
from core.inference.requests import Delta, Finished, Queued, SamplingParams
from models.engine.backend import Decoded, Part
from models.engine.batching.row_costs import RowCosts
from models.engine.batching.step_time import StepTime
from models.engine.costs import Costs
from models.engine.engine import Engine
from models.engine.sequence import Sequence as Running
from models.engine.speculative.draft_costs import DraftCosts

END = 0


class FixedStepTime(StepTime):
    """Expects the same of every step, whatever steps took."""

    def __init__(self, seconds: float | None) -> None:
        super().__init__(64)
        self._seconds = seconds

    def expected(self, sequences: int) -> float | None:
        return self._seconds


class FixedDraftCosts(DraftCosts):
    """Learns nothing."""

    def learn(self, *_: object) -> None:
        pass


def known_costs(model: FakeModel, row_s: Callable[[int], float] | None, step_s: float | None = None) -> Costs:
    """Return costs in which rows take `row_s` (None: unknown) and a step `step_s`, whatever the fake takes."""
    rows = RowCosts.of_backend(model)
    if row_s is not None:
        know(rows, row_s)
    return Costs(FixedStepTime(step_s), rows, FixedDraftCosts(rows, own_streams=model.own_streams))


def know(rows: RowCosts, row_s: Callable[[int], float]) -> None:
    """Measure rows as if they took `row_s`."""
    while (missing := rows.missing) is not None:
        rows.measured(row_s(missing))


class FakeModel:
    """Fulfils Backend. Tokens are bytes; 0 ends. Greedy counts upwards, else a seeded choice."""

    def __init__(self, slots: int = 4, context: int = 200, batch_tokens: int = 64, seconds_per_token: float = 0.0) -> None:
        self.slots, self.context, self.batch_tokens, self.copy_from = slots, context, batch_tokens, 8
        self.max_draft_tokens, self.offload_bytes, self.shared_cells = 8, 0, 0
        self.can_cut, self.can_draft, self.own_streams, self.on_gpu = True, False, False, False
        self.drafted: list[int] = []
        self.memory: list[list[int]] = [[] for _ in range(slots)]
        self.batches: list[list[Part]] = []
        self.samplers = 0
        self.closed = False
        self.aborting = False
        self.answers: Callable[[list[Part]], Decoded] = lambda parts: Decoded.DONE
        self._seconds = seconds_per_token
        self.adapter = 0
        self.read_with: list[list[int]] = [[] for _ in range(slots)]
        """The adapter of each token in memory."""
        self._saved: dict[int, tuple[NDArray[np.uint8], list[int]]] = {}

    def decode(self, parts: Sequence[Part]) -> Decoded:
        assert 0 < sum(len(part.tokens) for part in parts) <= self.batch_tokens
        slots = [part.slot for part in parts]
        assert len(slots) == len(set(slots)) and (self.own_streams or slots == sorted(slots)), "slots ascend, each once"
        time.sleep(self._seconds * sum(len(part.tokens) for part in parts))
        self.batches.append(list(parts))
        result = Decoded.ABORTED if self.aborting else self.answers(list(parts))
        held = sum(map(len, self.memory)) + sum(len(part.tokens) for part in parts)
        if self.shared_cells and held > self.shared_cells:
            result = Decoded.FULL
        if result is not Decoded.FULL:
            for part in parts:
                assert len(self.memory[part.slot]) == part.start, "positions follow what the slot holds"
                self.memory[part.slot] += part.tokens
                read_with = self.read_with[part.slot] = self.read_with[part.slot][: part.start] + [self.adapter] * len(part.tokens)
                assert set(read_with) == {self.adapter}, "what one adapter read is of no use to another"
                assert len(self.memory[part.slot]) <= self.context
        return result

    def draft(self, wanted: Sequence[tuple[int, int, int]]) -> list[list[int]]:
        """Counts upwards, as the greedy sampler does."""
        assert [slot for slot, _, _ in wanted] == sorted({slot for slot, _, _ in wanted}), "slots ascend, each once"
        self.drafted += [slot for slot, _, _ in wanted]
        return [[(token + step) % 250 + 1 if step else token % 250 + 1 for step in range(count)] for _, token, count in wanted]

    def prepare(self, samplers: Sequence[tuple[Any, int]]) -> None:
        assert len({part for _, part in samplers}) == len(samplers)

    def sample(self, sampler: Any, part: int, draft: int = 0) -> int:
        seen = self.batches[-1][part]
        last = seen.tokens[len(seen.tokens) - seen.draft_tokens + draft - 1]
        return int((last - self.adapter) % 250 + 1) if sampler == "greedy" else int(sampler.randrange(1, 250))

    def use_adapter(self, adapter: int) -> None:
        assert adapter != self.adapter, "a change costs time"
        self.adapter = adapter

    def new_sampler(self, params: SamplingParams, prompt: Sequence[int]) -> Any:
        self.samplers += 1
        return random.Random(params.seed) if params.temperature else "greedy"

    def free_sampler(self, sampler: Any) -> None:
        self.samplers -= 1

    def assign(self, slot: int, sampler: Any) -> None:
        assert sampler is not None and 0 <= slot < self.slots

    def cut(self, slot: int, length: int) -> None:
        assert self.can_cut or length in (0, len(self.memory[slot])), "a recurrent model cannot be cut back"
        del self.memory[slot][length:]

    def copy(self, source: int, target: int, length: int) -> None:
        self.memory[target] = self.memory[source][:length]
        self.read_with[target] = self.read_with[source][:length]

    def save(self, slot: int) -> NDArray[np.uint8]:
        state = np.array(self.memory[slot], np.uint8)
        self._saved[id(state)] = (state, self.read_with[slot][:])
        return state

    def restore(self, slot: int, state: NDArray[np.uint8]) -> bool:
        self.memory[slot] = state.tolist()
        # A state that was on the disk is another array with the same bytes.
        same = (one for one in self._saved.values() if one[0].tobytes() == state.tobytes())
        self.read_with[slot] = (self._saved.get(id(state)) or next(same))[1][:]
        return True

    def piece(self, token: int) -> bytes:
        return bytes([token])

    def ends(self, token: int) -> bool:
        return token == END

    def abort(self, now: bool) -> None:
        self.aborting = now

    def close(self) -> None:
        self.closed = True


def ask(engine: Engine, prompt: list[int], *, user: str = "ann", tokens: int = 5, adapter: int = 0, **params: Any) -> Running:
    """adapter: -n makes greedy answers count in steps of n + 1."""
    return engine.submit(prompt, SamplingParams(**params), tokens, user, adapter=adapter)


def run(engine: Engine, *sequences: Running, limit: int = 2000) -> None:
    """Step, in this thread, until all are finished."""
    for _ in range(limit):
        if all(ended(sequence) for sequence in sequences):
            engine.flush()
            return
        engine.step()
    raise AssertionError("the engine did not finish")


def ended(sequence: Running) -> bool:
    return sequence.cancelled or sequence.ended


def collect(sequence: Running) -> tuple[str, Finished | PortalError]:
    """Return the text and the last event."""
    text = ""
    while True:
        event = sequence.events.get(timeout=60)
        if isinstance(event, Delta):
            text += event.text
        elif not isinstance(event, Queued):
            return text, event
