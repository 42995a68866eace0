"""Find the earlier passage that an answer follows, and learn how often its tokens are accepted."""

from __future__ import annotations

_MATCH, _LOOKED_UP = 6, 3
"""How many last tokens must have occurred before; by how many of them that is looked up. Fewer match by chance in any text."""
_WINDOW = 16_384
"""How much of a prompt is indexed."""
_PRIOR, _WEIGHT = 0.7, 2.0
"""The accept rate assumed at first, and how many draft tokens that counts as."""
_DECAY = 0.98
"""Weight of a draft token after each later one: an answer may quote in some parts only."""
_RECOVERY = 0.004
"""How much of the first accept rate is restored with each token that had no draft."""
_PATIENCE = 2
"""How many drafts in a row may fail at once before the passage is given up."""


class Passage:
    """What may come next in one answer, and how often that was accepted."""

    def __init__(self, tokens: list[int]) -> None:
        """Index the prompt's last tokens, 0.1 ms for 1,000 of them: not on the decode thread."""
        begin = max(0, len(tokens) - _WINDOW)
        recent = tokens[begin:]
        grams = zip(recent, recent[1:], recent[2:-1], strict=False)
        self._follows = dict(zip(grams, range(begin + _LOOKED_UP, len(tokens)), strict=False))
        self._indexed = len(tokens)
        self._judged = True
        """Whether the newest tokens were drafted, or belong to the prompt."""
        self._back = 0
        """The distance to the passage in tokens; 0 if there is none."""
        self._failed = 0
        self._right, self._made = _PRIOR * _WEIGHT, _WEIGHT

    @property
    def accept_rate(self) -> float:
        """Return the chance that a draft token is accepted whose predecessors were."""
        return self._right / self._made

    def follow(self, tokens: list[int]) -> None:
        """Find the passage that the answer follows. Its prediction of the newest token counts as a draft that cost nothing."""
        if self._back and not self._judged:
            self.learn(1, int(tokens[-1] == tokens[-1 - self._back]))
        self._judged = False
        for end in range(self._indexed, len(tokens)):
            self._follows[tokens[end - 3], tokens[end - 2], tokens[end - 1]] = end
        self._indexed = count = len(tokens)
        along = self._back and tokens[count - self._back - 1] == tokens[-1]
        if not along and count >= _MATCH:
            match = self._follows.get((tokens[-3], tokens[-2], tokens[-1]))
            if match is not None and tokens[match - _MATCH : match] == tokens[-_MATCH:]:
                self._back = count - match

    def draft(self, tokens: list[int], most: int) -> list[int]:
        """Return at most `most` tokens that may follow, as they followed before; none where the end has no precedent."""
        begin = len(tokens) - self._back
        return tokens[begin : begin + most] if self._back else []

    def learn(self, drafted: int, accepted: int) -> None:
        """Learn how many of the drafted tokens, from the first on, were accepted."""
        self._judged = True
        checked = min(drafted, accepted + 1)
        kept = _DECAY**checked
        self._right, self._made = kept * self._right + accepted, kept * self._made + checked
        self._failed = 0 if accepted else self._failed + 1
        if self._failed >= _PATIENCE:
            self._failed = self._back = 0

    def skipped(self) -> None:
        """Learn that a token had no draft."""
        prior = _PRIOR * self._made
        if self._right < prior:
            self._right = min(prior, self._right + _RECOVERY * self._made)
