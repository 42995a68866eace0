"""Compute vectors with a GGUF loaded by llama.cpp: a row of numbers for each text."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import ModelFailed, Unavailable
from core.models.load_settings import KvType
from models.engine.backend import Part
from models.engine.llama import native
from models.engine.llama.batch import NativeBatch
from models.engine.llama.interpreter_lock import LockReleased
from models.engine.llama.model import AbortFlag, control_markers, load_weights, tokens_of
from models.engine.llama.native import lib
from models.engine.llama.options import KV_TYPES, BackendOptions

_POOLINGS = {"mean": 1, "cls": 2, "last": 3, "rank": 4}
Tokens = Sequence[int]
Rows = NDArray[np.float32]


class LlamaEmbedder:
    """Tokenizing is safe from any thread, `abort` too; all else belongs to one thread.

    Its own context: nothing is remembered between batches, and one memory is shared by all texts of a batch. Where the whole text
    is read at once, `batch_tokens` is as much as the context; a causal model reads a longer text in several decodes.
    """

    def __init__(
        self, path: Path, options: BackendOptions, progress: Callable[[float], bool] = lambda done: True, *, mapped: bool = False
    ) -> None:
        """As LlamaBackend. options.slots: texts in one batch. Raises ModelFailed with llama.cpp's words."""
        self._log = native.start()
        self._log.mark()
        self.options = options
        self.slots, self.context, self.batch_tokens = options.slots, options.context, options.batch_tokens
        self._model: Any = load_weights(path, options.gpu_layers, options.extra_buffers, progress, mapped=mapped)
        self._vocab = lib.llama_model_get_vocab(self._model)
        self.vocabulary = lib.llama_vocab_n_tokens(self._vocab)
        self.ranks = options.pooling == "rank"
        outputs = lib.llama_model_n_cls_out if self.ranks else lib.llama_model_n_embd_out
        self.width = int(outputs(self._model))
        try:
            self._context: Any = self._new_context()
        except ModelFailed:
            lib.llama_model_free(self._model)
            raise
        self._memory = lib.llama_get_memory(self._context)
        self._abort = AbortFlag(self._context)
        self._batch = NativeBatch(self.batch_tokens)
        self._lock_released = LockReleased()
        self._tokenizing = threading.Lock()
        self._closed = False

    def _new_context(self) -> Any:
        options = self.options
        params = lib.llama_context_default_params()
        params.n_ctx = max(options.context, self.batch_tokens)
        params.n_batch = params.n_ubatch = self.batch_tokens
        params.n_seq_max = options.slots
        params.n_threads = params.n_threads_batch = options.threads
        params.type_k = params.type_v = KV_TYPES[options.kv_type]
        params.flash_attn_type = -1 if options.kv_type == KvType.F16 else 1
        params.offload_kqv = options.gpu_layers != 0
        params.kv_unified = True
        params.embeddings = True
        params.pooling_type = _POOLINGS[options.pooling]
        params.no_perf = True
        context = lib.llama_init_from_model(self._model, params)
        if not context:
            reason = self._log.last_error() or "no reason given"
            raise ModelFailed("llama.cpp could not create an embedding context: {reason}.", reason=reason)
        return context

    def compute(self, texts: Sequence[Tokens]) -> Rows | None:
        """Return a row for each of at most `slots` texts: several within `batch_tokens`, or one within `context`. None if aborted.
        Raises ModelFailed.
        """
        if self._memory:
            lib.llama_memory_clear(self._memory, False)
        for parts in self._decodes(texts):
            self._batch.fill(parts)
            with self._lock_released:
                status = lib.llama_decode(self._context, self._batch.native)
            if status == 2:
                return None
            if status:
                raise ModelFailed("The model could not process the text: {reason}.", reason=self._log.last_error() or f"status {status}")
        with self._lock_released:
            lib.llama_synchronize(self._context)
        rows = np.empty((len(texts), self.width), np.float32)
        for slot in range(len(texts)):
            rows[slot] = np.ctypeslib.as_array(lib.llama_get_embeddings_seq(self._context, slot), (self.width,))
        return rows

    def _decodes(self, texts: Sequence[Tokens]) -> Iterator[list[Part]]:
        if len(texts) > 1 or len(texts[0]) <= self.batch_tokens:
            yield [_part(slot, 0, tokens) for slot, tokens in enumerate(texts)]
            return
        for start in range(0, len(texts[0]), self.batch_tokens):
            yield [_part(0, start, texts[0][start : start + self.batch_tokens])]

    def abort(self, now: bool) -> None:
        """Make a running compute return None soon, until called with False; from any thread."""
        self._abort.set(now)

    def close(self) -> None:
        with self._tokenizing:
            self._closed = True
        self._batch.close()
        lib.llama_free(self._context)
        lib.llama_model_free(self._model)
        native.give_memory_back()

    # From any thread

    def tokenize(self, text: str, *, special: bool = False, framed: bool = False) -> list[int]:
        """Return token ids. framed: with what the model expects around a text, such as [CLS] and [SEP]. Raises Unavailable once closed."""
        with self._tokenizing:
            if self._closed:
                raise Unavailable("The model is being unloaded.")
            return tokens_of(self._vocab, text, special=special, framed=framed)

    def pair_tokens(self) -> tuple[list[int], list[int], list[int]]:
        """Return the tokens before a query, between it and its document, and at the end, as in llama.cpp's server."""
        begin, end, separator = lib.llama_vocab_bos(self._vocab), lib.llama_vocab_eos(self._vocab), lib.llama_vocab_sep(self._vocab)
        ends = [separator if end == -1 else end] if lib.llama_vocab_get_add_eos(self._vocab) else []
        separators = [separator] if lib.llama_vocab_get_add_sep(self._vocab) else []
        return [begin] if lib.llama_vocab_get_add_bos(self._vocab) else [], ends + separators, ends

    def control_markers(self) -> list[str]:
        return control_markers(self._vocab)

    def logged(self, text: str) -> str | None:
        return self._log.find(text)


def _part(slot: int, start: int, tokens: Tokens) -> Part:
    """Return a part with an output for every token, which pooling needs, as if all but the first were draft tokens."""
    return Part(slot=slot, start=start, tokens=tokens, wants_logits=True, draft_tokens=len(tokens) - 1)
