"""Sample with more than a chain: follow a grammar, close reasoning that is too long, report log probabilities.

Only answers that ask for one of these pay for it; all others go straight to llama.cpp's chain.
"""

from __future__ import annotations

import ctypes
import math
from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.inference.requests import Alternative, SamplingParams, TokenLogprob
from models.engine.llama.native import lib
from models.engine.sampling.grammar_sampler import GrammarSampler
from models.engine.sampling.sampler import PENALTY_WINDOW, Resolved, ThinkingTags
from models.engine.sampling.token_texts import TokenTexts
from models.grammar.reader import read_grammar
from models.prompting.reasoning import ReasoningParser

_CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])
"""llama_token_data."""
_FIRST_TRIED = 1024
"""How many of the likeliest tokens are tried before all."""


def needs_steering(params: SamplingParams) -> bool:
    return params.logprobs is not None or params.grammar is not None or params.thinking_budget is not None


def _chosen_among(params: SamplingParams) -> int:
    """Return the most tokens that the chain samples from: see new_chain. A bias may bring in any other."""
    if params.logit_bias:
        return _FIRST_TRIED
    if params.temperature:
        return min(params.top_k or _FIRST_TRIED, _FIRST_TRIED)
    penalties = params.repeat_penalty not in (None, 1.0) or params.frequency_penalty or params.presence_penalty
    return 4 * PENALTY_WINDOW if penalties else 1


class Thoughts:
    """Tracks an answer token by token: whether it reasons, and which token must come next regardless of the model."""

    def __init__(self, tags: ThinkingTags | None, budget: int | None, *, constrained: bool) -> None:
        self._tags = tags
        self._budget = budget
        self._parser = ReasoningParser(inside=tags is not None and tags.inside)
        self._spent = 0
        # If the model may open its reasoning by itself, a grammar would have to allow both: open it here instead.
        self._forced = deque(tags.opening if tags is not None and constrained and not tags.inside else ())
        self._over = tags is None

    @property
    def over(self) -> bool:
        """Tell whether the answer itself has begun: grammars apply from here on."""
        return self._over

    def forced(self) -> int | None:
        """Return the token that must come now, if any."""
        if self._forced:
            return self._forced.popleft()
        if not self._over and self._budget is not None and self._parser.thinking and self._spent >= self._budget:
            assert self._tags is not None
            self._forced.extend(self._tags.closing)
            self._budget = None
            return self._forced.popleft()
        return None

    def add(self, piece: bytes) -> None:
        if self._over:
            return
        # The tags are ASCII, so every byte is a character.
        self._parser.feed(piece.decode("latin-1"))
        if self._parser.thinking:
            self._spent += 1
        self._over = self._parser.answering


