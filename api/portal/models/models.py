"""Serve the models of this process, for admins."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter
from fastapi import Path as InPath
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.shapes import Asked, Line
from api.services import PortalHere
from core.models.load_settings import MAX_ADAPTERS, Adapter, FlashAttention, KvStreams, KvType, LoadSettings, SplitMode
from core.models.records import AdapterFile, LoadedModel, ModelFile, Residency

if TYPE_CHECKING:
    from bootstrap.portal import Portal

router = APIRouter(prefix="/api/v1/models", tags=["models"])


class FileOut(BaseModel):
    name: str
    path: str
    size_bytes: int
    architecture: str
    quantization: str
    parameters: int
    context: int = Field(description="Tokens the model was trained for.")
    layers: int
    thinking: bool
    kind: Literal["chat", "embedding", "reranking", "detection"]
    error: str | None = Field(description="Why it cannot be used.")

    @staticmethod
    def of(file: ModelFile) -> FileOut:
        return FileOut(
            name=file.name, path=str(file.path), size_bytes=file.size_bytes, architecture=file.architecture, quantization=file.quantization,
            parameters=file.parameters, context=file.context, layers=file.layers, thinking=file.thinking,
            kind=file.kind.value, error=str(file.error) if file.error else None,
        )  # fmt: skip


class AdapterOut(BaseModel):
    name: str
    path: str
    size_bytes: int
    architecture: str = Field(description="The architecture of the models it was made for.")
    rank: int
    error: str | None = Field(description="Why it cannot be used.")

    @staticmethod
    def of(file: AdapterFile) -> AdapterOut:
        return AdapterOut(
            name=file.name, path=str(file.path), size_bytes=file.size_bytes, architecture=file.architecture, rank=file.rank,
            error=str(file.error) if file.error else None,
        )  # fmt: skip


class LoadedOut(BaseModel):
    name: str
    state: Literal["loading", "ready", "draining", "failed", "restarting", "sleeping"]
    file: FileOut
    version: str
    platform: str
    device: str
    context: int = Field(description="Tokens per conversation.")
    slots: int = Field(description="Number of concurrent answers.")
    shared_context: int = Field(description="Tokens of the KV cache that all slots share; 0 if each has its own.")
    slots_busy: int
    waiting: int
    memory_bytes: int = Field(description="Measured memory that the load took.")
    progress: float = Field(description="0 to 1 while loading.")
    tokens_per_second: float | None
    default: bool
    adapters: list[str] = Field(description="Names of its LoRA adapters.")
    error: str | None
    isolated: bool = Field(description="Whether it runs in its own process.")
    stuck_s: float = Field(description="Duration of the current step if it exceeds 10 s; else 0.")
    at_start: bool = Field(description="Whether it is loaded at every start of the portal.")
    guide: bool = Field(description="Whether it is the built-in guide, which only knows the portal.")
    idle_minutes: int | None = Field(description="Minutes without a question after which it sleeps; null: never.")
    load_at: str = Field(description="HH:MM at which it wakes from Monday to Friday; empty: when someone asks.")
    file_problem: str | None = Field(description="What happened to its file on disk since it was loaded.")

    @staticmethod
    def of(model: LoadedModel, kept: Collection[str]) -> LoadedOut:
        return LoadedOut(
            name=model.name, state=model.state.value, file=FileOut.of(model.file), version=model.version, platform=model.platform,
            device=model.device, context=model.context, slots=model.slots,
            shared_context=model.plan.shared_tokens if model.plan else 0, slots_busy=model.slots_busy, waiting=model.waiting,
            memory_bytes=model.memory_bytes, progress=model.progress, tokens_per_second=model.tokens_per_second, default=model.default,
            adapters=list(model.adapters), error=str(model.error) if model.error else None,
            isolated=model.isolated, at_start=model.name in kept, guide=model.guide,
            stuck_s=model.stuck_s, idle_minutes=model.residency.idle_minutes, load_at=model.residency.load_at,
            file_problem=str(model.file_problem) if model.file_problem else None,
        )  # fmt: skip


class NotLoadedOut(BaseModel):
    name: str
    path: str
    reason: str


class MemoryOut(BaseModel):
    name: str = Field(description="host, a GPU, or budget for the limit of all models (PORTAL_MODEL_MEMORY_GB).")
    free_bytes: int
    total_bytes: int


class ModelsOut(BaseModel):
    loaded: list[LoadedOut]
    files: list[FileOut] = Field(description="The GGUF files in the models folder, and the built-in one.")
    adapters: list[AdapterOut] = Field(description="The LoRA adapters in the models folder.")
    folder: str
    memory: list[MemoryOut] = Field(description="The memory of this machine now, and what is left of the limit for models.")
    not_loaded: list[NotLoadedOut] = Field(description="Models that could not be loaded at startup. DELETE one to stop loading it.")


class AdapterIn(Asked):
    name: Line = Field(description="The name that requests use.")
    path: Line = Field(min_length=1, description="A GGUF file: a path on the server, or a name in the models folder.")
    scale: float = Field(default=1.0, description="The strength of the adapter; 0 disables it.")


class HowToLoad(Asked):
    path: Line = Field(min_length=1, description="A GGUF file: a path on the server, or a name in the models folder.")
    context: int | None = Field(default=None, description="Tokens per conversation. Default: chosen by file and memory.")
    slots: int | None = Field(default=None, description="Concurrent answers. Default: chosen automatically.")
    gpu_layers: int | None = Field(default=None, description="-1 means all that fit.")
    kv_type: KvType = Field(default=KvType.F16, strict=False, description="f16, q8_0 or q4_0.")
    threads: int | None = Field(default=None, description="Default: chosen by the machine.")
    flash_attention: FlashAttention = Field(default=FlashAttention.AUTO, strict=False, description=(
        "auto, on or off. A context of q8_0 or q4_0 needs it."
    ))
    streams: KvStreams = Field(default=KvStreams.AUTO, strict=False, description=(
        "separate gives each slot its own KV cache, unified shares one; auto lets the memory plan decide."
    ))
    split_mode: SplitMode = Field(default=SplitMode.LAYER, strict=False, description="Split across GPUs: none, layer or row.")
    main_gpu: int | None = Field(default=None, description="Counted from 0, for split modes none and row.")
    gpu_shares: list[float] = Field(default=[], max_length=16, description="Proportions for each GPU. Default: by free memory.")
    adapters: list[AdapterIn] = Field(default=[], max_length=MAX_ADAPTERS, description="LoRA adapters that a request may choose from.")
    isolated: bool | None = Field(default=None, description="Run it in its own process. Default: PORTAL_ISOLATED.")
    projector: Line | None = Field(default=None, description=(
        "The projector's file beside the model, so that it sees images. Default: the one that belongs to it; empty: none."
    ))

    def settings(self, portal: Portal) -> LoadSettings:
        return LoadSettings(
            context=self.context,
            slots=self.slots,
            gpu_layers=self.gpu_layers,
            kv_type=self.kv_type,
            threads=self.threads,
            flash_attention=self.flash_attention,
            streams=self.streams,
            split_mode=self.split_mode,
            main_gpu=self.main_gpu,
            gpu_shares=tuple(self.gpu_shares),
            adapters=tuple(Adapter(each.name, portal.models.folder / Path(each.path), each.scale) for each in self.adapters),
            isolated=portal.settings.isolated if self.isolated is None else self.isolated,
            projector=self.projector,
        )


class Load(HowToLoad):
    default: bool = Field(default=False, description="Use it for requests that name no model.")
    at_start: bool = Field(default=True, description="Load it at every start of the portal, until it is unloaded.")


@router.get("")
def listing(portal: PortalHere, user: SignedIn) -> ModelsOut:
    """List the models that are loaded, loading, draining or failed, and the files."""
    kept = portal.models.names_at_start(user)
    budget = portal.models.budget(user)
    memory = [*portal.models.memory(user), *([budget] if budget else [])]
    return ModelsOut(
        loaded=[LoadedOut.of(each, kept) for each in portal.models.loaded(user)],
        files=[FileOut.of(each) for each in portal.models.files(user)],
        adapters=[AdapterOut.of(each) for each in portal.models.adapters(user)],
        folder=str(portal.models.folder),
        memory=[MemoryOut(name=each.name, free_bytes=each.free_bytes, total_bytes=each.total_bytes) for each in memory],
        not_loaded=[
            NotLoadedOut(name=each.name, path=str(each.path), reason=str(each.reason)) for each in portal.models.start_problems(user)
        ],
    )


@router.post("/load", status_code=202)
def load(body: Load, portal: PortalHere, user: SignedIn) -> LoadedOut:
    """Start loading a model; follow it with GET /api/v1/models. Running models are not affected."""
    path = portal.models.folder / Path(body.path)
    loading = portal.models.load(user, path, body.settings(portal), default=body.default, at_start=body.at_start)
    return LoadedOut.of(loading, portal.models.names_at_start(user))


class ResidencyIn(Asked):
    idle_minutes: int | None = Field(default=None, description="Minutes without a question after which it sleeps; null: never.")
    load_at: Line = Field(default="", description="HH:MM in the server's time zone. Default: it wakes when someone asks.")


@router.put("/{name}/residency", status_code=204)
def reside(name: Annotated[Line, InPath()], body: ResidencyIn, portal: PortalHere, user: SignedIn) -> None:
    """Set when a model leaves memory and comes back. From now on, every start loads it."""
    portal.models.reside(user, name, Residency(body.idle_minutes, body.load_at))


@router.delete("/{name}", status_code=202)
def unload(name: Annotated[Line, InPath()], portal: PortalHere, user: SignedIn) -> None:
    """Give running answers up to 30 s to finish, then free the memory. The model is not loaded at the next start either."""
    portal.models.unload(user, name)
