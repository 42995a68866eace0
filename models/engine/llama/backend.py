"""A GGUF loaded by llama.cpp, as the engine's backend."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import InvalidInput, ModelFailed, PortalError, Unavailable
from core.inference.requests import SamplingParams
from core.models.records import FlashAttention, KvType, SplitMode
from models.engine.backend import Decoded, Part
from models.engine.llama import native
from models.engine.llama.batch import NativeBatch
from models.engine.llama.image_batch import ImageBatch
from models.engine.llama.image_slots import ImageSlots
from models.engine.llama.interpreter_lock import Lent
from models.engine.llama.model import AbortFlag, GpuSplit, control_markers, load_weights, text_of, tokens_of
from models.engine.llama.native import lib
from models.engine.llama.projector import Projector
from models.engine.sampling.sampler import new_chain
from models.engine.sampling.steering import SteeredSampler, needs_steering
from models.engine.sampling.token_texts import TokenTexts
from models.engine.sampling.top_chain import TopChain, wants_only
from models.engine.sampling.top_tokens import TopTokens
from models.engine.speculative.mtp import MtpLayer
from models.prompting.grammar import read_grammar

KV_TYPES = {KvType.F16: 1, KvType.Q8_0: 8, KvType.Q4_0: 2}
_FLASH_ATTENTION = {"auto": -1, "off": 0, "on": 1}
_ENDS = ("<|user|>", "<|observation|>")
"""Turn markers that end an answer, though some GLM files do not list them as end-of-generation tokens."""
_SHOWN = frozenset({"<think>", "</think>", "<tool_call>", "</tool_call>"})
"""Markers that are part of the answer even where the file calls them control tokens, which have no text."""


@dataclass(frozen=True, slots=True)
class BackendOptions:
    """How to load. context: tokens that one slot holds. extra_buffers: let llama.cpp repack weights for the CPU."""

    context: int
    slots: int
    gpu_layers: int = 0
    kv_type: KvType = KvType.F16
    threads: int = 1
    extra_buffers: bool = True
    batch_tokens: int = 512
    offload_bytes: int = 0
    """Host memory for conversations that leave their slots."""
    pooling: str = ""
    """Of a model for embeddings: mean, cls, last or rank."""
    mtp: bool = False
    """Load the MTP layer, which the file must have: see ModelFacts.next_layer_bytes."""
    shared_cells: int = 0
    """Tokens that all slots hold together in one KV cache; 0: each slot has its own."""
    flash_attention: FlashAttention = FlashAttention.AUTO
    split_mode: SplitMode = SplitMode.LAYER
    main_gpu: int = 0
    gpu_shares: Sequence[float] = ()
    adapters: Sequence[tuple[int, str, float]] = ()
    """LoRA adapters: (key, path, scale)."""
    projector: str = ""
    """The path of the projector that goes with the model, so that it sees images; empty: none."""


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
        self.vocab = lib.llama_model_get_vocab(self._model)
        self.vocabulary = lib.llama_vocab_n_tokens(self.vocab)
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
        self._tokenizing = threading.Lock()
        self._closed = False
        self._abort = AbortFlag(self._context)
        self._batch = NativeBatch(self.batch_tokens)
        self._lent = Lent()
        self._lent_to_sample = Lent()
        self._briefly = Lent()
        """Surrounds short calls that release the interpreter's lock all the same."""
        self._rows: list[int] = []
        self._top_tokens = TopTokens(self.vocabulary)
        self._likely: dict[int, NDArray[np.intp]] = {}
        """By row of the last decode: the tokens that its sampler looks at, where they have been found."""
        self._pieces: dict[int, bytes] = {}
        self._ends: dict[int, bool] = {token: True for text in _ENDS for token in self._single(text)}
        self._texts = TokenTexts(self.vocabulary, self.piece, self.ends)
        self.on_gpu = bool(native.gpus()) and options.gpu_layers != 0
        self._forget = native.forgetting()
        self._sample = native.short_call("llama_sampler_sample", ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int32)
        self._logits_at = native.short_call("llama_get_logits_ith", ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int32)

    def _load_adapter(self, path: str) -> Any:
        """Freed with the model."""
        adapter = lib.llama_adapter_lora_init(self._model, path.encode())
        if not adapter:
            reason = self._log.last_error() or "no reason given"
            raise ModelFailed("llama.cpp could not load the adapter {file}: {reason}.", file=Path(path).name, reason=reason)
        return adapter

    def _context_params(self) -> Any:
        options = self.options
        params = lib.llama_context_default_params()
        params.n_ctx = options.shared_cells or options.context * options.slots
        params.n_batch = self.batch_tokens
        params.n_ubatch = min(512, self.batch_tokens)
        params.n_seq_max = options.slots
        params.n_outputs_max = options.slots + self.max_draft_tokens
        params.n_threads = params.n_threads_batch = options.threads
        params.type_k = params.type_v = KV_TYPES[options.kv_type]
        # With auto, llama.cpp decides by the device; a quantized V needs it.
        params.flash_attn_type = _FLASH_ATTENTION[options.flash_attention if options.kv_type == KvType.F16 else FlashAttention.ON]
        params.offload_kqv = options.gpu_layers != 0
        # With one stream a slot, an idle conversation costs the others nothing.
        params.kv_unified = bool(options.shared_cells)
        params.no_perf = True
        return params

    def _new_context(self) -> Any:
        context = lib.llama_init_from_model(self._model, self._context_params())
        if not context:
            reason = self._log.last_error() or "no reason given"
            raise ModelFailed("llama.cpp could not allocate memory for the conversations: {reason}.", reason=reason)
        return context

    def _new_mtp_layer(self) -> MtpLayer:
        try:
            return MtpLayer(self._model, self._context, self._context_params(), self.slots)
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
                return Decoded.ABORTED  # The images are written: they are forgotten, and tried again.
        if decoded is Decoded.DONE:
            rows = iter(self._rows if texts else ())
            self._rows = [next(rows) if part.image is None else -1 for part in parts]
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
            with self._lent:
                status = lib.llama_decode(self._context, batch)
            if status != 0:
                return Decoded.FULL if status == 1 and number == 0 else Decoded.ABORTED if status in (1, 2) else Decoded.FAILED
        return Decoded.DONE

    def _decode_tokens(self, parts: Sequence[Part]) -> Decoded:
        self._likely = {}
        self._rows = self._batch.fill(parts)
        with self._lent:
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
        self._likely = {}
        self._find_likely([(sampler, self._rows[part]) for sampler, part in samplers if isinstance(sampler, TopChain) and sampler.top > 1])

    def _find_likely(self, wanted: Sequence[tuple[TopChain, int]]) -> None:
        """Find the tokens that these samplers look at in their rows."""
        with self._lent_to_sample:
            for run in self._runs(wanted):
                address = self._logits_at(self._context, run[0][1])
                shape = (len(run), self.vocabulary)
                logits = np.frombuffer((ctypes.c_float * (shape[0] * shape[1])).from_address(address), np.float32).reshape(shape)
                bounds = np.array([sampler.bound for sampler, _ in run], np.float32)
                found = self._top_tokens.find(logits, [sampler.top for sampler, _ in run], bounds)
                for (sampler, row), likely, bound in zip(run, found, bounds, strict=True):
                    sampler.bound = float(bound)
                    self._likely[row] = likely

    def _runs(self, wanted: Sequence[tuple[TopChain, int]]) -> list[list[tuple[TopChain, int]]]:
        """Group by rows whose logits lie one after the other."""
        size = 4 * self.vocabulary
        runs: list[list[tuple[TopChain, int]]] = []
        following = 0
        for sampler, row in wanted:
            address = int(self._logits_at(self._context, row))
            if runs and address == following:
                runs[-1].append((sampler, row))
            else:
                runs.append([(sampler, row)])
            following = address + size
        return runs

    def sample(self, sampler: Any, part: int, draft: int = 0) -> int:
        row = self._rows[part] + draft
        if isinstance(sampler, TopChain):
            logits = self._logits(row)
            if sampler.top == 1:
                return sampler.most_likely(logits)
            if row not in self._likely:
                self._find_likely([(sampler, row)])
            return sampler.sample(logits, self._likely[row])
        if isinstance(sampler, SteeredSampler):
            with self._briefly:
                return sampler.sample(self._context, row)
        return int(self._sample(sampler, self._context, row))

    def _logits(self, row: int) -> NDArray[np.float32]:
        """Return the vocabulary's logits after the batch's token `row`: a view that holds until the next decode."""
        address = self._logits_at(self._context, row)
        return np.frombuffer((ctypes.c_float * self.vocabulary).from_address(address), np.float32)

    def logits(self, part: int, draft: int = 0) -> NDArray[np.float32]:
        """Return the logits after part number `part` of the last decode, with its first `draft` draft tokens. Valid until the next one."""
        return self._logits(self._rows[part] + draft)

    def computed_numbers(self, part: int) -> bool:
        """Tell whether part number `part` of the last decode gave any token a likelihood: damaged weights give none."""
        return bool(np.isfinite(self.logits(part)).any())

    def new_sampler(self, params: SamplingParams, prompt: Sequence[int]) -> Any:
        with self._briefly:
            chain = new_chain(params, [token for token in prompt if token >= 0], self.vocabulary)
            if needs_steering(params):
                try:
                    return SteeredSampler(chain, params, self.vocab, self._texts)
                except PortalError:
                    lib.llama_sampler_free(chain)
                    raise
            top = wants_only(params, self.vocabulary)
            return chain if top is None else TopChain(chain, top)

    def free_sampler(self, sampler: Any) -> None:
        with self._briefly:
            if isinstance(sampler, SteeredSampler | TopChain):
                sampler.free()
            else:
                lib.llama_sampler_free(sampler)

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
        known = self._pieces.get(token)
        if known is None:
            shown = text_of(self.vocab, token, special=True)
            known = shown if shown.decode("utf-8", "ignore") in _SHOWN else text_of(self.vocab, token, special=False)
            self._pieces[token] = known
        return known

    def ends(self, token: int) -> bool:
        known = self._ends.get(token)
        if known is None:
            known = self._ends[token] = bool(lib.llama_vocab_is_eog(self.vocab, token))
        return known

    def abort(self, now: bool) -> None:
        self._abort.set(now)

    def close(self) -> None:
        with self._tokenizing:
            self._closed = True
        if self.projector is not None:
            self.projector.close()
        self._batch.close()
        self._top_tokens.close()
        if self.mtp_layer is not None:
            self.mtp_layer.close()
        lib.llama_free(self._context)
        lib.llama_model_free(self._model)
        native.give_memory_back()

    # From any thread

    def tokenize(self, text: str, *, special: bool = True) -> list[int]:
        """Token ids; `special` turns markers such as <|user|> into their tokens. Raises Unavailable once closed."""
        # The lock keeps the model from being freed meanwhile; 2,000 tokens take 2 ms.
        with self._tokenizing:
            if self._closed:
                raise Unavailable("The model is being unloaded.")
            return tokens_of(self.vocab, text, special=special)

    def tokenize_pieces(self, pieces: Sequence[str]) -> list[int]:
        """Tokenize each piece by itself, so that no token reaches from one into the next."""
        return [token for piece in pieces for token in self.tokenize(piece)]

    def prepare_grammar(self, text: str) -> None:
        """Prepare what an answer with this grammar needs. Raises InvalidInput for a grammar that cannot be used, Unavailable."""
        read_grammar(text)
        with self._tokenizing:
            if self._closed:
                raise Unavailable("The model is being unloaded.")
            self._texts.firsts()

    def pieces(self, tokens: Sequence[int]) -> list[bytes]:
        """The text of each token, markers such as <|user|> too. Raises InvalidInput for what is no token, Unavailable."""
        if any(not 0 <= token < self.vocabulary for token in tokens):
            raise InvalidInput("A token of this model is a number from 0 to {most}.", most=self.vocabulary - 1)
        with self._tokenizing:
            if self._closed:
                raise Unavailable("The model is being unloaded.")
            return [text_of(self.vocab, token, special=True) for token in tokens]

    def gap_tokens(self) -> list[int]:
        """The marks before a prefix, before a suffix and before what fills the gap between them; none if the model has no such marks."""
        found = [lib.llama_vocab_fim_pre(self.vocab), lib.llama_vocab_fim_suf(self.vocab), lib.llama_vocab_fim_mid(self.vocab)]
        return found if min(found) >= 0 else []

    def control_markers(self) -> list[str]:
        """The text of every control token, such as <|user|>."""
        return control_markers(self.vocab)

    def logged(self, text: str) -> str | None:
        return self._log.find(text)

    def last_error(self) -> str:
        return self._log.last_error()

    def _single(self, text: str) -> list[int]:
        tokens = self.tokenize(text)
        return tokens if len(tokens) == 1 else []


def _bytes(state: NDArray[np.uint8]) -> Any:
    return state.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))
