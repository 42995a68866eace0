"""Plan how to load a model on this machine, and tell whether it fits, before loading it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from core.errors import InvalidInput
from core.models.load_settings import FlashAttention, KvStreams, LoadSettings
from core.models.memory_records import MemoryPlan
from models import machine
from models.engine.llama import native
from models.engine.llama.options import BackendOptions
from models.gguf.facts import ModelFacts
from models.gguf.flash_attention import plain_is_faster, score_bytes
from models.gguf.gpu_choice import choose_gpus
from models.gguf.memory_sizes import KV_BYTES, MEGABYTE, MICRO_BATCH, context_bytes_per_token, state_bytes, vector_work_bytes, work_bytes
from models.machine import Memory

MAX_SLOTS, MIN_SLOTS = 16, 4
CONTEXT_ON_CPU, CONTEXT_ON_GPU = 16_384, 32_768
SMALLEST_CONTEXT = 2_048
CONTEXT_AT_ONCE, CONTEXT_IN_CHUNKS, SMALLEST_VECTOR_CONTEXT = 2_048, 8_192, 256
"""Default tokens of one text that an embedding model reads: at once, or in chunks if the model is causal."""
TEXTS_TOGETHER = 64
SMALLEST_SHARE = 512
"""Least tokens per slot, on average, of a shared KV cache: with fewer, answers would mostly wait for room."""
BATCH_ON_GPU = 2_048
OWN_PROCESS = 64 * MEGABYTE
"""Memory of a separate process itself: Python and llama.cpp's libraries."""
TOO_LITTLE = (
    "{model} needs {needed} ({weights} for its weights, {context} for {slots} conversations of {tokens} tokens), but only {free} "
    "of {total} are free. Choose a smaller file, a smaller context, or unload another model."
)
OVER_BUDGET = (
    "{model} needs {needed} ({weights} for its weights, {context} for {slots} conversations of {tokens} tokens), but of the {total} that "
    "models may use (PORTAL_MODEL_MEMORY_GB) only {free} are left. Choose a smaller file, a smaller context, or unload another model."
)
_CONTEXT_SHARE = 0.5
"""Share of the memory left after the weights; the rest is for the portal, files in cache, and another model."""
_OFFLOAD_SHARE, _MAX_OFFLOAD = 0.25, 8 * 1024 * MEGABYTE
"""Share of the host's memory left after the load, for conversations that leave their slots. It is allocated only as they come."""


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """How to load (`options`), and what that takes (`memory`)."""

    memory: MemoryPlan
    options: BackendOptions


def plan_load(
    facts: ModelFacts,
    settings: LoadSettings,
    *,
    extra_buffers: bool = True,
    mtp: bool = False,
    gpu_sampling: bool = False,
    host: Memory | None = None,
    gpus: list[native.Gpu] | None = None,
) -> LoadPlan:
    """Fill in what the settings leave open. The result may not fit: see `check_fits`.

    mtp: add the MTP layer if it fits. gpu_sampling: let a GPU that holds the whole model find the likeliest tokens.
    """
    host = host or machine.host_memory()
    if settings.isolated:
        host = replace(host, free=max(0, host.free - OWN_PROCESS))
    gpus = native.gpus() if gpus is None else gpus
    plan = _plan_for(facts, settings, extra_buffers, host, gpus)
    if settings.flash_attention is FlashAttention.AUTO:
        plan = _with_faster_attention(facts, plan)
    if mtp and facts.next_layer_bytes:
        faster = _with_next_layer(facts, plan)
        plan = faster if faster.memory.fits else plan
    if gpu_sampling and not facts.pooling and not plan.options.mtp and _is_whole_on_gpu(facts, plan.options):
        plan = replace(plan, options=replace(plan.options, gpu_sampling=True))
    plan = replace(plan, memory=replace(plan.memory, gpus=len(gpus)))
    on_host = 0 if plan.options.gpu_layers == -1 else plan.memory.needed_bytes
    offload = min(_MAX_OFFLOAD, round(_OFFLOAD_SHARE * max(0, host.free - on_host)))
    return replace(plan, options=replace(plan.options, offload_bytes=offload))


def _is_whole_on_gpu(facts: ModelFacts, options: BackendOptions) -> bool:
    """Tell whether the output layer, which comes after all others, is on a GPU."""
    return options.gpu_layers == -1 or options.gpu_layers > len(facts.kv_heads)


def _with_faster_attention(facts: ModelFacts, plan: LoadPlan) -> LoadPlan:
    """Turn flash attention off if plain attention is faster and its scores have room."""
    context = plan.memory.context
    memory = replace(plan.memory, work_bytes=work_bytes(facts, plan.memory.slots, context, plain=True))
    faster = plain_is_faster(facts, plan.options, context, score_bytes(facts, MICRO_BATCH, context), memory.free_bytes)
    return LoadPlan(memory, replace(plan.options, flash_attention=FlashAttention.OFF)) if faster and memory.fits else plan


