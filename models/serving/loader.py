"""Make a platform from a file and its plan. This is the slow part of a load; it runs on the caller's thread."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from core.models.load_settings import LoadSettings
from core.models.records import ModelState
from models.child.embedder import ChildEmbedder
from models.child.model import ChildModel
from models.embedding.llama_embedder import LlamaEmbedder
from models.engine.kv_cache.offload_files import OffloadFiles
from models.engine.llama import native
from models.engine.llama.backend import LlamaBackend
from models.gguf.adapters import ChosenAdapter, check_matches, choose, read_adapter
from models.gguf.facts import ModelFacts, fingerprint
from models.gguf.memory_plan import LoadPlan
from models.platforms.local import LocalPlatform
from models.platforms.local_vectors import EmbeddingPlatform
from models.prompting.chat_template import ChatTemplate
from models.serving.pool.pool_entry import Entry
from models.serving.state_files.last_run import RunRecord
from models.serving.swapping.file_stamps import check_unchanged
from models.trials.file_buffers import FileBuffers

Changed = Callable[[ModelState, str], None]
Native = LlamaBackend | ChildModel | LlamaEmbedder | ChildEmbedder


class Closable(Protocol):
    def close(self) -> object: ...


class Loader:
    def __init__(
        self, builtin: Path, files: OffloadFiles | None, record: RunRecord | None, buffers: FileBuffers, max_wait_s: float | None = None
    ) -> None:
        """builtin: the only file that needs no trial. buffers: tries the others. See Pool for the rest."""
        self._builtin = builtin
        self._files = files
        self._record = record
        self._buffers = buffers
        self._max_wait_s = max_wait_s

    def load(self, entry: Entry, changed: Changed) -> LocalPlatform | EmbeddingPlatform:
        """Load the model; fill in the entry's version, device and memory. Raises PortalError.

        changed: called with the state of the model's own process.
        """
        check_unchanged(entry.facts.parts, entry.stamps)
        try:
            platform, before = self._chat(entry, changed) if entry.chats else self._vectors(entry, changed)
        except OSError:
            check_unchanged(entry.facts.parts, entry.stamps)
            raise
        with _released_on_failure(platform):
            check_unchanged(entry.facts.parts, entry.stamps)
            entry.memory_bytes = max(0, native.memory_taken() + platform.own_process_bytes - before) + entry.reserved_bytes
        return platform

    def _chat(self, entry: Entry, changed: Changed) -> tuple[LocalPlatform, int]:
        """Return the platform, and how much memory was taken just before its model was loaded."""
        template = ChatTemplate(entry.facts.template, entry.name)
        last_step = self._record.last_step(entry.name) if self._record and not entry.isolated else None
        with _released_on_failure(template, last_step):
            template.check()
            self._check_file(entry)
            before = native.memory_taken()
            backend = self._backend(entry, changed)
            with _released_on_failure(backend):
                entry.device = _device(entry.plan, backend)
                entry.reserved_bytes = _reserved_bytes(backend)
            platform = LocalPlatform(
                entry.facts, entry.version, backend, template, entry.adapters, self._files, last_step, self._max_wait_s
            )
        return platform, before

    def _backend(self, entry: Entry, changed: Changed) -> LlamaBackend | ChildModel:
        path, options = entry.facts.file.path, entry.plan.options
        if entry.isolated:
            return ChildModel(entry.name, path, options, entry.went_on, changed, self._files, self._max_wait_s)
        return LlamaBackend(path, options, entry.went_on)

    def _vectors(self, entry: Entry, changed: Changed) -> tuple[EmbeddingPlatform, int]:
        self._check_file(entry)
        before = native.memory_taken()
        path, options = entry.facts.file.path, entry.plan.options
        embedder = (
            ChildEmbedder(entry.name, path, options, entry.went_on, changed)
            if entry.isolated
            else LlamaEmbedder(path, options, entry.went_on)
        )
        with _released_on_failure(embedder):  # otherwise a separate process would be restarted again and again
            entry.device = _device(entry.plan, embedder)
            entry.reserved_bytes = _reserved_bytes(embedder)
            return EmbeddingPlatform(entry.facts, entry.version, embedder), before

    def _check_file(self, entry: Entry) -> None:
        entry.version = fingerprint(entry.facts)
        if entry.facts.file.path != self._builtin:
            options = self._buffers.try_to_load(entry.facts.file.path, entry.version, entry.plan.options, lambda: not entry.unwanted)
            entry.plan = replace(entry.plan, options=options)


def chosen_adapters(facts: ModelFacts, settings: LoadSettings) -> tuple[ChosenAdapter, ...]:
    """Return the chosen adapters. Raises InvalidInput for one that is damaged or was made for another model."""
    if not settings.adapters:
        return ()
    tensors = {tensor.name: tensor.shape for header in facts.headers for tensor in header.tensors}
    for adapter in settings.adapters:
        check_matches(read_adapter(adapter.path), facts.file.name, facts.file.architecture, tensors)
    return tuple(map(choose, settings.adapters))


@contextmanager
def _released_on_failure(*parts: Closable | None) -> Iterator[None]:
    """Close the parts if the block fails, whatever the error is: some hold processes and native memory."""
    try:
        yield
    except BaseException:
        for part in parts:
            if part is not None:
                part.close()
        raise


def _reserved_bytes(backend: Native) -> int:
    """Return the host memory that llama.cpp has reserved for computation. The system counts it only once a long prompt has used it."""
    size = re.search(r"CPU compute buffer size = +([\d.]+) MiB", backend.logged("CPU compute buffer size") or "")
    return round(float(size[1]) * 1024 * 1024) if size else 0


def _device(plan: LoadPlan, backend: Native) -> str:
    """Return where the model really runs, as llama.cpp reports it: a build may support CUDA and still use the processor."""
    offloaded = backend.logged("layers to GPU")
    if plan.options.gpu_layers and offloaded:
        return f"{plan.memory.device}, {offloaded.partition('offloaded ')[2] or offloaded}"
    if plan.options.gpu_layers == 0 and native.machine_has_nvidia_gpu() and not native.gpus():
        return f"{plan.memory.device} (this machine's GPU is not used: llama.cpp was built without CUDA)"
    return plan.memory.device
