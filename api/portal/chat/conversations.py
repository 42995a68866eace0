"""Serve a person's own conversations, messages and turns."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import uuid4

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.answering.starting import begun
from api.answering.streams import Cutoff, unless_cut
from api.identity import SignedIn, TokenHere
from api.portal.chat.message_shapes import ConversationOut, ShownOut
from api.portal.chat.turn_stream import TurnOut, Watch
from api.portal.download import download
from api.portal.shapes import Asked, FileId, FolderId, Id, Line, MessageId, Moment, Sampling, ToolName, at_least_one
from api.services import Portal, PortalHere
from core.chat.conversations import MAX_AT_ONCE, MAX_TOOLS_OFF, UNTITLED
from core.chat.exports.exports import MAX_CHATS
from core.chat.ports import NO_FOLDER
from core.chat.records import Turn
from core.chat.turn_runner import TurnOptions
from core.documents.records import MAX_CHOSEN
from core.errors import InvalidInput
from core.inference.records import Source
from core.people.records import User

router = APIRouter(prefix="/api/v1", tags=["conversations"])

STREAMED: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {}}, "description": "The stored turn, or server-sent events with stream true."}
}


class Begun(Asked):
    title: Line = Field(default=UNTITLED, description="Default: the first question names the conversation.")
    folder_id: FolderId | None = Field(default=None, description="The folder of the conversation.")
    instructions: bool = Field(default=True, description="Whether the person's and the group's instructions apply.")
    memory: bool = Field(default=True, description="Whether the person's memories are read in it and proposed from it.")
    tools_off: list[ToolName] = Field(default_factory=list, max_length=MAX_TOOLS_OFF, description="Tools to switch off for it.")


class Changed(Asked):
    title: Line | None = None
    folder_id: FolderId | Literal[""] | None = Field(default=None, description="Empty removes it from its folder.")
    pinned: bool | None = None
    archived: bool | None = Field(default=None, description="An archived conversation is listed apart, and no longer pinned.")
    unread: bool | None = None
    instructions: bool | None = Field(default=None, description="Whether the person's and the group's instructions apply.")
    memory: bool | None = Field(default=None, description="Whether the person's memories are read in it and proposed from it.")
    tools_off: list[ToolName] | None = Field(
        default=None, max_length=MAX_TOOLS_OFF, description="The tools that are switched off for it; all others are on."
    )
    tools_allowed: list[ToolName] | None = Field(
        default=None, max_length=MAX_TOOLS_OFF, description="The tools that may change something in it without asking; all others ask."
    )


class Several(Asked):
    ids: list[FolderId] = Field(min_length=1, max_length=MAX_AT_ONCE, description="The conversations.")


class Deleted(BaseModel):
    deleted: int


class ConversationsOut(BaseModel):
    items: list[ConversationOut]
    next_before: datetime | None = Field(description="Send it as before to get the next page; null at the end.")


class MessagesOut(BaseModel):
    items: list[ShownOut] = Field(description="The shown version of every message, first to last.")


class Stopped(BaseModel):
    stopped: bool = Field(description="False if no answer was running.")


class Regenerate(Sampling):
    """Options for the new answer; all are optional."""

    request_id: str = Field(default_factory=lambda: uuid4().hex, description=(
        "Sending the same id again returns the same turn. Default: a new id."
    ))
    stream: bool = Field(default=False, description="Return server-sent events instead of waiting for the end.")
    model: Line | None = Field(default=None, description="A name from /v1/models. Default: the default model.")
    thinking: bool = Field(default=True, description="Whether a model that can think does so before it answers.")
    tools_off: list[ToolName] = Field(default_factory=list, max_length=MAX_TOOLS_OFF, description=(
        "Tools that the model may not call for this answer, besides those that are switched off for the conversation."
    ))

    collections: list[FolderId] = Field(default_factory=list, max_length=MAX_CHOSEN, description=(
        "Collections whose passages the model reads with the question; the answer cites them as [1]."
    ))

    def options(self) -> TurnOptions:
        return TurnOptions(
            model=self.model, thinking=self.thinking, params=self.params(), tools_off=tuple(self.tools_off),
            collections=tuple(self.collections),
        )  # fmt: skip


class Question(Regenerate):
    text: str = Field(description="The question. May be empty if files are attached.")
    files: list[FileId] = Field(default_factory=list, max_length=100, description="Ids of uploaded files, in the order they are read.")


class AskedQuestion(Question):
    replaces_id: MessageId | None = Field(default=None, description=(
        "A question of this conversation. This one becomes another version of it and has its files."
    ))


@router.get("/conversations")
def listing(
    portal: PortalHere,
    user: SignedIn,
    q: Annotated[Line, Query(description="Only conversations with all these words in title or messages, best first.")] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    before: Annotated[Moment | None, Query(description="next_before of the previous page.")] = None,
    folder: Annotated[FolderId | Literal["none"] | None, Query(description=(
        "Only conversations in this folder, or in none. Not with q."
    ))] = None,
    archived: Annotated[bool, Query(description="List archived conversations instead of the others. Not with q.")] = False,
    pinned: Annotated[bool | None, Query(description="Only pinned conversations, or only the others. Not with q.")] = None,
) -> ConversationsOut:
    """List your conversations, last changed first."""
    if q.strip() and folder is not None:
        raise InvalidInput("Use q or folder_id, not both. /api/v1/search finds words in a folder.")
    if q.strip():
        return ConversationsOut(items=[ConversationOut.of(each) for each in portal.conversations.find(user, q, limit)], next_before=None)
    found = portal.conversations.list(user, limit, before, NO_FOLDER if folder == "none" else folder, archived=archived, pinned=pinned)
    return ConversationsOut(
        items=[ConversationOut.of(each) for each in found], next_before=found[-1].updated_at if len(found) == limit else None
    )


@router.post("/conversations", status_code=201)
def create(portal: PortalHere, user: SignedIn, body: Begun | None = None) -> ConversationOut:
    body = body or Begun()
    made = portal.conversations.new(
        user, body.title, body.folder_id, uses_instructions=body.instructions, uses_memory=body.memory,
        tools_off=body.tools_off,
    )  # fmt: skip
    return ConversationOut.of(made)


class ExportFormatOut(BaseModel):
    name: str
    title: str


class ExportFormatsOut(BaseModel):
    items: list[ExportFormatOut]


@router.get("/conversations/export-formats")
def export_formats(portal: PortalHere, user: SignedIn) -> ExportFormatsOut:
    """List the formats of exports: the portal's own, and those of plugins that are on for this person."""
    return ExportFormatsOut(items=[ExportFormatOut(name=each.name, title=each.title) for each in portal.exports.formats(user)])


