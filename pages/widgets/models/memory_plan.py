"""The memory plan: a model with its settings, the memory they need, and the button that loads the model."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from core.bounds import E
from core.errors import InvalidInput, PortalError
from core.models.load_settings import SHORTEST_CONTEXT, Adapter, FlashAttention, KvStreams, KvType, LoadSettings, SplitMode
from core.models.memory_records import MemoryPlan
from core.models.records import AdapterFile, LoadedModel, ModelFile, ModelKind, ModelState
from core.people.records import User
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.card import card_title
from pages.widgets.common.formats import count, parameters, size
from pages.widgets.models.evictions import evictions_card
from pages.widgets.models.files.file_address import open_report
from pages.widgets.models.memory_bar import plan_bar

if TYPE_CHECKING:
    from bootstrap.portal import Portal

PRECISIONS = {KvType.F16: "16-bit", KvType.Q8_0: "8-bit", KvType.Q4_0: "4-bit"}
ATTENTION = {FlashAttention.AUTO: "Automatic", FlashAttention.ON: "On", FlashAttention.OFF: "Off"}
STREAMS = {KvStreams.AUTO: "Automatic", KvStreams.SEPARATE: "Separate", KvStreams.UNIFIED: "Shared"}
SPLITS = {SplitMode.LAYER: "By layer", SplitMode.ROW: "By row", SplitMode.NONE: "One GPU"}
SPARE = 0.05
"""Share of the device's memory; a load that leaves less free is marked as tight."""


def memory_plan(
    portal: Portal, user: User, files: Sequence[ModelFile], adapters: Sequence[AdapterFile], loaded: Sequence[LoadedModel]
) -> None:
    """Draw the plan for a file that can be loaded; the session key "models-wanted" may name the file to choose."""
    taken = {str(model.file.path) for model in loaded if model.state is not ModelState.FAILED}
    usable = {str(file.path): file for file in files if not file.error and str(file.path) not in taken}
    if not usable:
        card_title(t("Memory plan"), t("No other model to load"))
        st.markdown(t("Put GGUF files in the folder below, then scan it. You can load a file from anywhere else by its path."))
        st.html(f"<p class='file'><code>{escape(str(portal.models.folder))}</code></p>")
        return
    card_title(t("Memory plan"), t("Try settings before loading"))
    wanted = st.session_state.pop("models-wanted", None)
    if wanted in usable:
        st.session_state["models-plan"] = wanted
    elif st.session_state.get("models-plan") not in usable:
        # Set explicitly: with the default, the browser would keep showing the file that is loaded now.
        st.session_state["models-plan"] = next(iter(usable))
    chosen = st.selectbox(t("Model"), list(usable), format_func=lambda path: usable[path].path.name, key="models-plan")
    file = usable[chosen]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.html(f"<p class='file'>{file_line(file)}</p>")
        st.button(t("About this file"), type="tertiary", key="models-report", on_click=open_report, args=(file.path,))
    try:
        last = portal.models.remembered(user, file) or LoadSettings(isolated=portal.settings.isolated)
        settings = _settings(file, portal.models.plan(user, file, LoadSettings()), last)
        settings = replace(settings, adapters=_adapters(file, adapters, settings.adapters))
        plan = portal.models.plan(user, file, settings)
    except PortalError as problem:
        st.markdown(f":red[:material/error: {plain(error_text(problem))}]")
        return
    plan_bar(plan)
    st.markdown(verdict_of(plan))
    if plan.measured:
        st.caption(t("Measured when it was loaded like this before."))
    if plan.budget_bytes:
        st.caption(t("All models together may take {size} (PORTAL_MODEL_MEMORY_GB).", size=size(plan.budget_bytes)))
    evictions_card(portal, user, plan)
    default = False
    if file.kind is ModelKind.CHAT:
        st.caption(_streams(plan, settings))
        default = st.checkbox(t("Use it for new chats"), value=True, key="models-default")
    else:
        st.caption(t("For programs, over REST at /v1/embeddings or /v1/rerank. Chats cannot use it."))
    at_start = st.checkbox(
        t("Load at every start"), value=True, key="models-at-start", help=t("The portal loads this model whenever it starts.")
    )
    if st.button(t("Load with this plan"), type="primary", width="stretch", key="models-load", disabled=not plan.fits):
        try:
            portal.models.load(user, file.path, settings, default=default, at_start=at_start)
        except PortalError as problem:
            st.markdown(f":red[:material/error: {plain(error_text(problem))}]")
        else:
            st.rerun()


