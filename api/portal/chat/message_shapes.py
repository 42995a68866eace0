"""Define conversations, messages and what an answer took and read, as JSON."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from api.answering.timings import TimingsOut
from api.portal.shapes import FileOut
from core.chat.context.records import AnswerContext
from core.chat.conversations import Shown
from core.chat.records import Conversation, Message
from core.chat.tools.records import ToolStep
from core.documents.records import Source
from core.inference.records import Generation, Routing


class ConversationOut(BaseModel):
    id: str
    title: str = Field(description="Empty until the first question sets it.")
    folder_id: str | None = Field(description="null if it is in no folder.")
    pinned: bool
    archived: bool
    unread: bool = Field(description="An answer ended that has not been opened yet.")
    instructions: bool = Field(description="Whether the person's and the group's instructions apply.")
    memory: bool = Field(description="Whether the person's memories are read in it and proposed from it.")
    tools_off: list[str] = Field(description="Names of the tools that are switched off for it.")
    tools_allowed: list[str] = Field(description="Names of the tools that may change something in it without asking each time.")
    created_at: datetime
    updated_at: datetime

    @staticmethod
    def of(conversation: Conversation) -> ConversationOut:
        return ConversationOut(
            id=conversation.id, title=conversation.title, folder_id=conversation.folder_id,
            pinned=conversation.pinned_at is not None, archived=conversation.archived_at is not None, unread=conversation.unread,
            instructions=conversation.uses_instructions, memory=conversation.uses_memory,
            tools_off=list(conversation.tools_off), tools_allowed=list(conversation.tools_allowed),
            created_at=conversation.created_at, updated_at=conversation.updated_at,
        )  # fmt: skip


class RoutedOut(BaseModel):
    place: str = Field(description="Model and platform, as in glm@gateway.")
    left_out: list[str] = Field(description="Why the platforms before it did not answer.")
    dropped: list[str] = Field(description="Parameters that the platform does not take.")
    estimated: bool = Field(description="Whether the tokens are estimates.")
    cost: float | None = Field(description="By the platform's price.")
    currency: str

    @staticmethod
    def of(routing: Routing) -> RoutedOut:
        return RoutedOut(
            place=routing.target, left_out=[str(each) for each in routing.left_out], dropped=list(routing.dropped),
            estimated=routing.estimated, cost=routing.cost, currency=routing.currency,
        )  # fmt: skip


class GenerationOut(TimingsOut):
    model: str
    model_version: str = Field(description="The fingerprint of the GGUF file.")
    platform: str
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = Field(description="Prompt tokens whose KV cache was reused; included in prompt_tokens.")
    finish_reason: Literal["stop", "length", "cancelled", "error"]
    routed: RoutedOut | None = Field(description="Why it was answered where it was; null if no platforms were configured.")
    cached_at: datetime | None = Field(description="When the answer was first written, if the result cache gave it: it took no tokens.")
    error: str | None = Field(description="Why there is no answer, or what is wrong with it, for example that it repeated itself.")

    @staticmethod
    def row(row: Generation) -> GenerationOut:
        return GenerationOut(
            **asdict(row.timings),
            model=row.model, model_version=row.model_version, platform=row.platform,
            prompt_tokens=row.usage.prompt_tokens, completion_tokens=row.usage.completion_tokens, cached_tokens=row.usage.cached_tokens,
            finish_reason=row.finish_reason.value, error=str(row.error) if row.error else None,
            routed=RoutedOut.of(row.routing) if row.routing else None, cached_at=row.cached_at,
        )  # fmt: skip


class AppliedOut(BaseModel):
    holder: Literal["person", "group"]
    group: str | None = Field(description="The name of the group; null for the person's own.")
    updated_at: datetime = Field(description="Which state of them it was.")


class PartsOut(BaseModel):
    name: str
    lines: int = Field(description="Lines of the whole file.")
    read: list[list[int]] = Field(description="First and last line of each part, from 1.")


class RememberedOut(BaseModel):
    id: str
    updated_at: datetime = Field(description="Which state of it was read.")


class SourceOut(BaseModel):
    """A passage that was given to the model."""

    number: int = Field(description="As the answer cites it, from 1.")
    document_id: str
    document: str
    collection: str
    page: int | None = Field(description="null if the document has no pages.")
    first_line: int
    last_line: int
    heading: str
    start: int = Field(description="Offsets in the document's text.")
    end: int
    score: float

    @staticmethod
    def of(number: int, source: Source) -> SourceOut:
        return SourceOut(
            number=number, document_id=source.document_id, document=source.document, collection=source.collection,
            page=source.page or None, first_line=source.first_line, last_line=source.last_line, heading=source.heading,
            start=source.start, end=source.end, score=round(source.score, 3),
        )  # fmt: skip


class ContextOut(BaseModel):
    """What the model read for an answer besides the shown messages."""

    instructions: list[AppliedOut]
    memories: list[RememberedOut] = Field(description="What was remembered about the person; /api/v1/memories has the texts.")
    summarized: int = Field(description="Turns 1 to this one were read as a summary; 0: none.")
    left_out: list[int] = Field(description="Numbers of the turns that were not read at all.")
    parts: list[PartsOut] = Field(description="Files of which parts were read.")
    searched: list[str] = Field(description="The names of the collections of documents that were searched.")
    sources: list[SourceOut] = Field(description="The passages that were read; the answer cites them by their number.")

    @staticmethod
    def of(context: AnswerContext) -> ContextOut:
        applied = [
            AppliedOut(holder=each.holder.value, group=each.subject if each.holder == "group" else None, updated_at=each.updated_at)
            for each in context.instructions
        ]
        parts = [PartsOut(name=each.name, lines=each.lines, read=[list(lines) for lines in each.read]) for each in context.parts]
        memories = [RememberedOut(id=each.id, updated_at=each.updated_at) for each in context.memories]
        return ContextOut(
            instructions=applied, memories=memories, summarized=context.summarized, left_out=list(context.left_out), parts=parts,
            searched=[each.name for each in context.searched],
            sources=[SourceOut.of(n, each) for n, each in enumerate(context.sources, start=1)],
        )  # fmt: skip


class StepOut(BaseModel):
    """A tool that the model called while it wrote an answer."""

    id: str
    name: str
    title: str
    arguments: str = Field(description="A JSON object as text, as the model wrote it.")
    result: str = Field(description="What the model read; empty while it runs, and if it failed.")
    cut: bool = Field(description="Whether the model read only the beginning of the result.")
    error: str | None = Field(description="Why it gave no result.")
    seconds: float | None = Field(description="How long it took; null while it runs, or if the portal stopped meanwhile.")
    approval: Literal["waiting", "allowed", "refused"] | None = Field(
        description="Whether the person agreed; null for a tool that only reads. waiting: decide with /api/v1/messages/{message_id}/decide."
    )
    round: int = Field(description="1 for the calls of the model's first text, 2 for those of the next one.")

    @staticmethod
    def of(step: ToolStep) -> StepOut:
        return StepOut(
            id=step.id, name=step.name, title=step.title, arguments=step.arguments, result=step.result, cut=step.cut,
            error=str(step.error) if step.error else None, seconds=step.seconds, round=step.round,
            approval=step.approval.value if step.approval else None,
        )  # fmt: skip


class MessageOut(BaseModel):
    id: str
    conversation_id: str
    parent_id: str | None = Field(description="The message before this one.")
    author: Literal["user", "assistant"]
    text: str
    reasoning: str
    status: Literal["streaming", "done", "stopped", "failed", "interrupted"]
    error: str | None
    created_at: datetime
    generation: GenerationOut | None
    pinned: bool = Field(description="Whether the model always reads this turn whole.")
    context: ContextOut | None = Field(description="What the answer was given to read beside the shown messages; null if nothing.")
    rating: int | None
    comment: str
    files: list[FileOut]
    steps: list[StepOut] = Field(description="The tools that the model called for this answer, in order.")

    @staticmethod
    def of(message: Message) -> MessageOut:
        return MessageOut(**_message_fields(message))  # type: ignore[arg-type]


class ShownOut(MessageOut):
    """A message of the transcript, with the position among its versions."""

    version: int = Field(description="1 is the oldest.")
    versions: list[str] = Field(description="Ids of all versions, oldest first.")

    @staticmethod
    def shown(shown: Shown) -> ShownOut:
        return ShownOut(**_message_fields(shown.message), version=shown.version, versions=list(shown.versions))  # type: ignore[arg-type]


def _message_fields(message: Message) -> dict[str, object]:
    return {
        "id": message.id,
        "conversation_id": message.conversation_id,
        "parent_id": message.parent_id,
        "author": message.author.value,
        "text": message.text,
        "reasoning": message.reasoning,
        "status": message.status.value,
        "error": str(message.error) if message.error else None,
        "created_at": message.created_at,
        "generation": message.generation and GenerationOut.row(message.generation),
        "pinned": message.pinned,
        "context": message.context and ContextOut.of(message.context),
        "rating": message.rating,
        "comment": message.comment,
        "files": [FileOut.of(file) for file in message.files],
        "steps": [StepOut.of(step) for step in message.steps],
    }
