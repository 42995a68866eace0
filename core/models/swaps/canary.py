"""Judge the answers of a new version: to canary questions before it serves, and to people's questions afterwards."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import replace

from core.errors import InvalidInput, StoredError
from core.inference.requests import ChatMessage, ChatRole, GenerationRequest, SamplingParams
from core.models.swaps.records import CanaryQuestion, SwapOptions, Trial, VersionStats

CANARY_TOKENS, REPLAY_TOKENS = 200, 800
LIMIT_S = 120.0
"""Seconds after which a canary answer counts as failed."""
BUILT_IN = (
    CanaryQuestion(id="en", model="", language="en", question="Say in one sentence what a computer is."),
    CanaryQuestion(id="zh", model="", language="zh", question="用一句话说明什么是计算机。"),
)
"""Questions asked if no admin has written any for the model or for all models."""
FAILED = "{n} of {answers} answers of the new version failed; of the old one, {before} of {earlier}."
DEGENERATED = "{n} of {answers} answers of the new version repeat themselves; of the old one, {before} of {earlier}."
_ENOUGH_TOKENS = 8
"""Smallest number of tokens from which the speed is judged."""
_MIN_SHARE_OF_LETTERS = {"en": 0.8, "zh": 0.3}
_FEW_ERRORS, _FEW_SPEEDS = 2, 5
"""Numbers of errors, and of answers, from which the new version is compared with the old one."""


def canaries_for(model: str, stored: tuple[CanaryQuestion, ...]) -> tuple[CanaryQuestion, ...]:
    """Return the questions of a model: its own and those for every model, or the built-in ones."""
    return tuple(one for one in stored if one.model in ("", model)) or BUILT_IN


def asking(question: str, tokens: int) -> GenerationRequest:
    """Build the request of one question: sampled as for people, but with a seed and without reasoning, so that it is repeatable."""
    return GenerationRequest(
        messages=(ChatMessage(ChatRole.USER, question),), user_id="canary", params=SamplingParams(seed=1, max_tokens=tokens),
        thinking=False, id="canary",
    )  # fmt: skip


def judged(trial: Trial, canary: CanaryQuestion, options: SwapOptions, matches: Callable[[str, str], bool]) -> Trial:
    """Return the trial, with the reason if it fails. matches: evaluates a regular expression."""
    return replace(trial, verdict=_verdict(trial, canary, options, matches))


def _verdict(trial: Trial, canary: CanaryQuestion, options: SwapOptions, matches: Callable[[str, str], bool]) -> StoredError | None:
    if trial.error is not None:
        return trial.error
    if not trial.text.strip():
        return StoredError("The answer is empty.")
    if trial.degenerated:
        return StoredError("The answer repeats itself.")
    if canary.language and not in_language(trial.text, canary.language):
        return StoredError("The answer is not in the language of the question.")
    speed = trial.tokens_per_second
    if options.min_speed and trial.tokens >= _ENOUGH_TOKENS and (speed or 0.0) < options.min_speed:
        numbers = {"speed": round(speed or 0, 1), "least": options.min_speed}
        return StoredError("It ran at {speed} tokens/s; the minimum is {least}.", numbers)
    if canary.pattern:
        try:
            if not matches(canary.pattern, trial.text):
                return StoredError("The answer does not contain {pattern}.", {"pattern": canary.pattern})
        except InvalidInput as problem:
            return StoredError.of(problem)
    return None


def in_language(text: str, language: str) -> bool:
    """Tell whether enough letters of a text are in the language's script. Text without letters fits every language."""
    letters = [character for character in text if character.isalpha()]
    if not letters:
        return True
    script = "CJK" if language == "zh" else "LATIN"
    share = sum(unicodedata.name(character, "").startswith(script) for character in letters) / len(letters)
    return share >= _MIN_SHARE_OF_LETTERS[language]


def trouble(old: VersionStats, new: VersionStats, options: SwapOptions) -> StoredError | None:
    """Return why the new version is worse than the old one under traffic; None if it is not worse, or it is too early to tell."""
    for count, before, template in (
        (new.errors, old.errors, FAILED),
        (new.degenerated, old.degenerated, DEGENERATED),
    ):
        if count >= _FEW_ERRORS and count * max(1, old.answers) > 2 * before * new.answers:
            return StoredError(template, {"n": count, "answers": new.answers, "before": before, "earlier": old.answers})
    speed, usual = new.tokens_per_second, old.tokens_per_second
    if speed is not None and usual is not None and new.answers >= _FEW_SPEEDS and old.answers >= _FEW_SPEEDS:
        if speed < options.min_speed_ratio * usual:
            return StoredError(
                "The new version runs at {speed} tokens/s, the old one at {usual}.", {"speed": round(speed, 1), "usual": round(usual, 1)}
            )
    return None