def _settings(file: ModelFile, auto: MemoryPlan, last: LoadSettings) -> LoadSettings:
    """Draw the sliders; return the settings. They start at the settings of the `last` load, else at the automatic ones."""
    chats = file.kind is ModelKind.CHAT
    first_slots, first_context = last.slots or auto.slots, min(last.context or auto.context, max(file.context, auto.context))
    words = (t("Slots"), t("Concurrent answers")) if chats else (t("Texts in a batch"), t("Texts processed at the same time"))
    slots = st.slider(words[0], 1, max(16, first_slots), first_slots, key=f"plan-slots-{file.path}", help=words[1])
    most = max(file.context, auto.context)
    sizes = sorted({1 << power for power in range(9, 23) if 1 << power < most} | {most, auto.context, first_context})
    # A model whose context is shorter than the smallest choice uses its full context.
    context = first_context if most >= SHORTEST_CONTEXT else None
    if len(sizes) > 1 and context is not None:
        context = st.select_slider(
            t("Context per slot") if chats else t("Context"),
            sizes,
            first_context,
            format_func=count,
            key=f"plan-context-{file.path}",
            help=t("Tokens per conversation") if chats else t("Tokens in the longest text it accepts"),
        )
    if not chats:
        with st.expander(t("Advanced")):
            threads, apart = _threads(file, last), _apart(file, last)
        return LoadSettings(context=context, slots=slots, threads=threads, isolated=apart)
    kv_type = _choice(
        t("Context precision"), PRECISIONS, last.kv_type, f"plan-kv-{file.path}",
        t("Fewer bits use less memory; 4-bit can reduce quality in long conversations."),
    )  # fmt: skip
    with st.expander(t("Advanced")):
        return _advanced(file, auto, replace(last, context=context, slots=slots, kv_type=kv_type))


def _threads(file: ModelFile, last: LoadSettings) -> int | None:
    return st.number_input(t("CPU threads"), 1, 1024, last.threads, placeholder=t("Automatic"), key=f"plan-threads-{file.path}")


def _apart(file: ModelFile, last: LoadSettings) -> bool:
    return st.toggle(
        t("Own process"), last.isolated, key=f"plan-isolated-{file.path}",
        help=t(
            "If the model crashes, only its running answers fail and it restarts. Takes about 60 MB more, and the model sees no images."
        ),
    )  # fmt: skip


def _advanced(file: ModelFile, auto: MemoryPlan, last: LoadSettings) -> LoadSettings:
    """Draw settings that are seldom needed; return them. Settings for one or several GPUs appear only if the machine has them."""
    streams = _choice(
        t("KV cache"), STREAMS, last.streams, f"plan-streams-{file.path}",
        t("Separate is faster; shared holds more conversations of different lengths. Automatic shares when memory is short."),
    )  # fmt: skip
    attention = _choice(
        t("Flash attention"), ATTENTION, last.flash_attention, f"plan-attention-{file.path}", t("8-bit and 4-bit precision need it.")
    )
    threads, apart = _threads(file, last), _apart(file, last)
    settings = replace(last, streams=streams, flash_attention=attention, threads=threads, isolated=apart)
    if not auto.gpus:
        return replace(settings, gpu_layers=None, split_mode=SplitMode.LAYER, main_gpu=None, gpu_shares=())
    layers = st.number_input(
        t("GPU layers"), 0, 10_000, last.gpu_layers if last.gpu_layers != -1 else None, placeholder=t("All that fit"),
        key=f"plan-layers-{file.path}", help=t("0 does not use the GPU."),
    )  # fmt: skip
    if auto.gpus == 1:
        return replace(settings, gpu_layers=layers, split_mode=SplitMode.LAYER, main_gpu=None, gpu_shares=())
    split = _choice(t("Split over GPUs"), SPLITS, last.split_mode, f"plan-split-{file.path}", t("By layer suits most machines."))
    main, shares = None, ()
    if split is not SplitMode.LAYER:
        main = st.number_input(t("Main GPU"), 0, auto.gpus - 1, last.main_gpu or 0, key=f"plan-main-{file.path}")
    if split is not SplitMode.NONE:
        shares = _shares(
            st.text_input(
                t("Share of each GPU"), ", ".join(f"{share:g}" for share in last.gpu_shares), key=f"plan-shares-{file.path}",
                placeholder=t("By free memory"), help=t("Proportions, for example 3, 1"),
            )
        )  # fmt: skip
    return replace(settings, gpu_layers=layers, split_mode=split, main_gpu=main, gpu_shares=shares)


