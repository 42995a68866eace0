"""Turn images into embeddings with a projector beside a model, on the caller's thread."""

from __future__ import annotations

import ctypes
import threading
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import InvalidInput, ModelFailed, Unavailable
from models.engine.images import EncodedImage
from models.engine.llama import native
from models.engine.llama.native import lib

CACHE_BYTES = 256_000_000
"""Bytes of embeddings that are kept: a large image of a GLM-V takes 67 MB."""
_IMAGE = 1
"""The kind of a chunk that is an image; 0 is text."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """An image in a prompt: its markers are tokens, and each of its parts is one piece."""

    pieces: tuple[tuple[int, ...] | EncodedImage, ...]

    @property
    def nbytes(self) -> int:
        return sum(piece.embeddings.nbytes for piece in self.pieces if isinstance(piece, EncodedImage))


class Projector:
    """Safe from any thread: images are encoded one after another, beside the decode thread."""

    def __init__(self, path: Path, model: Any, *, threads: int, on_gpu: bool, cache_bytes: int = CACHE_BYTES) -> None:
        """model: the text model, which must outlive this. Raises ModelFailed with llama.cpp's words."""
        self._mtmd = native.multimodal()
        log = native.start()
        log.mark()
        params = self._mtmd.mtmd_context_params_default()
        params.use_gpu, params.n_threads, params.warmup, params.print_timings = on_gpu, threads, False, False
        self._context: Any = self._mtmd.mtmd_init_from_file(str(path).encode(), model, params)
        if not self._context or not self._mtmd.mtmd_support_vision(self._context):
            reason = log.last_error() or "it has no vision encoder"
            self.close()
            raise ModelFailed("llama.cpp could not load the projector {file}: {reason}.", file=path.name, reason=reason)
        if self._mtmd.mtmd_decode_use_non_causal(self._context, None):
            self.close()
            raise ModelFailed("The projector {file} is of a kind that the portal cannot use: its image tokens look ahead.", file=path.name)
        self._name = path.name
        self._mrope = bool(self._mtmd.mtmd_decode_use_mrope(self._context))
        self.width = int(lib.llama_model_n_embd_inp(model))
        self._lock = threading.Lock()
        self._cache_bytes = cache_bytes
        self._cache: OrderedDict[str, Encoded] = OrderedDict()
        self.encoded = self.reused = 0
        """How many images were encoded, and how many had kept embeddings."""

    def encode(self, content: bytes, digest: str = "") -> Encoded:
        """Return an image's embeddings. content: a PNG or JPEG that was decoded before. digest: its SHA-256, where it is known.

        Raises InvalidInput if it cannot be used, ModelFailed, Unavailable.
        """
        key = digest or sha256(content).hexdigest()
        with self._lock:
            if (kept := self._cache.get(key)) is not None:
                self._cache.move_to_end(key)
                self.reused += 1
                return kept
            self._check_open()
            data = (ctypes.c_uint8 * len(content)).from_buffer_copy(content)
            bitmap = self._mtmd.mtmd_helper_bitmap_init_from_buf(self._context, data, len(content), False)
            return self._kept(key, self._encode(bitmap, key))

    def encode_pixels(self, pixels: NDArray[np.uint8]) -> Encoded:
        """Return the embeddings of rows x columns x 3 pixels. Raises as `encode`."""
        with self._lock:
            self._check_open()
            data = np.ascontiguousarray(pixels)
            pointer = data.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))
            bitmap = self._mtmd.mtmd_bitmap_init(data.shape[1], data.shape[0], pointer)
            return self._encode(bitmap, sha256(data.tobytes() + repr(data.shape).encode()).hexdigest())

    def close(self) -> None:
        """Free the projector once no image is being encoded."""
        with getattr(self, "_lock", threading.Lock()):
            if self._context:
                self._mtmd.mtmd_free(self._context)
            self._context = None

    def _check_open(self) -> None:
        if self._context is None:
            raise Unavailable("The model is being unloaded.")

    def _kept(self, key: str, encoded: Encoded) -> Encoded:
        self._cache[key] = encoded
        while len(self._cache) > 1 and sum(each.nbytes for each in self._cache.values()) > self._cache_bytes:
            self._cache.popitem(last=False)
        return encoded

    def _encode(self, bitmap: Any, key: str) -> Encoded:
        mtmd = self._mtmd
        if not bitmap:
            raise InvalidInput("The image cannot be read by the model. Save it as PNG and try again.")
        chunks = mtmd.mtmd_input_chunks_init()
        try:
            marker = mtmd.mtmd_default_marker()
            text = mtmd.mtmd_input_text(marker, len(marker), False, True)
            if mtmd.mtmd_tokenize(self._context, chunks, ctypes.byref(text), (ctypes.c_void_p * 1)(bitmap), 1) != 0:
                raise InvalidInput("The image cannot be read by the model. Save it as PNG and try again.")
            found = [mtmd.mtmd_input_chunks_get(chunks, index) for index in range(mtmd.mtmd_input_chunks_size(chunks))]
            pieces = tuple(self._piece(chunk, f"{key}{number:04x}") for number, chunk in enumerate(found))
        finally:
            mtmd.mtmd_input_chunks_free(chunks)
            mtmd.mtmd_bitmap_free(bitmap)
        self.encoded += 1
        return Encoded(pieces)

    def _piece(self, chunk: Any, key: str) -> tuple[int, ...] | EncodedImage:
        mtmd = self._mtmd
        count = int(mtmd.mtmd_input_chunk_get_n_tokens(chunk))
        if mtmd.mtmd_input_chunk_get_type(chunk) != _IMAGE:
            length = ctypes.c_size_t()
            tokens = mtmd.mtmd_input_chunk_get_tokens_text(chunk, ctypes.byref(length))
            return tuple(tokens[: length.value])
        if mtmd.mtmd_encode_chunk(self._context, chunk) != 0:
            raise ModelFailed("The projector {file} could not encode an image.", file=self._name)
        address = mtmd.mtmd_get_output_embd(self._context)
        embeddings = np.ctypeslib.as_array(address, (count, self.width)).copy()
        if not np.isfinite(embeddings).all():
            raise ModelFailed("The projector {file} computes NaN: its weights are damaged. Download it again.", file=self._name)
        positions = int(mtmd.mtmd_input_chunk_get_n_pos(chunk))
        return EncodedImage(key=key, embeddings=embeddings, offsets=self._offsets(chunk, count), positions=positions)

    def _offsets(self, chunk: Any, count: int) -> NDArray[np.int32] | None:
        if not self._mrope:
            return None
        tokens = self._mtmd.mtmd_input_chunk_get_tokens_image(chunk)
        found = (self._mtmd.mtmd_image_tokens_get_decoder_pos(tokens, 0, index) for index in range(count))
        return np.array([(each.t, each.y, each.x, each.z) for each in found], np.int32)
