"""Serve the catalogue, and bring models to this server: downloads from hubs and imports from its folders. For admins."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import anyio
import anyio.to_thread
from fastapi import APIRouter, Query, Request
from fastapi import Path as InPath
from pydantic import BaseModel, Field

from api.identity import SignedIn
from api.portal.shapes import Asked, Line
from api.services import PortalHere
from bootstrap.portal import Portal
from core.errors import InvalidInput
from core.models.catalogue import CatalogueEntry, Hub, RemoteModel, Repository
from core.models.report_records import FileReport, Sample
from core.people.records import User
from core.tasks.records import Job, JobState
from core.transfers.downloads import DOWNLOAD, IMPORT, QUANTIZE

router = APIRouter(prefix="/api/v1/models", tags=["models"])

HubName = Literal["huggingface", "modelscope"]
_KINDS: dict[str, Literal["download", "import", "quantize"]] = {DOWNLOAD: "download", IMPORT: "import", QUANTIZE: "quantize"}
_uploads = anyio.CapacityLimiter(4)
"""Separate threads: a slow disk must not hold up the other routes."""
_PIECE = {"requestBody": {"required": True, "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}}
JobId = Annotated[str, InPath(max_length=64)]


class SamplingOut(BaseModel):
    temperature: float | None
    top_p: float | None
    top_k: int | None
    min_p: float | None
    repeat_penalty: float | None


class RepositoryOut(BaseModel):
    hub: HubName
    name: str


class QuantizationOut(BaseModel):
    name: str
    size_bytes: int
    estimated: bool = Field(description="Whether the size is computed from parameters and bits per weight.")
    fits: bool = Field(description="Whether the memory plan for this machine fits now.")
    needed_bytes: int
    slots: int = Field(description="Concurrent answers of the plan.")
    context: int = Field(description="Tokens per conversation of the plan.")


class KnownOut(BaseModel):
    id: str
    title: str
    kind: Literal["chat", "embedding", "reranking", "detection"]
    architecture: str
    parameters: int
    active_parameters: int
    layers: int
    heads: int
    context: int
    licence: str
    capabilities: list[Literal["thinking", "tools", "vision"]]
    sampling: dict[str, SamplingOut] = Field(description="Recommended sampling by task.")
    repositories: list[RepositoryOut]
    quantizations: list[QuantizationOut]
    trouble: list[str]
    checked: Literal["header", "card", "reports"] = Field(description="How these facts were checked.")

    @staticmethod
    def of(portal: Portal, user: User, entry: CatalogueEntry) -> KnownOut:
        return KnownOut(
            id=entry.id, title=entry.title, kind=entry.kind.value, architecture=entry.architecture, parameters=entry.parameters,
            active_parameters=entry.active_parameters, layers=entry.layers, heads=entry.heads, context=entry.context,
            licence=entry.licence, capabilities=[each.value for each in sorted(entry.capabilities)],
            sampling={
                task: SamplingOut(
                    temperature=each.temperature, top_p=each.top_p, top_k=each.top_k, min_p=each.min_p,
                    repeat_penalty=each.repeat_penalty,
                )
                for task, each in entry.sampling.items()
            },
            repositories=[RepositoryOut(hub=each.hub.value, name=each.name) for each in entry.repositories],
            quantizations=[
                QuantizationOut(
                    name=offer.quantization.name, size_bytes=offer.quantization.size_bytes, estimated=offer.quantization.estimated,
                    fits=offer.plan.fits, needed_bytes=offer.plan.needed_bytes, slots=offer.plan.slots, context=offer.plan.context,
                )
                for offer in portal.downloads.offers(user, entry)
            ],
            trouble=list(entry.trouble.get("en", ())), checked=entry.checked.value,
        )  # fmt: skip


class TensorsOut(BaseModel):
    type: str
    tensors: int
    size_bytes: int


class WarningOut(BaseModel):
    warning: str
    cure: str


class ReportOut(BaseModel):
    path: str
    title: str
    parts: int
    header: dict[str, str]
    tensors: list[TensorsOut] = Field(description="By type, largest first.")
    tokenizer: dict[str, str]
    template: str | None
    capabilities: list[Literal["thinking", "tools", "vision"]]
    known_as: str | None = Field(description="The id of the model in the catalogue.")
    differences: list[str] = Field(description="Where the file and the catalogue disagree.")
    warnings: list[WarningOut]

    @staticmethod
    def of(report: FileReport) -> ReportOut:
        found = report.found
        return ReportOut(
            path=str(found.file.path), title=found.title, parts=found.parts, header=dict(found.metadata),
            tensors=[TensorsOut(type=each.type, tensors=each.tensors, size_bytes=each.size_bytes) for each in found.tensors],
            tokenizer=dict(found.tokenizer), template=found.template,
            capabilities=[each.value for each in sorted(found.capabilities)], known_as=report.entry.id if report.entry else None,
            differences=[str(each) for each in report.differences],
            warnings=[WarningOut(warning=str(warning), cure=str(cure)) for warning, cure in found.warnings],
        )  # fmt: skip


class PreviewOut(BaseModel):
    prompt: str


class CatalogueOut(BaseModel):
    items: list[KnownOut]
    offline: bool


class RemoteFileOut(BaseModel):
    name: str
    size_bytes: int
    sha256: str | None


class RemoteModelOut(BaseModel):
    name: str
    size_bytes: int
    files: list[RemoteFileOut] = Field(description="More than one for a split model.")
    error: str | None = Field(description="Why it cannot be imported.")

    @staticmethod
    def of(model: RemoteModel, error: str | None = None) -> RemoteModelOut:
        files = [RemoteFileOut(name=each.name, size_bytes=each.size_bytes, sha256=each.sha256) for each in model.files]
        return RemoteModelOut(name=model.name, size_bytes=model.size_bytes, files=files, error=error)


class RemoteModelsOut(BaseModel):
    items: list[RemoteModelOut]


class TransferOut(BaseModel):
    id: str = Field(description="The ID of the job.")
    name: str
    kind: Literal["download", "import", "quantize"]
    state: Literal["waiting", "running", "paused", "done", "failed", "cancelled"]
    progress: float = Field(description="0 to 1.")
    step: str = Field(description="download, verify, copy or quantize; empty before it begins.")
    done_bytes: int
    total_bytes: int
    bytes_per_second: int
    path: str | None = Field(description="Where the model is once it is done.")
    sha256: dict[str, str] = Field(description="Of each file that was copied or made here, once it is done.")
    error: str | None
    created_at: datetime

    @staticmethod
    def of(job: Job) -> TransferOut:
        detail, hashes = job.detail, job.result.get("sha256")
        return TransferOut(
            id=job.id, name=str(job.payload["name"]), kind=_KINDS[job.kind],
            state="paused" if job.paused else job.state.value, progress=round(job.progress, 4), step=str(detail.get("step", "")),
            done_bytes=_whole(detail.get("done_bytes")), total_bytes=_whole(detail.get("total_bytes", job.payload.get("size_bytes"))),
            bytes_per_second=_whole(detail.get("bytes_per_second")), path=str(job.result["path"]) if "path" in job.result else None,
            sha256={name: str(each) for name, each in hashes.items()} if isinstance(hashes, Mapping) else {},
            error=str(job.error) if job.error and job.state is not JobState.DONE else None, created_at=job.created_at,
        )  # fmt: skip


class TransfersOut(BaseModel):
    items: list[TransferOut]


class ReceivedOut(BaseModel):
    received: int = Field(description="Bytes that are here; all of them once the upload is complete.")


class Download(Asked):
    model: Line | None = Field(default=None, description="A model of the catalogue: its id or title.")
    quantization: Line | None = Field(default=None, description="For example Q8_0. Default: Q4_K_M, else the smallest listed.")
    hub: HubName = "huggingface"
    repository: Line | None = Field(default=None, description="owner/name of a repository that is not in the catalogue.")
    file: Line | None = Field(default=None, description="A model or file of that repository.")


class Import(Asked):
    folder: Line = Field(min_length=1, description="An absolute path on the server: a folder, or a GGUF file.")
    name: Line = Field(min_length=1, description="A model in it, as listed.")


@router.get("/catalogue")
def catalogue(portal: PortalHere, user: SignedIn) -> CatalogueOut:
    """List the known models, with what fits this machine now."""
    items = [KnownOut.of(portal, user, entry) for entry in portal.downloads.catalogue(user)]
    return CatalogueOut(items=items, offline=portal.downloads.offline)


@router.get("/report")
def report(
    portal: PortalHere, user: SignedIn, path: Annotated[Line, Query(description="A name in the models folder or a path on the server.")]
) -> ReportOut:
    """Judge a model file: its header, what it can do, and known faults with their cures."""
    return ReportOut.of(portal.file_reports.of(user, portal.models.folder / Path(path)))


@router.get("/report/template")
def preview(
    portal: PortalHere,
    user: SignedIn,
    path: Annotated[Line, Query(description="A name in the models folder or a path on the server.")],
    sample: Sample = Sample.THINKING,
) -> PreviewOut:
    """Render a file's chat template on a sample chat."""
    return PreviewOut(prompt=portal.file_reports.preview(user, portal.models.folder / Path(path), sample))


