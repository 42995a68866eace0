"""Convert between text and the tokens of a loaded model."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from core.errors import InvalidInput, Unavailable
from models.engine.llama.model import control_markers, text_of, tokens_of
from models.engine.llama.native import lib
from models.engine.sampling.token_texts import TokenTexts
from models.grammar.reader import read_grammar

_ENDS = ("<|user|>", "<|observation|>")
"""Turn markers that end an answer, though some GLM files do not list them as end-of-generation tokens."""
_SHOWN = frozenset({"<think>", "</think>", "<tool_call>", "</tool_call>"})
"""Markers that are part of the answer even where the file calls them control tokens, which have no text."""


class Vocabulary:
    """`piece` and `ends` belong to the decode thread; all else is safe from any thread, until `close`."""

    def __init__(self, model: Any) -> None:
        """model: a llama_model *, which outlives this."""
        self.native: Any = lib.llama_model_get_vocab(model)
        self.size: int = lib.llama_vocab_n_tokens(self.native)
        self._lock = threading.Lock()
        self._closed = False
        self._pieces: dict[int, bytes] = {}
        self._ends: dict[int, bool] = {token: True for text in _ENDS for token in self._single(text)}
        self.texts = TokenTexts(self.size, self.piece, self.ends)

    def close(self) -> None:
        """Tokenize nothing from now on: the model is about to be freed."""
        with self._lock:
            self._closed = True

    def piece(self, token: int) -> bytes:
        known = self._pieces.get(token)
        if known is None:
            shown = text_of(self.native, token, special=True)
            known = shown if shown.decode("utf-8", "ignore") in _SHOWN else text_of(self.native, token, special=False)
            self._pieces[token] = known
        return known

    def ends(self, token: int) -> bool:
        known = self._ends.get(token)
        if known is None:
            known = self._ends[token] = bool(lib.llama_vocab_is_eog(self.native, token))
        return known

    def tokenize(self, text: str, *, special: bool = True) -> list[int]:
        """Return token ids; `special` turns markers such as <|user|> into their tokens. Raises Unavailable once closed."""
        # The lock keeps the model from being freed meanwhile; 2,000 tokens take 2 ms.
        with self._lock:
            if self._closed:
                raise Unavailable("The model is being unloaded.")
            return tokens_of(self.native, text, special=special)

    def tokenize_pieces(self, pieces: Sequence[str]) -> list[int]:
        """Tokenize each piece by itself, so that no token spans two of them."""
        return [token for piece in pieces for token in self.tokenize(piece)]

    def prepare_grammar(self, text: str) -> None:
        """Prepare for an answer with this grammar. Raises InvalidInput for a grammar that cannot be used, Unavailable."""
        read_grammar(text)
        with self._lock:
            if self._closed:
                raise Unavailable("The model is being unloaded.")
            self.texts.firsts()

    def pieces(self, tokens: Sequence[int]) -> list[bytes]:
        """Return the text of each token, markers such as <|user|> too.

        Raises InvalidInput for a number that is not a token, Unavailable.
        """
        if any(not 0 <= token < self.size for token in tokens):
            raise InvalidInput("A token of this model is a number from 0 to {most}.", most=self.size - 1)
        with self._lock:
            if self._closed:
                raise Unavailable("The model is being unloaded.")
            return [text_of(self.native, token, special=True) for token in tokens]

    def gap_tokens(self) -> list[int]:
        """Return the markers before a prefix, a suffix and the text between them (fill in the middle); none if the model has no such
        markers.
        """
        found = [lib.llama_vocab_fim_pre(self.native), lib.llama_vocab_fim_suf(self.native), lib.llama_vocab_fim_mid(self.native)]
        return found if min(found) >= 0 else []

    def control_markers(self) -> list[str]:
        """Return the text of every control token, such as <|user|>."""
        return control_markers(self.native)

    def _single(self, text: str) -> list[int]:
        tokens = self.tokenize(text)
        return tokens if len(tokens) == 1 else []
