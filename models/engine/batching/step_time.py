"""What steps take on this machine, as measured, and so how much of prompts to read in one."""

from __future__ import annotations

STEP_WHILE_DECODING_S = 0.15
"""What reading prompts may add to a step that others wait for: their next token comes that much later."""
STEP_ALONE_S = 0.5
"""The longest that reading may take when nobody waits for a token: a cancel takes effect within a step."""
SMALLEST_CHUNK = 16
WHOLE = 1.25
"""How many times longer than that reading may take where a prompt ends with it: a short rest would cost a step of its own."""
FIRST_TOKEN = 2.0
"""How many people who wait for their next token weigh as much as one who waits for the first."""
APART = 4.0
"""How many times what it costs those who wait a further step must bring them: others come meanwhile, and wait too."""
_SURPRISE = 2.0
"""Times longer than expected: what a step is counted as at most."""


class Pace:
    """Not thread-safe: the engine holds its lock around every call."""

    def __init__(self, batch_tokens: int) -> None:
        """batch_tokens: most tokens in one step."""
        self._batch_tokens = batch_tokens
        self.plain_s: dict[int, float] = {}
        """What a step that reads no prompt takes, by the number of answers in it."""
        self.token_s: float | None = None
        """What a token of a prompt adds to a step."""

    @property
    def chunk(self) -> int:
        """Prompt tokens that may be read while nobody waits, so that whoever comes waits little."""
        return self._fit(STEP_WHILE_DECODING_S)

    def budget(self, decoding: int, reading: int) -> int:
        """Prompt tokens for a step in which so many answers get a token and so many prompts are read.

        More where many wait for their first token: long steps are the quicker way to read.
        """
        share = FIRST_TOKEN * reading / decoding if decoding else float("inf")
        return self._fit(min(STEP_ALONE_S, STEP_WHILE_DECODING_S * max(1.0, share)))

    def _fit(self, seconds: float) -> int:
        """So that a step stays short on a slow machine."""
        if self.token_s is None:
            return min(64, self._batch_tokens)
        return max(SMALLEST_CHUNK, min(self._batch_tokens, int(seconds / self.token_s)))

    def is_enough(self, ended: int, tokens: int, reading: int, decoding: int) -> bool:
        """Whether those whose prompts end with these `tokens` shall not wait for others that could be read with them.

        Each further step that k equal prompts are read in takes d seconds more. Read g a step, r seconds each, they end after
        (k / g + 1) / 2 steps of g * r + d seconds on average: soonest where g * g * r is k * d. Not before it is known what a step of about
        so many answers takes.
        """
        if not ended or self.token_s is None or not self.plain_s:
            return False
        nearest = min(self.plain_s, key=lambda answers: abs(answers - decoding - ended))
        return ended * tokens * self.token_s >= APART * reading * self.plain_s[nearest]

    def learn(self, answers: int, prompt_tokens: int, seconds: float) -> None:
        """From a step that gave each of `answers` a token and read `prompt_tokens`.

        One that took far longer than expected was kept waiting by something else, and says little.
        """
        plain = self.plain_s.get(answers)
        if prompt_tokens >= SMALLEST_CHUNK:
            per_token = max(seconds - (plain or 0.0), seconds / 4) / prompt_tokens
            known = self.token_s
            if known is None:
                self.token_s = per_token
            elif not answers or plain is not None or per_token < known:
                # Where nobody knows what so many answers take alone, a token of the prompt takes at most this.
                self.token_s = 0.7 * known + 0.3 * per_token
        elif answers and not prompt_tokens:
            self.plain_s[answers] = seconds if plain is None else plain + 0.1 * (min(seconds, _SURPRISE * plain) - plain)