@router.get("/repository")
def repository(
    portal: PortalHere, user: SignedIn, name: Annotated[Line, Query(description="owner/name")], hub: HubName = "huggingface"
) -> RemoteModelsOut:
    """List the GGUF models of a repository on a hub."""
    return RemoteModelsOut(items=[RemoteModelOut.of(each) for each in portal.downloads.models(user, Repository(Hub(hub), name))])


@router.get("/downloads")
def transfers(portal: PortalHere, user: SignedIn) -> TransfersOut:
    """List downloads, imports and quantizations that wait, run, are paused or failed, newest first."""
    return TransfersOut(items=[TransferOut.of(job) for job in portal.downloads.transfers(user)])


@router.post("/downloads", status_code=202)
def download(body: Download, portal: PortalHere, user: SignedIn) -> TransferOut:
    """Start a download; follow it with GET /api/v1/models/downloads or GET /api/v1/jobs/{id}."""
    if body.repository is not None and body.file is not None and body.model is None:
        job = portal.downloads.get_file(user, Repository(Hub(body.hub), body.repository), body.file)
    elif body.model is not None and body.repository is None and body.file is None:
        job = portal.downloads.get(user, body.model, body.quantization, Hub(body.hub))
    else:
        raise InvalidInput("Send model, or repository and file.")
    return TransferOut.of(job)


