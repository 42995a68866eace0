"""Compute the KL divergence of two models' next-token distributions, and the likelihood of the tokens that follow.

The formulas are those of llama.cpp's perplexity tool with --kl-divergence: the mean over positions of the sum over the vocabulary of p *
(log p - log q), where p is the reference, and the share of positions at which both give the highest logit to the same token.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Logits = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Divergence:
    """Results by position. losses: negative log likelihoods, in nats, of the token that follows, by the reference and by the candidate."""

    kl: NDArray[np.float64]
    same_top: NDArray[np.bool_]
    losses: tuple[NDArray[np.float64], NDArray[np.float64]]


def divergence(reference: Logits, candidate: Logits, following: Sequence[int]) -> Divergence:
    """Compare logits of shape (positions, vocabulary). following: the token after each position."""
    p, q = _log_softmax(reference), _log_softmax(candidate)
    rows = np.arange(len(following))
    kl = np.sum(np.exp(p) * (p - q), axis=1)
    return Divergence(
        # Rounding may leave slightly less than zero.
        kl=np.maximum(kl, 0.0),
        same_top=np.argmax(reference, axis=1) == np.argmax(candidate, axis=1),
        losses=(-p[rows, following], -q[rows, following]),
    )


def _log_softmax(logits: Logits) -> NDArray[np.float64]:
    wide: NDArray[np.float64] = logits.astype(np.float64)
    wide -= wide.max(axis=1, keepdims=True)
    wide -= np.log(np.sum(np.exp(wide), axis=1, keepdims=True))
    return wide
