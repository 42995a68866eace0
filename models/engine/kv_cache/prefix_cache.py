"""Track which tokens each slot holds, and find a slot with the beginning of a new prompt."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from models.engine.images import whole_length


@dataclass(frozen=True, slots=True)
class Match:
    """Put the prompt into `slot`; its first `length` tokens come from `source` (the slot itself: in place)."""

    slot: int
    source: int
    length: int


class PrefixCache:
    """Mirrors the KV cache, token by token. Not thread-safe: see KvCache."""

    def __init__(self, slots: int, copy_from: int, *, can_cut: bool = True) -> None:
        self._tokens: list[list[int]] = [[] for _ in range(slots)]
        self._adapters = [0] * slots
        """The adapter that computed the tokens of each slot: other adapters cannot use them."""
        self._used = [0] * slots
        self._clock = 0
        self._copy_from = copy_from
        self._can_cut = can_cut

    @property
    def cells(self) -> int:
        """Return the tokens held by all slots together."""
        return sum(map(len, self._tokens))

    def held(self, slot: int) -> Sequence[int]:
        return self._tokens[slot]

    def length(self, slot: int) -> int:
        return len(self._tokens[slot])

    def adapter(self, slot: int) -> int:
        return self._adapters[slot]

    def match(self, prompt: Sequence[int], free: Collection[int], adapter: int = 0) -> Match:
        """Choose the best of the `free` slots, of which there must be one, for `prompt` with `adapter`.

        At least one token is left to compute, since an answer begins with the logits of the last. A slot is continued in
        place if most of what it holds is shared; otherwise the prefix is copied, from a busy slot too, into the slot that
        was not used for longest, so that a long conversation does not lose its slot to a short one with the same
        system prompt.
        """
        limit = len(prompt) - 1
        shared = [
            whole_length(prompt, common_prefix(held, prompt, limit)) if computed_with == adapter else 0
            for held, computed_with in zip(self._tokens, self._adapters, strict=True)
        ]
        if not self._can_cut:
            # Only a slot whose every token is part of the prompt can continue.
            shared = [length if slot in free and length == len(self._tokens[slot]) else 0 for slot, length in enumerate(shared)]
        best = max(free, key=lambda slot: (shared[slot], -slot))
        source = max(range(len(shared)), key=shared.__getitem__)
        if shared[best] and shared[best] * 2 >= len(self._tokens[best]) and shared[source] - shared[best] < self._copy_from:
            return Match(best, best, shared[best])
        oldest = self.oldest(free)
        if shared[source] >= self._copy_from:
            return Match(oldest, source, shared[source])
        return Match(oldest, oldest, shared[oldest])

    def longest(self, prompt: Sequence[int], adapter: int) -> int:
        """Return how many tokens of `prompt` some slot holds at most."""
        held = [tokens for tokens, computed_with in zip(self._tokens, self._adapters, strict=True) if computed_with == adapter]
        return max((common_prefix(tokens, prompt, len(prompt) - 1) for tokens in held), default=0)

    def begin(self, match: Match, adapter: int = 0) -> None:
        """Note that the slot holds the match's tokens and nothing else."""
        self.hold(match.slot, self._tokens[match.source][: match.length], adapter)

    def hold(self, slot: int, tokens: list[int], adapter: int = 0) -> None:
        """Note that the slot holds these tokens and nothing else."""
        self._tokens[slot] = tokens
        self._adapters[slot] = adapter
        self.touch(slot)

    def extend(self, slot: int, tokens: Sequence[int]) -> None:
        """Note that the slot holds these tokens too."""
        self._tokens[slot].extend(tokens)

    def cut(self, slot: int, length: int) -> None:
        """Note that the slot holds no more than its first `length` tokens."""
        del self._tokens[slot][length:]

    def oldest(self, free: Collection[int]) -> int:
        """Return the free slot to overwrite: an empty one, else the least recently used."""
        return min(free, key=lambda slot: (bool(self._tokens[slot]), self._used[slot], slot))

    def release(self, slot: int) -> None:
        """Overwrite this slot first: its conversation went on elsewhere."""
        self._used[slot] = 0

    def continues(self, slot: int, prompt: Sequence[int]) -> bool:
        """Tell whether `prompt` continues with most of what the slot holds."""
        held = self._tokens[slot]
        return bool(held) and 2 * common_prefix(held, prompt, len(prompt) - 1) >= len(held)

    def is_duplicate(self, slot: int) -> bool:
        """Tell whether another slot begins with all that this one holds."""
        held, computed_with = self._tokens[slot], self._adapters[slot]
        others = zip(self._tokens, self._adapters, strict=True)
        return any(other is not held and adapter == computed_with and other[: len(held)] == held for other, adapter in others)

    def touch(self, slot: int) -> None:
        """Note that the slot was used just now."""
        self._clock += 1
        self._used[slot] = self._clock

    def least_used(self, free: Collection[int]) -> int | None:
        """Return the least recently used free slot that holds tokens."""
        return min((slot for slot in free if self._tokens[slot]), key=self._used.__getitem__, default=None)


def common_prefix(held: Sequence[int], prompt: Sequence[int], limit: int) -> int:
    """Return how many first tokens agree, at most `limit`. Halves the range with comparisons of slices, which run in C."""
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