@router.post("/downloads/{job_id}/pause")
def pause(job_id: JobId, portal: PortalHere, user: SignedIn) -> TransferOut:
    """Pause a download. What has arrived is kept."""
    return TransferOut.of(portal.downloads.pause(user, job_id))


@router.post("/downloads/{job_id}/resume")
def resume(job_id: JobId, portal: PortalHere, user: SignedIn) -> TransferOut:
    """Go on with a paused download where it stopped."""
    return TransferOut.of(portal.downloads.resume(user, job_id))


@router.post("/downloads/{job_id}/cancel")
def cancel(job_id: JobId, portal: PortalHere, user: SignedIn) -> TransferOut:
    """Stop a download and delete what has arrived."""
    return TransferOut.of(portal.downloads.cancel(user, job_id))


@router.get("/imports")
def importable(
    portal: PortalHere, user: SignedIn, folder: Annotated[Line, Query(description="An absolute path on the server.")]
) -> RemoteModelsOut:
    """List the models in a folder of the server."""
    found = portal.imports.models(user, Path(folder))
    return RemoteModelsOut(items=[RemoteModelOut.of(each.model, str(each.error) if each.error else None) for each in found])


@router.post("/imports", status_code=202)
def import_model(body: Import, portal: PortalHere, user: SignedIn) -> TransferOut:
    """Start copying a model into the models folder."""
    return TransferOut.of(portal.imports.start(user, Path(body.folder), body.name))


@router.get("/upload")
def received(
    portal: PortalHere, user: SignedIn, name: Annotated[Line, Query(description="With its extension.")], total: Annotated[int, Query(ge=1)]
) -> ReceivedOut:
    """Return how much of a file is here, so that an upload goes on where it stopped."""
    return ReceivedOut(received=portal.uploads.received(user, name, total))


@router.put("/upload", openapi_extra=_PIECE)
async def upload(
    request: Request,
    portal: PortalHere,
    user: SignedIn,
    name: Annotated[Line, Query(description="With its extension.")],
    offset: Annotated[int, Query(ge=0, description="Where the piece begins.")],
    total: Annotated[int, Query(ge=1, description="Size of the whole file.")],
) -> ReceivedOut:
    """Append a piece of at most 8 MiB, the request body. The last one puts the file into the models folder."""
    content = await request.body()
    here = await anyio.to_thread.run_sync(portal.uploads.write, user, name, offset, total, content, limiter=_uploads)
    return ReceivedOut(received=here)


def _whole(value: object) -> int:
    return int(value) if isinstance(value, int | float) else 0
