"""How to load a model on this machine, and whether it fits, worked out before a byte is loaded."""

from __future__ import annotations

from dataclasses import dataclass, replace

from core.errors import InvalidInput
from core.generation import LoadSettings, MemoryPlan
from models import machine
from models.engine import native
from models.engine.llama_backend import BackendOptions, LlamaBackend
from models.machine import Memory
from models.model_facts import ModelFacts

KV_BYTES = {"f16": 2.0, "q8_0": 34 / 32, "q4_0": 18 / 32}
MOST_SLOTS, FEWEST_SLOTS = 16, 4
CONTEXT_ON_CPU, CONTEXT_ON_GPU = 16_384, 32_768
SMALLEST_CONTEXT = 2_048
MICRO_BATCH, BATCH_ON_GPU = 512, 2_048
_MEGABYTE = 1024 * 1024
OWN_PROCESS = 64 * _MEGABYTE
"""What a process of its own takes for itself: Python, llama.cpp's libraries."""
_CONTEXT_SHARE = 0.5
"""Of the memory left after the weights: the rest is for the portal, files in cache, and another model."""
_PARKING_SHARE, _MOST_PARKING = 0.25, 8 * 1024 * _MEGABYTE
"""Of the host's memory left after the load: for conversations that leave their slots. It is taken only as they come."""


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """How to load (`options`), and what that takes (`memory`)."""

    memory: MemoryPlan
    options: BackendOptions


def context_bytes_per_token(facts: ModelFacts, kv_type: str) -> float:
    """Of one slot. MLA keeps one compressed entry a layer, ordinary attention a key and a value for each KV head."""
    size = KV_BYTES[kv_type]
    if facts.latent_length:
        return len(facts.kv_heads) * facts.latent_length * size
    return sum(facts.kv_heads) * (facts.key_length + facts.value_length) * size


def work_bytes(facts: ModelFacts, slots: int, context: int) -> int:
    """Scratch memory of one decode: activations of a micro-batch, attention scores, and the logits of every slot.

    A generous estimate: llama.cpp reserves 130 MB for a GLM-4-9B where this says 330 MB.
    """
    wide = max(2 * facts.feed_forward, 4 * facts.embedding)
    activations = MICRO_BATCH * (6 * facts.embedding + 2 * wide) * 4
    scores = min(MICRO_BATCH * max(facts.heads, 1) * context * 4, 128 * _MEGABYTE)
    return activations + scores + 2 * (slots + LlamaBackend.most_guesses) * facts.vocabulary * 4 + 32 * _MEGABYTE


def plan_load(
    facts: ModelFacts,
    settings: LoadSettings,
    *,
    extra_buffers: bool = True,
    host: Memory | None = None,
    gpus: list[native.Gpu] | None = None,
) -> LoadPlan:
    """Fill in what the settings leave open. The result may not fit: see `check_fits`."""
    host = host or machine.host_memory()
    if settings.isolated:
        host = replace(host, free=max(0, host.free - OWN_PROCESS))
    plan = _plan_for(facts, settings, extra_buffers, host, native.gpus() if gpus is None else gpus)
    on_host = 0 if plan.options.gpu_layers == -1 else plan.memory.needed_bytes
    parking = min(_MOST_PARKING, round(_PARKING_SHARE * max(0, host.free - on_host)))
    return replace(plan, options=replace(plan.options, parking_bytes=parking))


def _plan_for(facts: ModelFacts, settings: LoadSettings, extra_buffers: bool, host: Memory, gpus: list[native.Gpu]) -> LoadPlan:
    threads = settings.threads or max(1, machine.cores() - 1)
    options = BackendOptions(
        context=0, slots=0, gpu_layers=0, kv_type=settings.kv_type, threads=threads, extra_buffers=extra_buffers, batch_tokens=MICRO_BATCH
    )
    if gpus and settings.gpu_layers != 0:
        device = Memory(sum(gpu.free_bytes for gpu in gpus), sum(gpu.total_bytes for gpu in gpus))
        name = ", ".join(f"{gpu.name} ({gpu.description})" for gpu in gpus)
        plan = _plan_on(facts, settings, replace(options, batch_tokens=BATCH_ON_GPU), device, name, CONTEXT_ON_GPU)
        layers = _layers_that_fit(facts, plan.memory) if settings.gpu_layers is None else settings.gpu_layers
        if layers > 0 and layers < len(facts.kv_heads):
            # What the GPU does not hold lies in the host's memory: the two count together.
            both = Memory(device.free + host.free, device.total + host.total)
            name = f"{name} for {layers} of {len(facts.kv_heads)} layers, CPU for the rest"
            plan = _plan_on(facts, settings, options, both, name, CONTEXT_ON_CPU)
        if layers != 0:
            return replace(plan, options=replace(plan.options, gpu_layers=layers))
    return _plan_on(facts, settings, options, host, f"CPU, {threads} thread{'s' if threads > 1 else ''}", CONTEXT_ON_CPU)


def check_fits(facts: ModelFacts, plan: MemoryPlan) -> None:
    """Raises InvalidInput with the numbers if the machine has too little free memory."""
    if not plan.fits:
        raise InvalidInput(
            "{model} needs {needed} ({weights} for its weights, {context} for {slots} conversations of {tokens} tokens), but only {free} "
            "of {total} are free. Choose a smaller file, a smaller context, or unload another model.",
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
    """Share the memory out: first enough slots, then the longest context, at least SMALLEST_CONTEXT each."""
    trained = facts.file.context
    if settings.context and settings.context > trained:
        raise InvalidInput(
            "{model} was trained for {trained} tokens; choose a context of at most that.", model=facts.file.name, trained=f"{trained:,}"
        )
    per_token = context_bytes_per_token(facts, settings.kv_type)
    context = settings.context or min(trained, longest)
    slots = settings.slots or MOST_SLOTS
    budget = max(0.0, (memory.free - facts.weights_bytes - work_bytes(facts, slots, context)) * _CONTEXT_SHARE)

    def too_large() -> bool:
        return slots * context * per_token > budget

    while settings.slots is None and slots > FEWEST_SLOTS and too_large():
        slots //= 2
    while settings.context is None and context > SMALLEST_CONTEXT and too_large():
        context = max(SMALLEST_CONTEXT, context // 2)
    while settings.slots is None and slots > 1 and too_large():
        slots //= 2
    context = -(-context // 256) * 256
    plan = MemoryPlan(
        device=device,
        weights_bytes=facts.weights_bytes,
        context_bytes=round(slots * context * per_token),
        work_bytes=work_bytes(facts, slots, context),
        free_bytes=memory.free,
        total_bytes=memory.total,
        context=context,
        slots=slots,
    )
    return LoadPlan(plan, replace(options, context=context, slots=slots))


def _layers_that_fit(facts: ModelFacts, plan: MemoryPlan) -> int:
    """-1 (all), or as many as the GPU's free memory holds beside the context; the rest stays on the processor."""
    if plan.fits:
        return -1
    layers = len(facts.kv_heads)
    each = (facts.layer_bytes + plan.context_bytes) / layers
    return max(0, min(layers, int((plan.free_bytes - plan.work_bytes) / each)))


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.0f} MB"
