"""A random model: at each position it picks one of the tokens that a grammar allows, as the engine judges it."""

from __future__ import annotations

import random

import numpy as np

from models.engine.llama.backend import LlamaBackend
from models.engine.llama.native import lib
from models.engine.sampling.grammar_sampler import GrammarSampler
from models.engine.sampling.token_texts import TokenTexts
from models.grammar.reader import read_grammar

MAX_TOKENS = 6_000


def written(backend: LlamaBackend, grammar: str, seed: int, *, tag: bytes = b"") -> str:
    """Return what chance writes under the grammar; it likes to end what it has begun, a value with the tag too."""
    rng = random.Random(seed)
    count = lib.llama_vocab_n_tokens(backend.vocab)
    end = lib.llama_vocab_eos(backend.vocab)
    pieces = [backend.piece(token) for token in range(count)]
    plain = [token for token, piece in enumerate(pieces) if len(piece) == 1 and 32 <= piece[0] < 127 and piece not in b"{["]
    sampler = GrammarSampler(read_grammar(grammar), TokenTexts(count, backend.piece, backend.ends))
    text = b""
    for _ in range(MAX_TOKENS):
        allowed = [token for token in sampler.fitting(np.arange(count), count) if pieces[token] or token == end]
        assert allowed, f"nothing may follow {text!r}"
        usual = [token for token in plain if token in allowed]
        ends = [token for token in allowed if token == end or pieces[token] in (b'"', b"}", b"]", tag[:1])]
        begun = next((length for length in range(len(tag) - 1, 0, -1) if text.endswith(tag[:length])), 0)
        if begun:
            usual = ends = [token for token in allowed if pieces[token] == tag[begun : begun + 1]] or usual
        token = int(rng.choice(ends if ends and rng.random() < 0.3 else usual or allowed))
        if token == end:
            return text.decode()
        sampler.accept(token)
        text += pieces[token]
    raise AssertionError(f"no end after {MAX_TOKENS} tokens: {text[:300]!r}")
