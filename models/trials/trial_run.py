"""Try what a file must do before the portal loads it: decode as the engine does, or compute vectors. Runs in the trial's process."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from core.errors import ModelFailed
from core.inference.requests import SamplingParams
from core.models.load_settings import SplitMode
from models.embedding.llama_embedder import LlamaEmbedder
from models.engine.backend import Decoded, Part
from models.engine.images import EncodedImage, PromptImage
from models.engine.llama.backend import LlamaBackend
from models.engine.llama.images.projector import Projector
from models.engine.llama.options import BackendOptions

PROMPT_S = 5.0
"""Approximate time limit of the full prompt, which is therefore shorter than a batch on a slow processor."""
SHORTEST_PROMPT = 64
_NO_NUMBERS = "{file} computes NaN: its weights are damaged. Download it again, or convert the model again."


def run_trial(path: Path, options: BackendOptions) -> None:
    """Try the file. Raises ModelFailed if llama.cpp refuses the file or it computes nothing.

    Dies, or never returns, where llama.cpp does.
    """
    mapped = options.gpu_layers != 0
    if mapped:
        options = _on_the_processor(options)
    if options.pooling:
        _try_vectors(path, options, mapped)
    else:
        _try_chat(path, options, mapped)


def _on_the_processor(options: BackendOptions) -> BackendOptions:
    """Plan a trial of a model that belongs on a GPU: the host's memory may hold neither its weights nor its whole context."""
    slots = options.slots if options.pooling else min(2, options.slots)
    context = min(options.context, max(options.batch_tokens, 256))
    return replace(
        options, gpu_layers=0, extra_buffers=False, slots=slots, context=context, split_mode=SplitMode.LAYER, main_gpu=0, gpu_shares=(),
        shared_cells=slots * context if options.shared_cells else 0,
    )  # fmt: skip


def _try_chat(path: Path, options: BackendOptions, mapped: bool) -> None:
    backend = LlamaBackend(path, options, mapped=mapped)
    for token in range(backend.vocabulary):
        backend.piece(token)
    backend.tokenize("a <|user|> b")
    decodes = _Decodes(backend, path.name)
    if backend.projector is not None:
        decodes.see(backend.projector)
    decodes.all()
    backend.close()


class _Decodes:
    """Decode batches of every kind that the engine makes."""

    def __init__(self, backend: LlamaBackend, name: str) -> None:
        self._backend = backend
        self._name = name
        self._both = range(min(2, backend.slots))

    def all(self) -> None:
        backend = self._backend
        last = backend.vocabulary - 1
        self._decode([Part(slot=slot, start=0, tokens=[0, last], wants_logits=True) for slot in self._both])
        begin = time.monotonic()
        self._decode([Part(slot=slot, start=2, tokens=[last], wants_logits=True) for slot in self._both])
        each = (time.monotonic() - begin) / len(self._both)
        self._draft(last)
        for adapter, _, _ in backend.options.adapters:
            backend.use_adapter(adapter)
            self._again(0, [0, last])
        backend.use_adapter(0)
        length = min(backend.batch_tokens, backend.context, max(SHORTEST_PROMPT, round(PROMPT_S / max(each, 1e-6))))
        for slot in self._both:
            backend.cut(slot, 0)  # a KV cache that all slots share may be no larger than this prompt
        self._again(0, [token * 7919 % backend.vocabulary for token in range(length)])
        self._go_on_elsewhere(length)

    def see(self, projector: Projector) -> None:
        """Read an image and a token after it. llama.cpp aborts where a model is not made for images."""
        start = 0
        for piece in projector.encode_pixels(np.full((112, 112, 3), 127, np.uint8)).pieces:
            if isinstance(piece, EncodedImage):
                image = PromptImage(start, piece)
                self._decode([Part(slot=0, start=start, tokens=piece.tokens, wants_logits=False, image=image)])
                start += len(piece)
        self._decode([Part(slot=0, start=start, tokens=[self._backend.vocabulary - 1], wants_logits=True)])
        self._backend.cut(0, 0)

    def _again(self, slot: int, tokens: list[int]) -> None:
        self._backend.cut(slot, 0)
        self._decode([Part(slot=slot, start=0, tokens=tokens, wants_logits=True)])

    def _draft(self, token: int) -> None:
        if self._backend.can_draft:
            self._backend.draft([(slot, token, 2) for slot in self._both])

    def _go_on_elsewhere(self, length: int) -> None:
        """Save the slot and restore it, and copy it to the other one, as conversations move."""
        backend = self._backend
        state = backend.save(0)
        if backend.can_cut and len(self._both) > 1:
            backend.copy(0, 1, length)
            if backend.shared_cells:
                backend.cut(1, 0)  # it may leave no room to restore the other one
        if not backend.restore(0, state):
            raise ModelFailed("llama.cpp could not restore a conversation with {file}.", file=self._name)

    def _decode(self, parts: list[Part]) -> None:
        """Decode, and choose the next token of each part both ways. Raises ModelFailed."""
        if self._backend.decode(parts) is not Decoded.DONE:
            reason = self._backend.last_error() or "no reason given"
            raise ModelFailed("llama.cpp could not run {file}: {reason}.", file=self._name, reason=reason)
        for index, part in enumerate(parts):
            if not part.wants_logits:
                continue
            if not self._backend.computed_numbers(index):
                raise ModelFailed(_NO_NUMBERS, file=self._name)
            for temperature in (0.0, 1.0):
                sampler = self._backend.new_sampler(SamplingParams(temperature=temperature, top_p=0.9), part.tokens)
                self._backend.sample(sampler, index)
                self._backend.free_sampler(sampler)


def _try_vectors(path: Path, options: BackendOptions, mapped: bool) -> None:
    embedder = LlamaEmbedder(path, options, mapped=mapped)
    embedder.control_markers()
    some = embedder.tokenize("a [SEP] b", special=True, framed=True) or [0]
    embedder.pair_tokens()
    begin = time.monotonic()
    rows = [embedder.compute([some, some][: embedder.slots])]
    each = (time.monotonic() - begin) / (2 * len(some))
    length = min(embedder.context, max(SHORTEST_PROMPT, round(PROMPT_S / max(each, 1e-6))))
    rows.append(embedder.compute([[token * 7919 % embedder.vocabulary for token in range(length)]]))
    if not all(row is not None and np.isfinite(row).any(axis=1).all() for row in rows):
        raise ModelFailed(_NO_NUMBERS, file=path.name)
    embedder.close()
