"""What conversations' next prompts will begin with, where that is not what their slots hold; read while nobody waits."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass

from models.engine.backend import Part
from models.engine.kv_cache.prefix_cache import PrefixCache, common_prefix

WORTH_READING = 16
"""Tokens that are not held; fewer cost the next question nothing that anybody notices."""


@dataclass(slots=True)
class _Expected:
    """tokens: what is to be held. before: what the slot holds until reading begins; then `slot` holds the first `read` of the tokens."""

    tokens: list[int]
    before: list[int]
    slot: int | None = None
    read: int = 0

    def is_in(self, slot: int, held: list[int]) -> bool:
        if self.slot is None:
            return len(held) >= len(self.before) - 1 and held == self.before[: len(held)]
        return slot == self.slot and held == self.tokens[: self.read]


class ReadAhead:
    """The newest `slots` expectations, read into free slots, which stay free. The engine holds its lock around every call."""

    def __init__(self, prefixes: PrefixCache) -> None:
        self._prefixes = prefixes
        self._expected: deque[_Expected] = deque(maxlen=len(prefixes.tokens))
        self._read: dict[int, tuple[int, int]] = {}
        """From which to which position a slot holds tokens read ahead."""
        self._reading: _Expected | None = None
        self.tokens = 0
        """Read so far."""

    def __bool__(self) -> bool:
        return bool(self._expected)

    def expect(self, held: list[int], tokens: list[int]) -> None:
        """The conversation whose slot holds `held`, or all but the last of it, will go on with `tokens`."""
        if len(tokens) - common_prefix(held, tokens, len(tokens)) >= WORTH_READING:
            self._expected.append(_Expected(tokens, held))

    def clear(self) -> None:
        self._expected.clear()

    def next(self, free: Collection[int], most: int) -> Part | None:
        """What to read now, at most `most` tokens; cut its slot to where it begins. None: nothing is left to read.

        The newest expectation goes first: its reader began last. One whose conversation left its slot, or went on, is dropped.
        """
        while self._expected:
            expected = self._expected[-1]
            tokens = expected.tokens
            slot = next((slot for slot in free if expected.is_in(slot, self._prefixes.tokens[slot])), None)
            if slot is not None and expected.read < len(tokens):
                if expected.slot is None:
                    expected.slot = slot
                    expected.read = common_prefix(self._prefixes.tokens[slot], tokens, len(tokens))
                    del self._prefixes.tokens[slot][expected.read :]
                self._reading = expected
                return Part(slot, expected.read, tokens[expected.read : expected.read + most], wants_logits=False)
            self._expected.pop()
        return None

    def done(self, part: Part) -> None:
        """The slot holds the part that `next` gave last."""
        assert self._reading is not None
        end = self._reading.read = part.start + len(part.tokens)
        self._prefixes.tokens[part.slot].extend(part.tokens)
        self._read[part.slot] = (self._read.get(part.slot, (part.start, 0))[0], end)
        self.tokens += len(part.tokens)

    def used(self, slot: int, length: int) -> int:
        """How many of the first `length` tokens, with which `slot` goes on, were read ahead."""
        begin, end = self._read.pop(slot, (0, 0))
        return max(0, min(length, end) - begin)
