"""Load a GGUF with llama.cpp, and run it for the engine."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import ModelFailed
from core.inference.requests import SamplingParams
from models.engine.backend import Decoded, Part
from models.engine.llama import native
from models.engine.llama.batch import NativeBatch
from models.engine.llama.images.image_batch import ImageBatch
from models.engine.llama.images.image_slots import ImageSlots
from models.engine.llama.images.projector import Projector
from models.engine.llama.interpreter_lock import LockReleased
from models.engine.llama.model import AbortFlag, GpuSplit, load_weights
from models.engine.llama.native import lib
from models.engine.llama.options import BackendOptions, context_params
from models.engine.llama.row_sampler import RowSampler
from models.engine.llama.vocabulary import Vocabulary
from models.engine.speculative.mtp import MtpLayer


class LlamaBackend:
    """Fulfils `Backend`. Tokenizing is safe from any thread; all else belongs to the decode thread."""

    copy_from = 32
    max_draft_tokens = 16

    def __init__(
        self, path: Path, options: BackendOptions, progress: Callable[[float], bool] = lambda done: True, *, mapped: bool = False
    ) -> None:
        """Load the file; `progress` gets 0 to 1 and returns False to give up. Raises ModelFailed with llama.cpp's words.

        mapped: leave the weights in the file, for a trial, since memory must not hold them twice.
        """
        self._log = native.start()
        self._log.mark()
        self.options = options
        self.slots = options.slots
        self.offload_bytes = options.offload_bytes
        self.batch_tokens = max(options.batch_tokens, options.slots + self.max_draft_tokens)
        split = GpuSplit(options.split_mode, options.main_gpu, options.gpu_shares)
        self._model: Any = load_weights(
            path, options.gpu_layers, options.extra_buffers, progress, mapped=mapped, mtp=options.mtp, split=split
        )
        self._words = Vocabulary(self._model)
        self.vocab = self._words.native
        self.vocabulary = self._words.size
        try:
            self._adapters = {key: (self._load_adapter(path), scale) for key, path, scale in options.adapters}
            self._context: Any = self._new_context()
            self.mtp_layer = self._new_mtp_layer() if options.mtp else None
        except ModelFailed:
            lib.llama_model_free(self._model)
            raise
        self.can_draft = self.mtp_layer is not None
        self.projector = self._new_projector() if options.projector else None
        self._images = ImageSlots(options.slots)
        self._image_batch = ImageBatch(self.batch_tokens, self.projector.width) if self.projector is not None else None
        self.context: int = min(options.context, lib.llama_n_ctx_seq(self._context))
        self.shared_cells: int = lib.llama_n_ctx(self._context) if options.shared_cells else 0
        self.own_streams = self.slots > 1 and not options.shared_cells
        self._memory = lib.llama_get_memory(self._context)
        self.can_cut = not (lib.llama_model_is_recurrent(self._model) or lib.llama_model_is_hybrid(self._model))
        self._abort = AbortFlag(self._context)
        self._batch = NativeBatch(self.batch_tokens)
        self._sampler = RowSampler(self._context, self._words, self.slots if options.gpu_sampling else 0)
        self._lock_released = LockReleased()
        self._briefly = LockReleased()
        """Surrounds short calls that release the interpreter's lock anyway."""
        self.on_gpu = bool(native.gpus()) and options.gpu_layers != 0
        self._forget = native.forgetting()

    def _load_adapter(self, path: str) -> Any:
        """Load a LoRA adapter, which is freed with the model."""
        adapter = lib.llama_adapter_lora_init(self._model, path.encode())
        if not adapter:
            reason = self._log.last_error() or "no reason given"
            raise ModelFailed("llama.cpp could not load the adapter {file}: {reason}.", file=Path(path).name, reason=reason)
        return adapter

    def _params(self) -> Any:
        return context_params(self.options, batch_tokens=self.batch_tokens, outputs=self.slots + self.max_draft_tokens)

    def _new_context(self) -> Any:
        context = lib.llama_init_from_model(self._model, self._params())
        if not context:
            reason = self._log.last_error() or "no reason given"
            raise ModelFailed("llama.cpp could not allocate memory for the conversations: {reason}.", reason=reason)
        return context

    def _new_mtp_layer(self) -> MtpLayer:
        try:
            return MtpLayer(self._model, self._context, self._params(), self.slots)
        except ValueError:
            lib.llama_free(self._context)
            reason = self._log.last_error() or "no reason given"
            raise ModelFailed("llama.cpp could not allocate memory for the conversations: {reason}.", reason=reason) from None

    def _new_projector(self) -> Projector:
        options = self.options
        try:
            return Projector(Path(options.projector), self._model, threads=options.threads, on_gpu=options.gpu_layers != 0)
        except ModelFailed:
            if self.mtp_layer is not None:
                self.mtp_layer.close()
            lib.llama_free(self._context)
            lib.llama_model_free(self._model)
            raise

    # Backend

    def decode(self, parts: Sequence[Part]) -> Decoded:
        if self.projector is None:
            return self._decode_tokens(parts)
        texts = [part for part in parts if part.image is None]
        decoded = self._decode_images([part for part in parts if part.image is not None])
        if decoded is not Decoded.DONE:
            return decoded
        if texts:
            placed = [replace(part, start=self._images.position(part.slot, part.start)) for part in texts]
            decoded = self._decode_tokens(placed)
            if decoded is Decoded.FULL and len(texts) < len(parts):
                return Decoded.ABORTED  # The images were written: they are removed, and tried again.
        if decoded is Decoded.DONE:
            rows = iter([self._sampler.row(number) for number in range(len(texts))])
            self._sampler.begin([next(rows) if part.image is None else -1 for part in parts])
        return decoded

    def _decode_images(self, parts: Sequence[Part]) -> Decoded:
        """Decode parts of images, one after another: llama.cpp takes no tokens beside embeddings."""
        assert self._image_batch is not None
        for number, part in enumerate(parts):
            assert part.image is not None
            self._images.add(part.slot, part.image.start, part.image.image)
            position = self._images.position(part.slot, part.image.start)
            first = part.start - part.image.start
            batch = self._image_batch.fill(part.slot, position, part.image.image, first, len(part.tokens))
            with self._lock_released:
                status = lib.llama_decode(self._context, batch)
            if status != 0:
                return Decoded.FULL if status == 1 and number == 0 else Decoded.ABORTED if status in (1, 2) else Decoded.FAILED
        return Decoded.DONE

    def _decode_tokens(self, parts: Sequence[Part]) -> Decoded:
        self._sampler.begin(self._batch.fill(parts))
        with self._lock_released:
            status = lib.llama_decode(self._context, self._batch.native)
            if status == 0 and self.on_gpu:
                lib.llama_synchronize(self._context)
        if status == 0:
            if self.mtp_layer is not None:
                self.mtp_layer.follow(parts)
            return Decoded.DONE
        return {1: Decoded.FULL, 2: Decoded.ABORTED}.get(status, Decoded.FAILED)

    def draft(self, wanted: Sequence[tuple[int, int, int]]) -> list[list[int]]:
        assert self.mtp_layer is not None
        return self.mtp_layer.draft(wanted)

    def use_adapter(self, adapter: int) -> None:
        if adapter:
            native_adapter, scale = self._adapters[adapter]
            chosen = (type(native_adapter) * 1)(native_adapter)
            lib.llama_set_adapters_lora(self._context, chosen, 1, (ctypes.c_float * 1)(scale))
        else:
            lib.llama_set_adapters_lora(self._context, None, 0, None)

    def prepare(self, samplers: Sequence[tuple[Any, int]]) -> None:
        self._sampler.prepare(samplers)

    def sample(self, sampler: Any, part: int, draft: int = 0) -> int:
        return self._sampler.sample(sampler, part, draft)

    def logits(self, part: int, draft: int = 0) -> NDArray[np.float32]:
        """See RowSampler.logits."""
        return self._sampler.logits(part, draft)

    def computed_numbers(self, part: int) -> bool:
        """See RowSampler.computed_numbers."""
        return self._sampler.computed_numbers(part)

    def new_sampler(self, params: SamplingParams, prompt: Sequence[int]) -> Any:
        return self._sampler.new(params, prompt)

    def free_sampler(self, sampler: Any) -> None:
        self._sampler.free(sampler)

    def assign(self, slot: int, sampler: Any) -> None:
        self._sampler.assign(slot, sampler)

    def cut(self, slot: int, length: int) -> None:
        position = self._images.cut(slot, length)
        self._forget(self._memory, slot, position or -1, -1)
        if self.mtp_layer is not None:
            self.mtp_layer.cut(slot, length)

    def copy(self, source: int, target: int, length: int) -> None:
        self._forget(self._memory, target, -1, -1)
        self._images.copy(source, target)
        if self.shared_cells:
            # Nothing is copied: both slots share the cells from now on.
            end = self._images.cut(target, length)
            with self._briefly:
                lib.llama_memory_seq_cp(self._memory, source, target, 0, end)
            if self.mtp_layer is not None:
                self.mtp_layer.cut(target, 0)
            return
        # Between streams only a whole copy is possible (part of one aborts the process); the tail is cut off after.
        with self._briefly:
            lib.llama_memory_seq_cp(self._memory, source, target, -1, -1)
        if self.mtp_layer is not None:
            self.mtp_layer.copy(source, target, length)
        self.cut(target, length)

    def save(self, slot: int) -> NDArray[np.uint8]:
        with self._briefly:
            state = np.empty(lib.llama_state_seq_get_size(self._context, slot), np.uint8)
            written = lib.llama_state_seq_get_data(self._context, _bytes(state), state.nbytes, slot)
        return state[:written] if self.projector is None else self._images.with_spans(slot, state[:written])

    def restore(self, slot: int, state: NDArray[np.uint8]) -> bool:
        self.cut(slot, 0)
        if self.projector is not None:
            state = self._images.taken(slot, state)
        with self._briefly:
            read = lib.llama_state_seq_set_data(self._context, _bytes(state), state.nbytes, slot)
        if read:
            return True
        self.cut(slot, 0)
        return False

    def held(self, slot: int) -> int:
        """Return how many tokens llama.cpp holds in the slot."""
        return int(lib.llama_memory_seq_pos_max(self._memory, slot)) + 1

    def piece(self, token: int) -> bytes:
        return self._words.piece(token)

    def ends(self, token: int) -> bool:
        return self._words.ends(token)

    def abort(self, now: bool) -> None:
        self._abort.set(now)

    def close(self) -> None:
        self._words.close()
        if self.projector is not None:
            self.projector.close()
        self._batch.close()
        self._sampler.close()
        if self.mtp_layer is not None:
            self.mtp_layer.close()
        lib.llama_free(self._context)
        lib.llama_model_free(self._model)
        native.give_memory_back()

    # From any thread

    def tokenize(self, text: str, *, special: bool = True) -> list[int]:
        return self._words.tokenize(text, special=special)

    def tokenize_pieces(self, pieces: Sequence[str]) -> list[int]:
        return self._words.tokenize_pieces(pieces)

    def prepare_grammar(self, text: str) -> None:
        self._words.prepare_grammar(text)

    def pieces(self, tokens: Sequence[int]) -> list[bytes]:
        return self._words.pieces(tokens)

    def gap_tokens(self) -> list[int]:
        return self._words.gap_tokens()

    def control_markers(self) -> list[str]:
        return self._words.control_markers()

    def logged(self, text: str) -> str | None:
        return self._log.find(text)

    def last_error(self) -> str:
        return self._log.last_error()


def _bytes(state: NDArray[np.uint8]) -> Any:
    return state.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))