def _adapters(file: ModelFile, there: Sequence[AdapterFile], last: tuple[Adapter, ...]) -> tuple[Adapter, ...]:
    """Draw the matching adapters; return those that requests may choose, with name and strength. Draw nothing if there are none."""
    usable = {str(each.path): each for each in there if not each.error and each.architecture == file.architecture}
    if not usable:
        return ()
    before = {str(adapter.path): adapter for adapter in last if str(adapter.path) in usable}
    chosen = st.multiselect(
        t("Adapters"), list(usable), list(before), format_func=lambda path: usable[path].path.name, key=f"plan-adapters-{file.path}",
        placeholder=t("None"), help=t("People choose a LoRA adapter per question; each is listed as a model."),
    )  # fmt: skip
    adapters = []
    for path in chosen:
        first = before.get(path) or Adapter(re.sub(r"[^\w.-]+", "-", usable[path].name)[:64], usable[path].path)
        with st.container(horizontal=True, gap="small"):
            name = st.text_input(t("Name for {file}", file=plain(usable[path].path.name)), first.name, key=f"plan-adapter-name-{path}")
            scale = st.number_input(t("Strength"), -100.0, 100.0, first.scale, 0.1, key=f"plan-adapter-scale-{path}", width=140)
        adapters.append(Adapter(name.strip(), usable[path].path, scale))
    return tuple(adapters)


def _choice(label: str, choices: Mapping[E, str], first: E, key: str, hint: str) -> E:
    chosen = st.segmented_control(
        label, list(choices), default=first, required=True, format_func=lambda name: t(choices[name]), key=key, help=hint
    )
    return chosen or first


def _shares(typed: str) -> tuple[float, ...]:
    try:
        return tuple(float(share) for share in typed.replace("，", ",").split(",") if share.strip())
    except ValueError:
        raise InvalidInput("Enter shares as numbers separated by commas, for example 3, 1.") from None


def _streams(plan: MemoryPlan, settings: LoadSettings) -> str:
    """Return how conversations share the KV cache, and why."""
    if not plan.shared_tokens:
        return t("Each slot has its own KV cache, so idle conversations do not slow the others down.")
    words = t(
        "{slots} slots share a KV cache of {n} tokens. When it is full, idle conversations are evicted first, then the newest answer "
        "waits.",
        slots=plan.slots, n=count(plan.shared_tokens),
    )  # fmt: skip
    return words if settings.streams is KvStreams.UNIFIED else words + " " + t("Separate caches would not fit.")


def verdict_of(plan: MemoryPlan) -> str:
    """Return Markdown that says whether the plan fits."""
    spare = plan.free_bytes - plan.needed_bytes
    if spare >= SPARE * plan.total_bytes:
        return f":green[:material/check_circle: {t('Fits, {size} to spare.', size=size(spare))}]"
    if spare >= 0:
        return f":orange[:material/warning: {t('Fits with {size} left, which leaves little for other programs.', size=size(spare))}]"
    if plan.weights_bytes + plan.work_bytes > plan.free_bytes:
        words = t("Short by {size}. The weights alone do not fit: unload a model or choose a smaller file.", size=size(-spare))
    else:
        words = t("Short by {size}. Reduce the slots, the context or its precision.", size=size(-spare))
    return f":red[:material/error: {words}]"


def kind_word(kind: ModelKind) -> str:
    """Return the readable name of a kind of model."""
    words = {
        ModelKind.CHAT: t("Chat"),
        ModelKind.EMBEDDING: t("Embedding"),
        ModelKind.RERANKING: t("Reranking"),
        ModelKind.DETECTION: t("Detection"),
    }
    return words[kind]


def file_line(file: ModelFile) -> str:
    """Return HTML with kind (except chat), architecture, quantization, parameters and size of a file."""
    known = (
        "" if file.kind is ModelKind.CHAT else kind_word(file.kind),
        file.architecture,
        file.quantization,
        t("{n} parameters", n=parameters(file.parameters)) if file.parameters else "",
        size(file.size_bytes),
    )
    return escape(" · ".join(part for part in known if part))
