"""Make a model that changes its answers easily, and questions with the answers of an engine that does nothing else."""

from __future__ import annotations

import queue
import random
from collections.abc import Sequence as Row
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import settings
from bootstrap.models import loadable
from core.errors import PortalError
from core.inference.requests import Delta, Finished, SamplingParams
from models.engine.engine import Engine
from models.engine.llama.backend import LlamaBackend
from models.engine.llama.options import BackendOptions
from models.engine.sequence import Sequence
from samples.gguf_maker import make_adapter, make_gguf

CONTEXT = 256
WORDS = [ord(letter) for letter in "abcdefghijklmnopqrstuvwxyz"]
ASKED_IN = (
    SamplingParams(temperature=0.0),
    SamplingParams(temperature=0.0, repeat_penalty=1.2, presence_penalty=0.5),
    SamplingParams(temperature=0.0, logit_bias=((WORDS[0], -100.0), (WORDS[4], 2.0)), stop_tokens=(WORDS[7],)),
    SamplingParams(temperature=0.0, stop=("ab", "zq", "th", "ee")),
    SamplingParams(temperature=0.0, logprobs=2, thinking_budget=4),
    SamplingParams(temperature=0.0, grammar='root ::= "[" [a-z]+ ("," [a-z]+)* "]"'),
    SamplingParams(temperature=0.3, top_k=20, top_p=0.9, seed=5),
)
"""Sampling parameters that give the same answer each time."""
NOISE, TRIES = 0.004, 8
"""The relative error added to logits, and how often: a question whose answer that changes is not asked."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question. answer: the answer of an engine that does nothing else."""

    prompt: Row[int]
    params: SamplingParams
    tokens: int
    adapter: int
    answer: str = ""
    logprobs: int = 0
    following: Row[int] = ()
    """The beginning of the next question of its conversation, which keeps only a part of the answer."""


def make_model(folder: Path) -> tuple[Path, list[tuple[int, str, float]]]:
    """Make a model with an MTP layer, and two adapters that change its answers."""
    model = make_gguf(folder / "stress.gguf", "glm4moe", context=CONTEXT, next_layer=True, forgetful=True, sharpness=30.0)
    adapters = [(-key, str(make_adapter(folder / f"{key}.gguf", "glm4moe", seed=key, layers=1)), 1.0) for key in (1, 2)]
    return model, adapters


def questions(model: Path, adapters: Row[tuple[int, str, float]], count: int, threads: int, seed: int = 0) -> list[Question]:
    """Return questions of conversations with few beginnings, each with the answer of a plain engine alone.

    Batches of another shape add up in another order: only questions are used whose answers stay the same with slightly wrong logits.
    """
    rng = random.Random(seed)
    options = BackendOptions(context=CONTEXT, slots=1, threads=threads, adapters=adapters)
    backend = LlamaBackend(model, loadable(settings.load().home, model, options))
    made: list[Question] = []
    number = 0
    while len(made) < count:
        number += 1
        adapter, params = -(len(made) // 3 % 3), ASKED_IN[number % len(ASKED_IN)]
        beginning = [WORDS[number % 3]] * 40 + WORDS * 2
        prompt = [*beginning[: rng.randrange(20, 92)], *(rng.choice(WORDS) for _ in range(rng.randrange(1, 40)))]
        if len(made) % 3 == 2:
            prompt = [*made[-1].following, *prompt[-5:]]
        tokens = rng.randrange(1, 30)
        answers = [_alone(backend, prompt, params, tokens, adapter, noise) for noise in (None, *range(TRIES))]
        if len({text for _, text in answers}) == 1:
            sequence, text = answers[0]
            following = [*prompt, *sequence.tokens[len(prompt) + sequence.generated // 2 :], *WORDS[:20]][:160]
            made.append(
                Question(
                    prompt=prompt,
                    params=params,
                    tokens=tokens,
                    adapter=adapter,
                    answer=text,
                    logprobs=len(sequence.logprobs),
                    following=following,
                )
            )
    backend.close()
    return made


def _alone(
    backend: LlamaBackend, prompt: Row[int], params: SamplingParams, tokens: int, adapter: int, noise: int | None
) -> tuple[Sequence, str]:
    """Answer a prompt alone. noise: seed of the errors of the logits; None: no errors."""
    sample, rng = backend.sample, np.random.default_rng(noise)

    def noisy(sampler: Any, part: int, draft: int = 0) -> int:
        logits = backend.logits(part)
        logits *= 1 + NOISE * rng.standard_normal(len(logits), np.float32)
        return sample(sampler, part, draft)

    if noise is not None:
        backend.sample = noisy  # type: ignore[method-assign]
    engine = Engine(backend, "alone", prompt_lookup=False)
    sequence = engine.submit(list(prompt), params, tokens, "somebody", adapter=adapter)
    while not engine.idle:
        engine.step()
    backend.sample = sample  # type: ignore[method-assign]
    backend.use_adapter(0)
    backend.cut(0, 0)
    return sequence, received(sequence)[0]


def received(sequence: Sequence) -> tuple[str, Finished | PortalError | None]:
    """Return the text and the end; None if the end does not come within 60 s."""
    text = ""
    while True:
        try:
            event = sequence.events.get(timeout=60)
        except queue.Empty:
            return text, None
        if isinstance(event, Delta):
            text += event.text
        elif isinstance(event, Finished | PortalError):
            return text, event
