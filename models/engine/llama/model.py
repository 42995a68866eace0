"""Share between the backends for chats and embeddings: load a GGUF's weights, tokenize, abort a decode."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import ModelFailed
from core.models.load_settings import SplitMode
from models.engine.llama import large_pages, native
from models.engine.llama.native import lib

_SPLIT_MODES = {SplitMode.NONE: 0, SplitMode.LAYER: 1, SplitMode.ROW: 2}


@dataclass(frozen=True, slots=True)
class GpuSplit:
    """How the layers are split over several GPUs. shares: of each GPU; (): as llama.cpp chooses."""

    mode: SplitMode = SplitMode.LAYER
    main_gpu: int = 0
    shares: Sequence[float] = ()


def load_weights(
    path: Path,
    gpu_layers: int,
    extra_buffers: bool,
    progress: Callable[[float], bool],
    *,
    mapped: bool,
    mtp: bool = False,
    split: GpuSplit | None = None,
) -> Any:
    """Load a llama_model *, which the caller frees. Raises ModelFailed with llama.cpp's words.

    mapped: the weights stay in the file, so that memory need not hold them twice.
    mtp: with the MTP layer.
    """
    params = lib.llama_model_default_params()
    params.n_gpu_layers = gpu_layers
    params.use_extra_bufts = extra_buffers
    params.load_mtp = mtp
    if split is not None:
        params.split_mode, params.main_gpu = _SPLIT_MODES[split.mode], split.main_gpu
        if split.shares:
            # As long as llama.cpp's most devices: it copies all of it.
            params.tensor_split = (ctypes.c_float * lib.llama_max_devices())(*split.shares)
    if mapped:
        params.load_mode = lib.LLAMA_LOAD_MODE_MMAP
    elif gpu_layers == 0:
        # Not mapped from the file: that would have small pages, and the system would call it free while it is in use.
        params.load_mode = lib.LLAMA_LOAD_MODE_NONE
    large_pages.keep_apart()
    before = large_pages.large_areas()
    large: list[int] = []

    def went_on(done: float, _data: object) -> bool:
        # The first call comes when memory for all weights is there, and nothing is written yet.
        if not large:
            large.append(large_pages.ask_for_new(before))
        return progress(done)

    callback = lib.llama_progress_callback(went_on)
    params.progress_callback = callback
    model = lib.llama_model_load_from_file(str(path).encode(), params)
    if not model:
        reason = native.start().last_error() or "no reason given"
        raise ModelFailed("llama.cpp could not load {file}: {reason}.", file=path.name, reason=reason)
    return model


def tokens_of(vocab: Any, text: str, *, special: bool, framed: bool = False) -> list[int]:
    """Return token ids. special: markers such as <|user|> become their tokens.

    framed: with the tokens that the model expects around a text.
    """
    data = text.encode()
    room = len(data) + 8
    while True:
        tokens = (ctypes.c_int32 * room)()
        count: int = lib.llama_tokenize(vocab, data, len(data), tokens, room, framed, special)
        if count >= 0:
            return list(tokens[:count])
        # Some tokenizers split a letter into more tokens than it has bytes; the result says how many.
        room = -count


def text_of(vocab: Any, token: int, *, special: bool) -> bytes:
    buffer = ctypes.create_string_buffer(512)
    length = lib.llama_token_to_piece(vocab, token, buffer, len(buffer), 0, special)
    return buffer.raw[: max(length, 0)]


def control_markers(vocab: Any) -> list[str]:
    """Return the text of every control token, such as <|user|>."""
    tokens = (token for token in range(lib.llama_vocab_n_tokens(vocab)) if lib.llama_vocab_is_control(vocab, token))
    return [text for text in (text_of(vocab, token, special=True).decode("utf-8", "ignore") for token in tokens) if text]


class AbortFlag:
    """Lets another thread stop a decode of `context` without Python in the middle of it.

    llama.cpp asks `bool callback(void *)` after every operation, and taking the interpreter's lock each time would
    cost more than the decode. strlen has the same shape: of our two-byte flag it is 0 (continue) or 1 (stop).
    """

    def __init__(self, context: Any) -> None:
        self._flag = ctypes.create_string_buffer(2)
        self._callback = ctypes.cast(ctypes.CDLL(None).strlen, lib.ggml_abort_callback)
        lib.llama_set_abort_callback(context, self._callback, ctypes.cast(self._flag, ctypes.c_void_p))

    def set(self, now: bool) -> None:
        self._flag[0] = b"\1" if now else b"\0"
