"""Which tokens each slot's context memory holds, and which slot can serve as a new prompt's beginning."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Match:
    """Put the prompt into `slot`; its first `length` tokens come from `source` (the slot itself: in place)."""

    slot: int
    source: int
    length: int


class PrefixCache:
    """Mirrors the context memory, token by token. Not thread-safe."""

    def __init__(self, slots: int, copy_from: int, *, can_cut: bool = True) -> None:
        self.tokens: list[list[int]] = [[] for _ in range(slots)]
        self.adapters = [0] * slots
        """With which the tokens of each slot were read: what another one left there is of no use."""
        self._used = [0] * slots
        self._clock = 0
        self._copy_from = copy_from
        self._can_cut = can_cut

    @property
    def cells(self) -> int:
        """Tokens held by all slots together."""
        return sum(map(len, self.tokens))

    def match(self, prompt: Sequence[int], free: Collection[int], adapter: int = 0) -> Match:
        """The best place for `prompt`, to be read with `adapter`, among the `free` slots, of which there must be one.

        At least one token is left to compute, since an answer begins with the logits of the last. A slot is continued in
        place if most of what it holds is shared; otherwise the prefix is copied, from a busy slot too, into the slot that
        was not used for longest, so that a long conversation does not lose its memory to a short one with the same
        system prompt.
        """
        limit = len(prompt) - 1
        shared = [
            common_prefix(held, prompt, limit) if read_with == adapter else 0
            for held, read_with in zip(self.tokens, self.adapters, strict=True)
        ]
        if not self._can_cut:
            # Only a slot whose every token is part of the prompt can go on.
            shared = [length if slot in free and length == len(self.tokens[slot]) else 0 for slot, length in enumerate(shared)]
        best = max(free, key=lambda slot: (shared[slot], -slot))
        source = max(range(len(shared)), key=shared.__getitem__)
        if shared[best] and shared[best] * 2 >= len(self.tokens[best]) and shared[source] - shared[best] < self._copy_from:
            return Match(best, best, shared[best])
        oldest = self.oldest(free)
        if shared[source] >= self._copy_from:
            return Match(oldest, source, shared[source])
        return Match(oldest, oldest, shared[oldest])

    def longest(self, prompt: Sequence[int], adapter: int) -> int:
        """How many tokens of `prompt` some slot holds."""
        held = [tokens for tokens, read_with in zip(self.tokens, self.adapters, strict=True) if read_with == adapter]
        return max((common_prefix(list(tokens), prompt, len(prompt) - 1) for tokens in held), default=0)

    def begin(self, match: Match, adapter: int = 0) -> None:
        """The slot now holds the match's tokens and nothing else."""
        self.hold(match.slot, self.tokens[match.source][: match.length], adapter)

    def hold(self, slot: int, tokens: list[int], adapter: int = 0) -> None:
        self.tokens[slot] = tokens
        self.adapters[slot] = adapter
        self.touch(slot)

    def oldest(self, free: Collection[int]) -> int:
        """The free slot to be overwritten: an empty one, else the one that was not used for longest."""
        return min(free, key=lambda slot: (bool(self.tokens[slot]), self._used[slot], slot))

    def leave(self, slot: int) -> None:
        """The conversation went on elsewhere: what it left here is the first to be overwritten."""
        self._used[slot] = 0

    def goes_on(self, slot: int, prompt: Sequence[int]) -> bool:
        """Whether `prompt` goes on with most of what the slot holds."""
        held = self.tokens[slot]
        return bool(held) and 2 * common_prefix(held, prompt, len(prompt) - 1) >= len(held)

    def held_elsewhere(self, slot: int) -> bool:
        """Whether another slot begins with all that this one holds."""
        held, read_with = self.tokens[slot], self.adapters[slot]
        others = zip(self.tokens, self.adapters, strict=True)
        return any(other is not held and adapter == read_with and other[: len(held)] == held for other, adapter in others)

    def touch(self, slot: int) -> None:
        self._clock += 1
        self._used[slot] = self._clock

    def least_used(self, free: Collection[int]) -> int | None:
        """The free slot holding tokens that nobody used for longest."""
        return min((slot for slot in free if self.tokens[slot]), key=self._used.__getitem__, default=None)


def common_prefix(held: Sequence[int], prompt: Sequence[int], limit: int) -> int:
    """How many first tokens agree, at most `limit`. Halves the range with whole-slice comparisons, which run in C."""
    high = min(len(held), limit)
    if high <= 0 or held[0] != prompt[0]:
        return 0
    if held[:high] == prompt[:high]:
        return high
    low = 1
    while low < high:
        middle = (low + high + 1) // 2
        if held[:middle] == prompt[:middle]:
            low = middle
        else:
            high = middle - 1
    return low
