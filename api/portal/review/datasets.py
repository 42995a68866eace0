"""Make datasets for training from rated answers, and read their files."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import StreamingResponse

from api.identity import SignedIn
from api.portal.review.dataset_shapes import (
    BuildOut,
    ChangedDataset,
    DatasetOut,
    DatasetsOut,
    FileName,
    NewDataset,
    PreviewOut,
    SettingsFields,
    Used,
    VersionNumber,
    VersionOut,
)
from api.portal.shapes import Id, at_least_one
from api.services import PortalHere

router = APIRouter(prefix="/api/v1/datasets", tags=["feedback"])


@router.get("")
def listing(portal: PortalHere, user: SignedIn) -> DatasetsOut:
    """List all datasets, the last changed first."""
    return DatasetsOut(items=[DatasetOut.of(each) for each in portal.datasets.list(user)])


@router.post("", status_code=201)
def add(body: NewDataset, portal: PortalHere, user: SignedIn) -> DatasetOut:
    """Define a dataset. Nothing is built yet."""
    made = portal.datasets.add(user, body.name, body.settings.settings())
    return DatasetOut.of(portal.datasets.get(user, made.id))


@router.post("/preview")
def preview(body: SettingsFields, portal: PortalHere, user: SignedIn) -> PreviewOut:
    """Count what a build would give, and show some of its lines."""
    return PreviewOut.of(portal.datasets.preview(user, body.settings()))


@router.get("/{dataset_id}")
def read(dataset_id: Id, portal: PortalHere, user: SignedIn) -> DatasetOut:
    return DatasetOut.of(portal.datasets.get(user, dataset_id))


@router.patch("/{dataset_id}")
def change(dataset_id: Id, body: ChangedDataset, portal: PortalHere, user: SignedIn) -> DatasetOut:
    """Change the name, or the settings of the next versions."""
    at_least_one(name=body.name, settings=body.settings)
    portal.datasets.change(user, dataset_id, body.name, body.settings.settings() if body.settings else None)
    return DatasetOut.of(portal.datasets.get(user, dataset_id))


@router.delete("/{dataset_id}", status_code=204)
def remove(dataset_id: Id, portal: PortalHere, user: SignedIn) -> None:
    """Delete a dataset with all its versions."""
    portal.datasets.remove(user, dataset_id)


@router.post("/{dataset_id}/versions", status_code=202)
def build(dataset_id: Id, portal: PortalHere, user: SignedIn) -> BuildOut:
    """Begin to build the next version."""
    return BuildOut.of(portal.dataset_builds.start(user, dataset_id))


@router.get("/{dataset_id}/versions/{number}")
def version(dataset_id: Id, number: VersionNumber, portal: PortalHere, user: SignedIn) -> VersionOut:
    return VersionOut.of(portal.datasets.version(user, dataset_id, number))


@router.patch("/{dataset_id}/versions/{number}")
def note_use(dataset_id: Id, number: VersionNumber, body: Used, portal: PortalHere, user: SignedIn) -> VersionOut:
    """Note what was trained with a version, which then cannot be deleted."""
    return VersionOut.of(portal.datasets.note_use(user, dataset_id, number, body.used_by))


@router.delete("/{dataset_id}/versions/{number}", status_code=204)
def remove_version(dataset_id: Id, number: VersionNumber, portal: PortalHere, user: SignedIn) -> None:
    """Delete a version with its files."""
    portal.datasets.remove_version(user, dataset_id, number)


@router.get(
    "/{dataset_id}/versions/{number}/files/{name}", response_class=StreamingResponse,
    responses={200: {"content": {"application/jsonl": {}, "application/json": {}}}},
)  # fmt: skip
def download(dataset_id: Id, number: VersionNumber, name: FileName, portal: PortalHere, user: SignedIn) -> StreamingResponse:
    """Download a file of a version."""
    content = portal.datasets.download(user, dataset_id, number, name)
    kind = "application/jsonl" if name.endswith(".jsonl") else "application/json"
    return StreamingResponse(content, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})
