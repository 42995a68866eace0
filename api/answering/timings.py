"""Define the JSON of what was measured of an answer."""

from __future__ import annotations

from dataclasses import asdict

from pydantic import BaseModel, Field, computed_field

from core.inference.records import Timings


class TimingsOut(BaseModel):
    """Measurements of an answer. Times are in seconds; null means not measured."""

    queue_s: float
    ttft_s: float | None = Field(description="Time from the question to the first token.")
    duration_s: float
    tokens_per_second: float | None
    thinking_s: float | None = Field(description="Duration of the reasoning; null if there was none.")
    inter_token_p50_s: float | None = Field(description="Inter-token latency.")
    inter_token_p95_s: float | None
    steps: int = Field(description="Engine steps that this answer took part in.")
    prefill_tokens: int = Field(description="Prompt tokens that were computed; the rest came from the cache.")
    prefill_s: float | None = Field(description="Duration of the steps that processed the prompt, which served other answers too.")
    draft_tokens: int = Field(description="Draft tokens of speculative decoding.")
    accepted_tokens: int = Field(description="Draft tokens that were accepted.")
    retries: int = Field(description="How often the answer was retried with safer sampling.")

    @computed_field(description="The old name of draft_tokens, for one release.")  # type: ignore[prop-decorator]
    @property
    def guessed_tokens(self) -> int:
        return self.draft_tokens

    @computed_field(description="The old name of accepted_tokens, for one release.")  # type: ignore[prop-decorator]
    @property
    def guessed_right(self) -> int:
        return self.accepted_tokens

    @staticmethod
    def of(timings: Timings) -> TimingsOut:
        return TimingsOut(**asdict(timings))