def _with_next_layer(facts: ModelFacts, plan: LoadPlan) -> LoadPlan:
    """Add the MTP layer: its weights, its own context of one layer, and the work space of one decode."""
    memory = plan.memory
    each = facts.latent_length or facts.kv_heads[-1] * (facts.key_length + facts.value_length)
    context = round(memory.slots * memory.context * each * KV_BYTES[plan.options.kv_type])
    more = replace(
        memory,
        weights_bytes=memory.weights_bytes + facts.next_layer_bytes,
        context_bytes=memory.context_bytes + context,
        work_bytes=2 * memory.work_bytes,
    )
    return LoadPlan(more, replace(plan.options, mtp=True))


def _plan_for(facts: ModelFacts, settings: LoadSettings, extra_buffers: bool, host: Memory, gpus: list[native.Gpu]) -> LoadPlan:
    threads = settings.threads or max(1, machine.cores() - 1)
    options = BackendOptions(
        context=0, slots=0, gpu_layers=0, kv_type=settings.kv_type, threads=threads, extra_buffers=extra_buffers, batch_tokens=MICRO_BATCH,
        flash_attention=settings.flash_attention, split_mode=settings.split_mode, main_gpu=settings.main_gpu or 0,
        gpu_shares=settings.gpu_shares,
    )  # fmt: skip
    chosen = choose_gpus(gpus, settings)
    if chosen and settings.gpu_layers != 0:
        device, name = chosen.memory, chosen.name
        plan = _plan_on(facts, settings, replace(options, batch_tokens=BATCH_ON_GPU), device, name, CONTEXT_ON_GPU)
        layers = _layers_that_fit(facts, plan.memory) if settings.gpu_layers is None else settings.gpu_layers
        if layers > 0 and layers < len(facts.kv_heads):
            # The host's memory holds what the GPU does not: count the two together.
            both = Memory(device.free + host.free, device.total + host.total)
            name = f"{name} for {layers} of {len(facts.kv_heads)} layers, CPU for the rest"
            plan = _plan_on(facts, settings, options, both, name, CONTEXT_ON_CPU)
        if layers != 0:
            return replace(plan, options=replace(plan.options, gpu_layers=layers))
    return _plan_on(facts, settings, options, host, f"CPU, {threads} thread{'s' if threads > 1 else ''}", CONTEXT_ON_CPU)


def check_fits(facts: ModelFacts, plan: MemoryPlan) -> None:
    """Raise InvalidInput with the numbers if the machine has too little free memory."""
    if not plan.fits:
        raise InvalidInput(
            OVER_BUDGET if plan.budget_bytes else TOO_LITTLE,
            model=facts.file.name,
            needed=_gigabytes(plan.needed_bytes),
            weights=_gigabytes(plan.weights_bytes),
            context=_gigabytes(plan.context_bytes),
            slots=plan.slots,
            tokens=f"{plan.context:,}",
            free=_gigabytes(plan.free_bytes),
            total=_gigabytes(plan.total_bytes),
        )


def _plan_on(facts: ModelFacts, settings: LoadSettings, options: BackendOptions, memory: Memory, device: str, longest: int) -> LoadPlan:
    """Give each slot its own KV cache if memory allows enough of them, else let the slots share one."""
    trained = facts.file.context
    if settings.context and settings.context > trained:
        raise InvalidInput(
            "{model} was trained for a context of {trained} tokens. Choose at most that.", model=facts.file.name, trained=f"{trained:,}"
        )
    if facts.pooling:
        return _plan_vectors_on(facts, settings, options, memory, device)
    room = _Room(facts=facts, settings=settings, memory=memory, device=device, longest=longest)
    plan = room.separate()
    if settings.streams is KvStreams.UNIFIED:
        plan = room.shared(settings.slots or MAX_SLOTS)
    elif settings.streams is KvStreams.AUTO and (not plan.fits or (settings.slots is None and plan.slots < MIN_SLOTS)):
        shared = room.shared(settings.slots or MIN_SLOTS)
        plan = shared if shared.fits and shared.shared_tokens >= shared.slots * SMALLEST_SHARE else plan
    return LoadPlan(plan, replace(options, context=plan.context, slots=plan.slots, shared_cells=plan.shared_tokens))


