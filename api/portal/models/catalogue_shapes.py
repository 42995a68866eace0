"""Define known models, reports on files and the files of repositories as JSON."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from bootstrap.portal import Portal
from core.models.catalogue import CatalogueEntry, RemoteModel
from core.models.report_records import FileReport
from core.people.records import User

HubName = Literal["huggingface", "modelscope"]


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
