"""Learn how long steps take on this machine, and so how much of prompts to prefill in one."""

from __future__ import annotations

STEP_WHILE_DECODING_S = 0.15
"""Seconds that prefill may add to a step that others wait for: their next token is delayed as much."""
STEP_ALONE_S = 0.5
"""The longest prefill of a step when nobody waits for a token: a cancel takes effect within a step."""
SMALLEST_CHUNK = 16
WHOLE = 1.25
"""How many times longer prefill may take if it completes a prompt: a short rest would cost its own step."""
FIRST_TOKEN = 2.0
"""How many people waiting for their next token count as much as one waiting for the first."""
APART = 4.0
"""How many times its cost a further step must save for those who wait: others arrive meanwhile and wait too."""
_OUTLIER = 2.0
"""A step counts as at most this many times its expected time."""


class StepTime:
    """Learns from every step. Not thread-safe: the engine holds its lock around `learn`."""

    def __init__(self, batch_tokens: int) -> None:
        """batch_tokens: most tokens in one step."""
        self._batch_tokens = batch_tokens
        self._decode_s: dict[int, float] = {}
        """Seconds of a step without prompts, by the number of sequences in it."""
        self.prompt_token_s: float | None = None
        """Seconds that a token of a prompt adds to a step."""

    def expected(self, sequences: int) -> float | None:
        """Return the seconds of a step that adds a token to so many sequences; None while unknown."""
        return self._decode_s.get(sequences)

    @property
    def longest_s(self) -> float | None:
        """Return the longest expected step without prompts; None while unknown."""
        return max(self._decode_s.values(), default=None)

    @property
    def chunk(self) -> int:
        """Return how many prompt tokens to prefill while nobody waits: few enough that a new question waits only briefly."""
        return self._fit(STEP_WHILE_DECODING_S)

    def budget(self, decoding: int, prefilling: int) -> int:
        """Return how many prompt tokens to prefill in a step with so many sequences of each kind.

        More where many wait for their first token: long steps prefill faster.
        """
        share = FIRST_TOKEN * prefilling / decoding if decoding else float("inf")
        return self._fit(min(STEP_ALONE_S, STEP_WHILE_DECODING_S * max(1.0, share)))

    def _fit(self, seconds: float) -> int:
        """Return how many prompt tokens take so long, so that a step stays short on a slow machine."""
        if self.prompt_token_s is None:
            return min(64, self._batch_tokens)
        return max(SMALLEST_CHUNK, min(self._batch_tokens, int(seconds / self.prompt_token_s)))

    def is_enough(self, ended: int, tokens: int, prefilling: int, decoding: int) -> bool:
        """Tell whether sequences whose prompts end with these `tokens` should not wait for others that could join the step.

        Each further step that k equal prompts are split into takes d seconds more. With g prompts a step, r seconds each, they end
        after (k / g + 1) / 2 steps of g * r + d seconds on average: soonest where g * g * r is k * d. Nothing is split before the
        time of a step with about so many sequences is known.
        """
        if not ended or self.prompt_token_s is None or not self._decode_s:
            return False
        nearest = min(self._decode_s, key=lambda sequences: abs(sequences - decoding - ended))
        return ended * tokens * self.prompt_token_s >= APART * prefilling * self._decode_s[nearest]

    def learn(self, decoding: int, prompt_tokens: int, seconds: float) -> None:
        """Learn from a step that added a token to `decoding` sequences and prefilled `prompt_tokens`.

        A step that took far longer than expected was delayed by something else, and says little.
        """
        known = self._decode_s.get(decoding)
        if prompt_tokens >= SMALLEST_CHUNK:
            self._learn_prefill(decoding, known, prompt_tokens, seconds)
        elif decoding and not prompt_tokens:
            self._decode_s[decoding] = seconds if known is None else known + 0.1 * (min(seconds, _OUTLIER * known) - known)

    def _learn_prefill(self, decoding: int, decode_s: float | None, prompt_tokens: int, seconds: float) -> None:
        per_token = max(seconds - (decode_s or 0.0), seconds / 4) / prompt_tokens
        known = self.prompt_token_s
        if known is None:
            self.prompt_token_s = per_token
        elif not decoding or decode_s is not None or per_token < known:
            # While the time of so many sequences alone is unknown, a prompt token takes at most this.
            self.prompt_token_s = 0.7 * known + 0.3 * per_token
