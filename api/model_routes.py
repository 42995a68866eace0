"""The models of this process, for admins."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter
from fastapi import Path as InPath
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal import PortalHere
from api.shapes import Asked, Line
from core.generation import LoadedModel, LoadSettings, ModelFile

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
    error: str | None = Field(description="Why it cannot be used.")

    @staticmethod
    def of(file: ModelFile) -> FileOut:
        return FileOut(
            name=file.name, path=str(file.path), size_bytes=file.size_bytes, architecture=file.architecture, quantization=file.quantization,
            parameters=file.parameters, context=file.context, layers=file.layers, thinking=file.thinking, error=file.error,
        )  # fmt: skip


class LoadedOut(BaseModel):
    name: str
    state: Literal["loading", "ready", "draining", "failed", "restarting"]
    file: FileOut
    version: str
    platform: str
    device: str
    context: int = Field(description="Tokens one conversation can hold.")
    slots: int = Field(description="Answers at the same time.")
    slots_busy: int
    waiting: int
    memory_bytes: int = Field(description="What the load took, measured.")
    progress: float = Field(description="0 to 1 while loading.")
    tokens_per_second: float | None
    default: bool
    error: str | None
    isolated: bool = Field(description="Whether it runs in a process of its own.")

    @staticmethod
    def of(model: LoadedModel) -> LoadedOut:
        return LoadedOut(
            name=model.name, state=model.state.value, file=FileOut.of(model.file), version=model.version, platform=model.platform,
            device=model.device, context=model.context, slots=model.slots, slots_busy=model.slots_busy, waiting=model.waiting,
            memory_bytes=model.memory_bytes, progress=model.progress, tokens_per_second=model.tokens_per_second, default=model.default,
            error=model.error, isolated=model.isolated,
        )  # fmt: skip


class ModelsOut(BaseModel):
    loaded: list[LoadedOut]
    files: list[FileOut] = Field(description="The GGUFs in the models folder, and the built-in one.")
    folder: str


class Load(Asked):
    path: Line = Field(min_length=1, description="A GGUF: a path on the server, or a name in the models folder.")
    context: int | None = Field(default=None, description="Tokens one conversation can hold; left out: chosen from file and memory.")
    slots: int | None = Field(default=None, description="Answers at the same time; left out: chosen.")
    gpu_layers: int | None = Field(default=None, description="-1: all that fit.")
    kv_type: str = Field(default="f16", description="f16, q8_0 or q4_0.")
    threads: int | None = Field(default=None, description="Left out: chosen from the machine.")
    isolated: bool | None = Field(default=None, description="In a process of its own; left out: as PORTAL_ISOLATED says.")
    default: bool = Field(default=False, description="Answer with it when no model is named.")


@router.get("")
def listing(portal: PortalHere, user: SignedIn) -> ModelsOut:
    """What is loaded, loading, draining or failed, and which files there are."""
    return ModelsOut(
        loaded=[LoadedOut.of(each) for each in portal.models.loaded(user)],
        files=[FileOut.of(each) for each in portal.models.files(user)],
        folder=str(portal.models.folder),
    )


@router.post("/load", status_code=202)
def load(body: Load, portal: PortalHere, user: SignedIn) -> LoadedOut:
    """Start loading; follow it in GET /api/v1/models. What runs is not touched."""
    isolated = portal.settings.isolated if body.isolated is None else body.isolated
    settings = LoadSettings(body.context, body.slots, body.gpu_layers, body.kv_type, body.threads, isolated=isolated)
    return LoadedOut.of(portal.models.load(user, portal.models.folder / Path(body.path), settings, default=body.default))


@router.delete("/{name}", status_code=202)
def unload(name: Annotated[Line, InPath()], portal: PortalHere, user: SignedIn) -> None:
    """Let running answers finish, 30 s at most, then free the memory."""
    portal.models.unload(user, name)
