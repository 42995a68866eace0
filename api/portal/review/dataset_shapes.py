"""Define the JSON of datasets."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import Path
from pydantic import BaseModel, Field

from api.portal.review.case_shapes import CaseStateWord, Sent
from api.portal.shapes import Asked, Line
from core.review.cases.records import CaseState
from core.review.datasets.datasets import DatasetInfo, Preview, VersionInfo
from core.review.datasets.records import DatasetSettings, Format, Layout, PersonalData, Report, Source
from core.tasks.records import Job

FormatWord = Literal["sft", "dpo", "kto"]
SourceWord = Literal["accepted", "corrected", "good", "poor", "opposite", "votes"]
VersionNumber = Annotated[int, Path(ge=1, le=999_999_999, description="The number of a version.")]
FileName = Annotated[str, Path(max_length=64, description="The name of a file of the version.")]


class SettingsFields(Asked):
    """What a dataset is made of."""

    format: FormatWord
    sources: list[SourceWord] = Field(
        max_length=6,
        description="sft: accepted, corrected, good, votes. dpo: corrected, opposite, votes. kto: good, poor, corrected, votes.",
    )
    layout: Literal["trl", "llama_factory"] = "trl"
    states: list[CaseStateWord] = Field(default_factory=list, max_length=7, description="Only cases in these states; empty: all.")
    group: Line | None = None
    model: Line | None = None
    tag: Line | None = None
    since: Sent | None = None
    until: Sent | None = None
    personal_data: Literal["mask", "leave_out"] = "mask"
    near_duplicates: bool = Field(default=True, description="Whether to remove nearly equal examples; equal ones always are.")
    min_characters: int = Field(default=1, description="Least length of an answer.")
    max_characters: int = Field(default=32_000, description="Most characters of a line's texts together.")
    tag_limit: int | None = Field(default=None, description="Most lines of each tag.")
    context: bool = Field(default=True, description="Whether to keep the earlier turns of the conversation.")
    instructions: bool = Field(default=False, description="Whether to keep the instructions that the model read, as a system message.")
    tools: bool = Field(default=False, description="Whether to keep calls of tools and their results.")

    def settings(self) -> DatasetSettings:
        """Return the settings. Raises InvalidInput."""
        return DatasetSettings(
            format=Format(self.format), sources=tuple(Source(each) for each in dict.fromkeys(self.sources)), layout=Layout(self.layout),
            states=tuple(CaseState(each) for each in dict.fromkeys(self.states)), group=self.group, model=self.model, tag=self.tag,
            since=self.since, until=self.until, personal_data=PersonalData(self.personal_data), near_duplicates=self.near_duplicates,
            min_characters=self.min_characters, max_characters=self.max_characters, tag_limit=self.tag_limit, context=self.context,
            instructions=self.instructions, tools=self.tools,
        )  # fmt: skip

    @staticmethod
    def of(settings: DatasetSettings) -> SettingsFields:
        return SettingsFields(
            format=settings.format.value, sources=[each.value for each in settings.sources], layout=settings.layout.value,
            states=[each.value for each in settings.states], group=settings.group, model=settings.model, tag=settings.tag,
            since=settings.since, until=settings.until, personal_data=settings.personal_data.value,
            near_duplicates=settings.near_duplicates, min_characters=settings.min_characters, max_characters=settings.max_characters,
            tag_limit=settings.tag_limit, context=settings.context, instructions=settings.instructions, tools=settings.tools,
        )  # fmt: skip


class NewDataset(Asked):
    name: Line
    settings: SettingsFields


class ChangedDataset(Asked):
    name: Line | None = None
    settings: SettingsFields | None = Field(default=None, description="For the next versions.")


class Used(Asked):
    used_by: Line = Field(description="What was trained with it; empty removes the note.")


class ReportOut(BaseModel):
    found: int = Field(description="Examples that the filters and sources match.")
    left_out: dict[str, int] = Field(description="How many were left out, by reason.")
    train: int
    holdout: int
    holdout_percent: int
    people: int
    masked: int = Field(description="Lines in which personal data was masked.")
    by_tag: dict[str, int]
    by_source: dict[str, int]
    by_model: dict[str, int]

    @staticmethod
    def of(report: Report) -> ReportOut:
        return ReportOut(
            found=report.found, left_out={reason.value: number for reason, number in report.left_out.items()}, train=report.train,
            holdout=report.holdout, holdout_percent=report.holdout_percent, people=report.people, masked=report.masked,
            by_tag=dict(report.by_tag), by_source=dict(report.by_source), by_model=dict(report.by_model),
        )  # fmt: skip


class PreviewOut(BaseModel):
    report: ReportOut
    examples: list[str] = Field(description="Some of the lines.")
    read: int = Field(description="How many of the newest ratings were counted.")
    total: int = Field(description="How many ratings there are to read.")

    @staticmethod
    def of(preview: Preview) -> PreviewOut:
        return PreviewOut(report=ReportOut.of(preview.report), examples=list(preview.examples), read=preview.read, total=preview.total)


class FileOut(BaseModel):
    name: str
    lines: int
    size_bytes: int
    sha256: str


class VersionOut(BaseModel):
    number: int
    built_at: datetime
    built_by: str
    settings: SettingsFields
    report: ReportOut
    files: list[FileOut]
    gone: int = Field(description="Lines whose chat, rating or consent was withdrawn since. Build a new version without them.")
    used_by: str
    due_at: datetime | None = Field(description="From when on a retention rule deletes it; null if none does, or if it is used.")

    @staticmethod
    def of(info: VersionInfo) -> VersionOut:
        version = info.version
        return VersionOut(
            number=version.number, built_at=version.built_at, built_by=info.built_by, settings=SettingsFields.of(version.settings),
            report=ReportOut.of(version.report), gone=info.gone, used_by=version.used_by, due_at=info.due_at,
            files=[FileOut(name=each.name, lines=each.lines, size_bytes=each.size_bytes, sha256=each.sha256) for each in version.files],
        )  # fmt: skip


class BuildOut(BaseModel):
    id: str = Field(description="The id of the job.")
    state: str
    progress: float
    error: str | None

    @staticmethod
    def of(job: Job) -> BuildOut:
        return BuildOut(id=job.id, state=job.state.value, progress=job.progress, error=str(job.error) if job.error else None)


class DatasetOut(BaseModel):
    id: str
    name: str
    settings: SettingsFields
    created_at: datetime
    created_by: str
    updated_at: datetime
    versions: list[VersionOut] = Field(description="The newest first.")
    build: BuildOut | None = Field(description="The last build, unless it gave a version.")

    @staticmethod
    def of(info: DatasetInfo) -> DatasetOut:
        dataset = info.dataset
        return DatasetOut(
            id=dataset.id, name=dataset.name, settings=SettingsFields.of(dataset.settings), created_at=dataset.created_at,
            created_by=info.created_by, updated_at=dataset.updated_at, versions=[VersionOut.of(each) for each in info.versions],
            build=BuildOut.of(info.job) if info.job else None,
        )  # fmt: skip


class DatasetsOut(BaseModel):
    items: list[DatasetOut]
