"""A GGUF loaded by llama.cpp, as the engine's backend."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import ModelFailed, Unavailable
from core.generation import SamplingParams
from models.engine import native
from models.engine.backend import Decoded, Part
from models.engine.batch import Batch
from models.engine.native import lib
from models.engine.sampler import new_chain
from models.engine.steering import SteeredSampler, needs_steering, new_grammar
from models.engine.top_chain import TopChain, wants_only

_KV_TYPES = {"f16": 1, "q8_0": 8, "q4_0": 2}
_ENDS = ("<|user|>", "<|observation|>")
"""Turn markers that end an answer, though some GLM files do not list them as end-of-generation tokens."""
_SHOWN = frozenset({"<think>", "</think>", "<tool_call>", "</tool_call>"})
"""Markers that are part of the answer even where the file calls them control tokens, which have no text."""


@dataclass(frozen=True, slots=True)
class BackendOptions:
    """How to load. context: tokens one slot holds. extra_buffers: let llama.cpp repack weights for the CPU."""

    context: int
    slots: int
    gpu_layers: int = 0
    kv_type: str = "f16"
    threads: int = 1
    extra_buffers: bool = True
    batch_tokens: int = 512
    parking_bytes: int = 0
    """Host memory for conversations that leave their slots."""


class LlamaBackend:
    """Fulfils `Backend`. Tokenizing is safe from any thread; all else belongs to the decode thread."""

    copy_from = 32
    most_guesses = 16

    def __init__(
        self, path: Path, options: BackendOptions, progress: Callable[[float], bool] = lambda done: True, *, trial: bool = False
    ) -> None:
        """Loads the file; `progress` hears 0 to 1 and returns False to give up. Raises ModelFailed with llama.cpp's words.

        trial: only go through the motions, without memory for weights or context; such a backend cannot decode.
        """
        self._log = native.start()
        self._log.mark()
        self.options = options
        self.slots = options.slots
        self.parking_bytes = options.parking_bytes
        self.batch_tokens = max(options.batch_tokens, options.slots + self.most_guesses)
        self._model: Any = self._load_model(path, progress, trial)
        self._vocab = lib.llama_model_get_vocab(self._model)
        self.vocabulary = lib.llama_vocab_n_tokens(self._vocab)
        try:
            self._context: Any = self._new_context()
        except ModelFailed:
            lib.llama_model_free(self._model)
            raise
        self.context = lib.llama_n_ctx_seq(self._context)
        self._memory = lib.llama_get_memory(self._context)
        self.can_cut = not (lib.llama_model_is_recurrent(self._model) or lib.llama_model_is_hybrid(self._model))
        self._tokenizing = threading.Lock()
        self._closed = False
        self._abort_flag = ctypes.create_string_buffer(2)
        self._install_abort()
        self._batch = Batch(self.batch_tokens)
        self._rows: list[int] = []
        self._scratch = np.empty(self.vocabulary, np.bool_)
        self._pieces: dict[int, bytes] = {}
        self._ends: dict[int, bool] = {token: True for text in _ENDS for token in self._single(text)}
        self._on_gpu = bool(native.gpus()) and options.gpu_layers != 0
        self._sample = native.short_call("llama_sampler_sample", ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int32)
        self._logits_at = native.short_call("llama_get_logits_ith", ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int32)

    def _load_model(self, path: Path, progress: Callable[[float], bool], trial: bool) -> Any:
        params = lib.llama_model_default_params()
        params.n_gpu_layers = self.options.gpu_layers
        params.use_extra_bufts = self.options.extra_buffers
        params.load_mtp = False
        if trial:
            params.no_alloc, params.load_mode = True, lib.LLAMA_LOAD_MODE_NONE
        callback = lib.llama_progress_callback(lambda done, _data: progress(done))
        params.progress_callback = callback
        model = lib.llama_model_load_from_file(str(path).encode(), params)
        if not model:
            reason = self._log.last_error() or "no reason given"
            raise ModelFailed("llama.cpp could not load {file}: {reason}", file=path.name, reason=reason)
        return model

    def _new_context(self) -> Any:
        options = self.options
        params = lib.llama_context_default_params()
        params.n_ctx = options.context * options.slots
        params.n_batch = self.batch_tokens
        params.n_ubatch = min(512, self.batch_tokens)
        params.n_seq_max = options.slots
        params.n_outputs_max = options.slots + self.most_guesses
        params.n_threads = params.n_threads_batch = options.threads
        params.type_k = params.type_v = _KV_TYPES[options.kv_type]
        # A quantized V needs flash attention; else llama.cpp decides by the device.
        params.flash_attn_type = -1 if options.kv_type == "f16" else 1
        params.offload_kqv = options.gpu_layers != 0
        # One stream a slot: an idle conversation costs the others nothing.
        params.kv_unified = False
        params.no_perf = True
        context = lib.llama_init_from_model(self._model, params)
        if not context:
            reason = self._log.last_error() or "no reason given"
            raise ModelFailed("llama.cpp could not make room for the conversations: {reason}", reason=reason)
        return context

    def _install_abort(self) -> None:
        """Let another thread stop a decode without Python in the middle of it.

        llama.cpp asks `bool callback(void *)` after every operation, and taking the interpreter's lock each time would
        cost more than the decode. strlen has the same shape: of our two-byte flag it is 0 (go on) or 1 (stop).
        """
        strlen = ctypes.cast(ctypes.CDLL(None).strlen, lib.ggml_abort_callback)
        self._abort_callback = strlen
        lib.llama_set_abort_callback(self._context, strlen, ctypes.cast(self._abort_flag, ctypes.c_void_p))

    # Backend

    def decode(self, parts: Sequence[Part]) -> Decoded:
        self._rows = self._batch.fill(parts)
        status = lib.llama_decode(self._context, self._batch.native)
        if status == 0:
            if self._on_gpu:
                lib.llama_synchronize(self._context)
            return Decoded.DONE
        return {1: Decoded.FULL, 2: Decoded.ABORTED}.get(status, Decoded.FAILED)

    def sample(self, sampler: Any, part: int, guess: int = 0) -> int:
        row = self._rows[part] + guess
        if isinstance(sampler, TopChain):
            return sampler.sample(self._logits(row))
        if isinstance(sampler, SteeredSampler):
            return sampler.sample(self._context, row)
        return int(self._sample(sampler, self._context, row))

    def _logits(self, row: int) -> NDArray[np.float32]:
        """The vocabulary's logits after the batch's token `row`: a view that holds until the next decode."""
        address = self._logits_at(self._context, row)
        return np.frombuffer((ctypes.c_float * self.vocabulary).from_address(address), np.float32)

    def new_sampler(self, params: SamplingParams, prompt: Sequence[int]) -> Any:
        chain = new_chain(params, prompt, self.vocabulary)
        if needs_steering(params):
            return SteeredSampler(chain, params, self._vocab, self.piece)
        top = wants_only(params, self.vocabulary)
        return chain if top is None else TopChain(chain, top, self._scratch)

    def free_sampler(self, sampler: Any) -> None:
        if isinstance(sampler, SteeredSampler | TopChain):
            sampler.free()
        else:
            lib.llama_sampler_free(sampler)

    def cut(self, slot: int, length: int) -> None:
        lib.llama_memory_seq_rm(self._memory, slot, length or -1, -1)

    def copy(self, source: int, target: int, length: int) -> None:
        # Between streams only a whole copy is possible (part of one aborts the process); the tail is cut off after.
        lib.llama_memory_seq_rm(self._memory, target, -1, -1)
        lib.llama_memory_seq_cp(self._memory, source, target, -1, -1)
        self.cut(target, length)

    def save(self, slot: int) -> NDArray[np.uint8]:
        state = np.empty(lib.llama_state_seq_get_size(self._context, slot), np.uint8)
        written = lib.llama_state_seq_get_data(self._context, _bytes(state), state.nbytes, slot)
        return state[:written]

    def restore(self, slot: int, state: NDArray[np.uint8]) -> bool:
        self.cut(slot, 0)
        if lib.llama_state_seq_set_data(self._context, _bytes(state), state.nbytes, slot):
            return True
        self.cut(slot, 0)
        return False

    def piece(self, token: int) -> bytes:
        known = self._pieces.get(token)
        if known is None:
            shown = self._text(token, special=True)
            known = shown if shown.decode("utf-8", "ignore") in _SHOWN else self._text(token, special=False)
            self._pieces[token] = known
        return known

    def ends(self, token: int) -> bool:
        known = self._ends.get(token)
        if known is None:
            known = self._ends[token] = bool(lib.llama_vocab_is_eog(self._vocab, token))
        return known

    def abort(self, now: bool) -> None:
        self._abort_flag[0] = b"\1" if now else b"\0"

    def close(self) -> None:
        with self._tokenizing:
            self._closed = True
        self._batch.close()
        lib.llama_free(self._context)
        lib.llama_model_free(self._model)
        native.give_memory_back()

    # From any thread

    def tokenize(self, text: str, *, special: bool = True) -> list[int]:
        """Token ids; `special` turns markers such as <|user|> into their tokens. Raises Unavailable once closed."""
        data = text.encode()
        room = len(data) + 8
        tokens = (ctypes.c_int32 * room)()
        # The lock keeps the model from being freed meanwhile; 2,000 tokens take 2 ms.
        with self._tokenizing:
            if self._closed:
                raise Unavailable("The model is being unloaded.")
            count = lib.llama_tokenize(self._vocab, data, len(data), tokens, room, False, special)
        return list(tokens[:count])

    def tokenize_pieces(self, pieces: Sequence[str]) -> list[int]:
        """Each piece for itself, so that no token reaches from one into the next."""
        return [token for piece in pieces for token in self.tokenize(piece)]

    def grammar_error(self, text: str) -> str | None:
        """Why llama.cpp cannot use the grammar, None if it can. Raises Unavailable once closed."""
        with self._tokenizing:
            if self._closed:
                raise Unavailable("The model is being unloaded.")
            self._log.mark()
            grammar = new_grammar(self._vocab, text)
            if not grammar:
                return self._log.last_error() or "no reason given"
            lib.llama_sampler_free(grammar)
        return None

    def control_markers(self) -> list[str]:
        """The text of every control token, such as <|user|>."""
        tokens = (token for token in range(self.vocabulary) if lib.llama_vocab_is_control(self._vocab, token))
        return [text for text in (self._text(token, special=True).decode("utf-8", "ignore") for token in tokens) if text]

    def logged(self, text: str) -> str | None:
        return self._log.find(text)

    def last_error(self) -> str:
        return self._log.last_error()

    def _single(self, text: str) -> list[int]:
        tokens = self.tokenize(text)
        return tokens if len(tokens) == 1 else []

    def _text(self, token: int, *, special: bool) -> bytes:
        buffer = ctypes.create_string_buffer(512)
        length = lib.llama_token_to_piece(self._vocab, token, buffer, len(buffer), 0, special)
        return buffer.raw[: max(length, 0)]


def _bytes(state: NDArray[np.uint8]) -> Any:
    return state.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))