@router.get("/conversations/export", response_class=Response, responses={200: {"content": {"application/octet-stream": {}}}})
def export(
    portal: PortalHere,
    user: SignedIn,
    id: Annotated[list[FolderId], Query(min_length=1, max_length=MAX_CHATS, description="The conversations; several give a zip file.")],
    format: Annotated[Line, Query(description="markdown, json, html, or a format that a plugin adds.")] = "markdown",
) -> Response:
    """Export your conversations as a file."""
    file = portal.exports.export(user, id, format)
    return download(file.content, file.media_type, file.name)


@router.get("/conversations/{conversation_id}")
def read(conversation_id: Id, portal: PortalHere, user: SignedIn) -> ConversationOut:
    return ConversationOut.of(portal.conversations.get(user, conversation_id))


@router.patch("/conversations/{conversation_id}")
def change(conversation_id: Id, body: Changed, portal: PortalHere, user: SignedIn) -> ConversationOut:
    """Change the fields that are sent. If the folder does not exist, nothing changes."""
    at_least_one(
        title=body.title, folder_id=body.folder_id, pinned=body.pinned, archived=body.archived, unread=body.unread,
        instructions=body.instructions, memory=body.memory, tools_off=body.tools_off, tools_allowed=body.tools_allowed,
    )  # fmt: skip
    # Moved first: if the folder does not exist, the whole request is refused.
    if body.folder_id is not None:
        changed = portal.conversations.move(user, conversation_id, body.folder_id or None)
    if body.title is not None:
        changed = portal.conversations.rename(user, conversation_id, body.title)
    if body.archived is not None:
        changed = portal.conversation_flags.archive(user, conversation_id, body.archived)
    if body.pinned is not None:
        changed = portal.conversation_flags.pin(user, conversation_id, body.pinned)
    if body.unread is not None:
        changed = portal.conversation_flags.set_unread(user, conversation_id, body.unread)
    if body.instructions is not None:
        changed = portal.conversation_flags.use_instructions(user, conversation_id, body.instructions)
    if body.memory is not None:
        changed = portal.conversation_flags.use_memory(user, conversation_id, body.memory)
    if body.tools_off is not None:
        changed = portal.chat_tools.switch_off(user, conversation_id, body.tools_off)
    if body.tools_allowed is not None:
        changed = portal.chat_tools.allow(user, conversation_id, body.tools_allowed)
    return ConversationOut.of(changed)


