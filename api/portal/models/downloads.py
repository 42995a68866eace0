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
from api.portal.models.catalogue_shapes import CatalogueOut, HubName, KnownOut, PreviewOut, RemoteModelOut, RemoteModelsOut, ReportOut
from api.portal.shapes import Asked, Line
from api.services import PortalHere
from core.errors import InvalidInput
from core.models.catalogue import Hub, Repository
from core.models.report_records import Sample
from core.tasks.records import Job, JobState
from core.transfers.downloads import DOWNLOAD, IMPORT, QUANTIZE

router = APIRouter(prefix="/api/v1/models", tags=["models"])

_KINDS: dict[str, Literal["download", "import", "quantize"]] = {DOWNLOAD: "download", IMPORT: "import", QUANTIZE: "quantize"}
_uploads = anyio.CapacityLimiter(4)
"""Separate threads: a slow disk must not hold up the other routes."""
_PIECE = {"requestBody": {"required": True, "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}}
JobId = Annotated[str, InPath(max_length=64)]


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
    """Report on a model file: its header, what it can do, and known faults with their cures."""
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
    """Resume a paused download where it stopped."""
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
    """Return how many bytes of a file have arrived, so that an upload can resume there."""
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
    """Append a piece of at most 8 MiB, the request body. The last piece moves the file into the models folder."""
    content = await request.body()
    here = await anyio.to_thread.run_sync(portal.uploads.write, user, name, offset, total, content, limiter=_uploads)
    return ReceivedOut(received=here)


def _whole(value: object) -> int:
    return int(value) if isinstance(value, int | float) else 0