class SteeredSampler:
    """Owns its chain and grammar; free() frees both. Belongs to the decode thread."""

    def __init__(self, chain: Any, params: SamplingParams, vocab: Any, texts: TokenTexts) -> None:
        """Raise ModelFailed if the grammar cannot be followed; the caller then frees the chain."""
        self._chain = chain
        self._vocab = vocab
        self._piece = texts.piece
        self._vocabulary = lib.llama_vocab_n_tokens(vocab)
        self._grammar = GrammarSampler(read_grammar(params.grammar), texts) if params.grammar is not None else None
        self._candidates: NDArray[Any] = np.empty(self._vocabulary if self._grammar else 0, _CANDIDATE)
        self._ids = np.arange(len(self._candidates), dtype=np.int32)
        self._enough = _chosen_among(params)
        self._top = params.logprobs
        tags = params.tags if isinstance(params, Resolved) else None
        self._thoughts = Thoughts(tags, params.thinking_budget, constrained=params.grammar is not None)
        self._logprobs: deque[TokenLogprob] = deque()
        """The log probabilities of sampled tokens, if the request asked for them, until they are taken."""

    def free(self) -> None:
        lib.llama_sampler_free(self._chain)

    def take_logprob(self) -> TokenLogprob:
        """Return the log probability of the oldest sampled token, once."""
        return self._logprobs.popleft()

    def sample(self, context: Any, row: int) -> int:
        """Sample the token that follows the batch's token `row`."""
        token = self._thoughts.forced()
        if token is not None:
            lib.llama_sampler_accept(self._chain, token)
        elif self._grammar and self._thoughts.over:
            token = self._constrained(self._grammar, self._logits(context, row))
        else:
            token = int(lib.llama_sampler_sample(self._chain, context, row))
        if self._top is not None:
            self._logprobs.append(self._logprob(self._logits(context, row), token, self._top))
        self._thoughts.add(self._piece(token))
        return token

    def _logits(self, context: Any, row: int) -> NDArray[np.float32]:
        return np.ctypeslib.as_array(lib.llama_get_logits_ith(context, row), shape=(self._vocabulary,))

    def _constrained(self, grammar: GrammarSampler, logits: NDArray[np.float32]) -> int:
        """Choose a token that the grammar allows. The chain's first choice usually is; only if not, others are tried."""
        token, _ = self._choose(logits, self._ids)
        # A turn marker that llama.cpp does not count as an end of generation is checked as if it were one.
        if grammar.allows(self._end if self._is_marker(token) else token):
            return self._accepted(grammar, token)
        for count in (_FIRST_TRIED, len(logits)):
            ids = np.array(grammar.fitting(self._likeliest(logits, count), self._enough), np.int32)
            token, possible = self._choose(logits, ids) if len(ids) else (0, False)
            if possible:
                return self._accepted(grammar, token)
        # No token fits: the answer ends here.
        return self._end

    def _choose(self, logits: NDArray[np.float32], ids: NDArray[Any]) -> tuple[int, bool]:
        """Return (one of the tokens `ids`, whether it is possible at all)."""
        candidates = self._candidates[: len(ids)]
        candidates["id"] = ids
        candidates["logit"] = logits[ids] if len(ids) < len(logits) else logits
        candidates["p"] = 0
        array = _array(candidates)
        lib.llama_sampler_apply(self._chain, ctypes.byref(array))
        chosen = array.data[array.selected]
        return int(chosen.id), math.isfinite(chosen.logit)

    def _accepted(self, grammar: GrammarSampler, token: int) -> int:
        lib.llama_sampler_accept(self._chain, token)
        if not self._is_marker(token):
            grammar.accept(token)
        return token

    def _is_marker(self, token: int) -> bool:
        control = bool(lib.llama_vocab_is_control(self._vocab, token)) and not lib.llama_vocab_is_eog(self._vocab, token)
        return control and not self._piece(token)

    @property
    def _end(self) -> int:
        return int(lib.llama_vocab_eos(self._vocab))

    @staticmethod
    def _likeliest(logits: NDArray[np.float32], count: int) -> NDArray[Any]:
        """Return the tokens with the highest logits, highest first."""
        count = min(count, len(logits))
        best = np.argpartition(logits, -count)[len(logits) - count :] if count else np.empty(0, np.intp)
        return np.asarray(best[np.argsort(-logits[best], kind="stable")])

    def _logprob(self, logits: NDArray[np.float32], token: int, count: int) -> TokenLogprob:
        """Return the token's log probability in the model's own distribution, before temperature and cuts."""
        highest = float(logits.max())
        total = highest + math.log(float(np.exp(logits - highest).sum()))
        top = tuple(Alternative(self._piece(int(one)), float(logits[one]) - total) for one in self._likeliest(logits, count))
        return TokenLogprob(self._piece(token), float(logits[token]) - total, top)


def _array(candidates: NDArray[Any]) -> Any:
    data = ctypes.cast(candidates.ctypes.data, ctypes.POINTER(lib.llama_token_data))
    return lib.llama_token_data_array(data, len(candidates), -1, False)