@router.delete("/conversations/{conversation_id}", status_code=204)
def delete(conversation_id: Id, portal: PortalHere, user: SignedIn) -> None:
    """Delete a conversation with its messages. Refused while an answer is running in it."""
    portal.conversations.delete(user, conversation_id)


@router.post("/conversations/delete")
def delete_many(body: Several, portal: PortalHere, user: SignedIn) -> Deleted:
    """Delete several conversations with their messages, all of them or none."""
    return Deleted(deleted=portal.conversations.delete_many(user, body.ids))


@router.get("/conversations/{conversation_id}/messages")
def messages(conversation_id: Id, portal: PortalHere, user: SignedIn) -> MessagesOut:
    return MessagesOut(items=[ShownOut.shown(each) for each in portal.conversations.transcript(user, conversation_id)])


@router.post("/conversations/{conversation_id}/messages", response_model=TurnOut, responses=STREAMED)
async def ask(conversation_id: Id, body: AskedQuestion, portal: PortalHere, user: SignedIn, token: TokenHere) -> TurnOut | Response:
    """Ask a question. The answer continues if the client disconnects; the same request_id finds it again."""
    options = body.options()
    turn = await begun(
        lambda: portal.turns.start(
            user, conversation_id, body.text, options, body.request_id, files=body.files, replaces=body.replaces_id, source=Source.API
        )
    )
    return await _answer(portal, user, turn, body.stream, token)


@router.post("/conversations/{conversation_id}/stop")
def stop(conversation_id: Id, portal: PortalHere, user: SignedIn) -> Stopped:
    """Stop the running answer; its text so far is kept."""
    portal.conversations.get(user, conversation_id)
    return Stopped(stopped=portal.turns.stop(user, conversation_id))


@router.post("/messages/{message_id}/regenerate", response_model=TurnOut, responses=STREAMED)
async def regenerate(
    message_id: Id, portal: PortalHere, user: SignedIn, token: TokenHere, body: Regenerate | None = None
) -> TurnOut | Response:
    """Answer the question of this answer again; the old answer stays as a version."""
    body = body or Regenerate()
    options = body.options()
    turn = await begun(lambda: portal.turns.regenerate(user, message_id, options, body.request_id, source=Source.API))
    return await _answer(portal, user, turn, body.stream, token)


@router.put("/messages/{message_id}/shown")
def show(message_id: Id, portal: PortalHere, user: SignedIn) -> MessagesOut:
    """Show this version of a question or an answer, and what follows it. The next question continues from there."""
    conversation_id = portal.conversations.message(user, message_id).conversation_id
    portal.conversations.show_version(user, conversation_id, message_id)
    return messages(conversation_id, portal, user)


@router.post("/messages/{message_id}/continue", response_model=TurnOut, responses=STREAMED)
async def go_on(message_id: Id, portal: PortalHere, user: SignedIn, token: TokenHere, body: Regenerate | None = None) -> TurnOut | Response:
    """Continue an answer that was cut off; the new version begins with its text."""
    body = body or Regenerate()
    options = body.options()
    turn = await begun(lambda: portal.turns.go_on(user, message_id, options, body.request_id, source=Source.API))
    return await _answer(portal, user, turn, body.stream, token)


async def _answer(portal: Portal, user: User, turn: Turn, stream: bool, token: str) -> TurnOut | Response:
    running = await run_in_threadpool(portal.turns.find, user, turn.id)
    watch, cutoff = Watch(portal, user, turn, running, token), Cutoff(portal.session_watch, token, user)
    return watch.stream(cutoff) if stream else await unless_cut(watch.finished(), cutoff)