@dataclass(frozen=True, slots=True)
class _Room:
    """The memory available for a model and its conversations. longest: the default limit of tokens per conversation."""

    facts: ModelFacts
    settings: LoadSettings
    memory: Memory
    device: str
    longest: int

    @property
    def _per_token(self) -> float:
        return context_bytes_per_token(self.facts, self.settings.kv_type)

    @property
    def _context(self) -> int:
        return self.settings.context or min(self.facts.file.context, self.longest)

    def _budget(self, slots: int, cells: int) -> float:
        return max(0.0, (self.memory.free - self.facts.weights_bytes - self._work(slots, cells)) * _CONTEXT_SHARE)

    def _work(self, slots: int, stream: int) -> int:
        return work_bytes(self.facts, slots, stream, plain=self.settings.flash_attention is FlashAttention.OFF)

    def separate(self) -> MemoryPlan:
        """Divide the memory: first enough slots, then the longest context, at least SMALLEST_CONTEXT each."""
        settings, context, slots = self.settings, self._context, self.settings.slots or MAX_SLOTS
        budget = self._budget(slots, context)

        def too_large() -> bool:
            return slots * (context * self._per_token + state_bytes(self.facts)) > budget

        while settings.slots is None and slots > MIN_SLOTS and too_large():
            slots //= 2
        while settings.context is None and context > SMALLEST_CONTEXT and too_large():
            context = max(SMALLEST_CONTEXT, context // 2)
        while settings.slots is None and slots > 1 and too_large():
            slots //= 2
        context = _rounded_up(context)
        return self._plan(slots, context, slots * context, context)

    def shared(self, slots: int) -> MemoryPlan:
        """Plan one KV cache for all slots: as large as the budget, and large enough for one whole conversation if a context was set."""
        whole = slots * self._context
        cells = min(whole, int(max(0.0, self._budget(slots, whole) - slots * state_bytes(self.facts)) / self._per_token))
        context = self.settings.context or max(256, min(self._context, cells))
        cells = max(cells // 256 * 256, _rounded_up(context))
        return replace(self._plan(slots, min(_rounded_up(context), cells), cells, cells), shared_tokens=cells)

    def _plan(self, slots: int, context: int, cells: int, stream: int) -> MemoryPlan:
        """Return the plan for these sizes. cells: tokens of all slots. stream: tokens of one stream, which attention reads."""
        return MemoryPlan(
            device=self.device,
            weights_bytes=self.facts.weights_bytes,
            context_bytes=round(cells * self._per_token + slots * state_bytes(self.facts)),
            work_bytes=self._work(slots, stream),
            free_bytes=self.memory.free,
            total_bytes=self.memory.total,
            context=context,
            slots=slots,
        )


def _rounded_up(tokens: int) -> int:
    """Round up to a multiple of 256, as llama.cpp does for a slot."""
    return -(-tokens // 256) * 256


def _plan_vectors_on(facts: ModelFacts, settings: LoadSettings, options: BackendOptions, memory: Memory, device: str) -> LoadPlan:
    """Plan an embedding model: a slot is a text of the batch. Slots share one context as long as the longest text, which holds nothing
    between batches.

    If tokens attend to later ones, or all tokens are averaged, a text must be read at once, and the work space grows with it.
    """
    in_chunks = facts.causal and facts.pooling in ("last", "rank")
    slots = settings.slots or TEXTS_TOGETHER
    context = settings.context or min(facts.file.context, CONTEXT_IN_CHUNKS if in_chunks else CONTEXT_AT_ONCE)

    def plan() -> LoadPlan:
        batch = options.batch_tokens if in_chunks else max(context, options.batch_tokens)
        # llama.cpp plans for the same number of tokens per text, and aborts the process if the division leaves a remainder.
        batch = -(-batch // slots) * slots
        cells = max(context, batch) if facts.remembers else 0
        memory_plan = MemoryPlan(
            device=device,
            weights_bytes=facts.weights_bytes,
            context_bytes=round(cells * context_bytes_per_token(facts, settings.kv_type)),
            work_bytes=vector_work_bytes(facts, batch, max(context, batch)),
            free_bytes=memory.free,
            total_bytes=memory.total,
            context=context,
            slots=slots,
        )
        return LoadPlan(memory_plan, replace(options, context=context, slots=slots, batch_tokens=batch, pooling=facts.pooling))

    while settings.context is None and context > SMALLEST_VECTOR_CONTEXT and not plan().memory.fits:
        context = max(SMALLEST_VECTOR_CONTEXT, context // 2)
    return plan()


def _layers_that_fit(facts: ModelFacts, plan: MemoryPlan) -> int:
    """Return how many layers fit into the GPU's free memory beside the context; -1: all of them."""
    if plan.fits:
        return -1
    layers = len(facts.kv_heads)
    each = (facts.layer_bytes + plan.context_bytes) / layers
    return max(0, min(layers, int((plan.free_bytes - plan.work_bytes) / each)))


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.0f} MB"
