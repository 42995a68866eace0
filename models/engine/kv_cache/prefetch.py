"""Prefill the beginnings of conversations' next prompts while nobody waits, where slots do not hold them yet."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from models.engine.backend import Part
from models.engine.kv_cache.prefix_cache import PrefixCache, common_prefix

WORTH_PREFETCHING = 16
"""Least tokens that are not held yet; fewer would not delay the next question noticeably."""


@dataclass(slots=True)
class _Target:
    """tokens: what a slot should hold. before: what it holds until prefetch begins; then `slot` holds the first `done` of the tokens."""

    tokens: list[int]
    before: list[int]
    slot: int | None = None
    done: int = 0

    def is_in(self, slot: int, held: Sequence[int]) -> bool:
        if self.slot is None:
            return len(held) >= len(self.before) - 1 and held == self.before[: len(held)]
        return slot == self.slot and held == self.tokens[: self.done]


class Prefetch:
    """The newest targets, one a slot at most, prefilled into free slots, which stay free. The engine holds its lock around every call."""

    def __init__(self, prefixes: PrefixCache, slots: int) -> None:
        self._prefixes = prefixes
        self._targets: deque[_Target] = deque(maxlen=slots)
        self._ranges: dict[int, tuple[int, int]] = {}
        """The first and last position of a slot's prefetched tokens."""
        self._current: _Target | None = None
        self.tokens = 0
        """Return the tokens computed so far."""

    def __bool__(self) -> bool:
        return bool(self._targets)

    def add(self, held: list[int], tokens: list[int]) -> None:
        """Expect that the conversation whose slot holds `held`, or all but the last of it, continues with `tokens`."""
        if len(tokens) - common_prefix(held, tokens, len(tokens)) >= WORTH_PREFETCHING:
            self._targets.append(_Target(tokens, held))

    def clear(self) -> None:
        self._targets.clear()

    def next(self, free: Collection[int], most: int) -> Part | None:
        """Return the part to compute now, at most `most` tokens; cut its slot to where it begins. None: nothing is left.

        The newest target goes first: its reader began last. A conversation that left its slot, or went on in any slot, is dropped.
        """
        while self._targets:
            target = self._targets[-1]
            tokens = target.tokens
            slot = next((slot for slot in free if target.is_in(slot, self._prefixes.held(slot))), None)
            if slot is not None and target.done < len(tokens) and (target.slot is not None or self._is_worth_it(tokens, slot)):
                if target.slot is None:
                    target.slot = slot
                    target.done = common_prefix(self._prefixes.held(slot), tokens, len(tokens))
                    self._prefixes.cut(slot, target.done)
                self._current = target
                return Part(slot, target.done, tokens[target.done : target.done + most], wants_logits=False)
            self._targets.pop()
        return None

    def _is_worth_it(self, tokens: list[int], slot: int) -> bool:
        """Tell whether enough of the tokens is in no slot. A question that came first may have been answered in another slot."""
        return len(tokens) - self._prefixes.longest(tokens, self._prefixes.adapter(slot)) >= WORTH_PREFETCHING

    def done(self, part: Part) -> None:
        """Note that the slot holds the part that `next` returned last."""
        assert self._current is not None
        end = self._current.done = part.start + len(part.tokens)
        self._prefixes.extend(part.slot, part.tokens)
        self._ranges[part.slot] = (self._ranges.get(part.slot, (part.start, 0))[0], end)
        self.tokens += len(part.tokens)

    def use(self, slot: int, length: int) -> int:
        """Return how many of the first `length` tokens, with which `slot` continues, were prefetched; the rest is forgotten."""
        begin, end = self._ranges.pop(slot, (0, 0))
        return max(0, min(length, end) - begin)
