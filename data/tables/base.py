"""Define what all tables share: names of constraints, and column types of Python types."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, Boolean, Float, Integer, MetaData
from sqlalchemy.orm import DeclarativeBase

from core.arena.records import Choice as ArenaChoice
from core.arena.records import VoteTask
from core.chat.records import Author, MessageStatus
from core.comparing.records import VoteChoice
from core.documents.records import DocumentState
from core.grounding.records import ItemState
from core.inference.records import FinishReason, Source
from core.models.swaps.records import SwapState
from core.people.records import ProofPurpose, Role, SessionKind
from core.platforms.records import EditedBy
from core.programs.records import BatchStatus, FilePurpose
from core.review.cases.records import CaseState, Judging
from core.review.judging.records import Seat
from core.review.records import ReviewState
from core.tasks.records import JobState
from data.columns import Choice, DayText, UtcDateTime

NUMBER = BigInteger().with_variant(Integer, "sqlite")
"""The type of a key that numbers its rows. SQLite numbers rows only in a column declared INTEGER."""


class Table(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime,
        date: DayText,
        Role: Choice(Role),
        SessionKind: Choice(SessionKind),
        ProofPurpose: Choice(ProofPurpose),
        Author: Choice(Author),
        MessageStatus: Choice(MessageStatus),
        FinishReason: Choice(FinishReason),
        Source: Choice(Source),
        ReviewState: Choice(ReviewState),
        CaseState: Choice(CaseState),
        Judging: Choice(Judging),
        Seat: Choice(Seat),
        JobState: Choice(JobState),
        SwapState: Choice(SwapState),
        VoteChoice: Choice(VoteChoice),
        ArenaChoice: Choice(ArenaChoice),
        VoteTask: Choice(VoteTask),
        EditedBy: Choice(EditedBy),
        FilePurpose: Choice(FilePurpose),
        BatchStatus: Choice(BatchStatus),
        ItemState: Choice(ItemState),
        DocumentState: Choice(DocumentState),
        dict[str, Any]: JSON,
        bool: Boolean(create_constraint=False),
        float: Float(53),
    }
