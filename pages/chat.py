"""Chat: conversations at the left, the transcript at reading width, the composer at the foot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import streamlit as st

from core.attachment import StoredFile
from core.conversations import Shown
from core.entities import MessageStatus, User
from core.errors import NotFound, PortalError
from core.model import LoadedModel
from core.questions import check_question
from pages import search, shell
from pages.widgets import arrival
from pages.widgets.composer import PROMPT, composer, options
from pages.widgets.conversation_list import conversation_list
from pages.widgets.cookie import session_watch
from pages.widgets.follow import close_sidebar
from pages.widgets.message import plain
from pages.widgets.transcript import transcript
from pages.widgets.wishes import pending, take, wish, wish_of_component
from pages.words import said, t

if TYPE_CHECKING:
    from bootstrap import Portal

ADDRESS = arrival.CONVERSATION
LISTED = 100
MARKS_S = 1.5
_PROBLEM, _OPEN, _ASKED = "chat_problem", "chat_open", "chat_asked"
_DELETING, _LISTED = "chat_deleting", "chat_listed"
_HELD = "chat_held"
"""Files that are uploaded and not yet asked with: what was refused for another reason need not be chosen again."""


@dataclass(frozen=True, slots=True)
class Starter:
    icon: str
    title: str
    question: str


STARTERS = (
    Starter("explore", "Find your way", "What can I ask you?"),
    Starter("shield_lock", "Privacy", "Where is my data stored?"),
    Starter("keyboard", "Keyboard", "Which keyboard shortcuts are there?"),
    Starter("group", "Roles", "Which roles are there?"),
)
"""Questions the built-in guide answers."""


def render(portal: Portal, user: User) -> None:
    models = portal.models.available(user)
    _act(portal, user, models)
    # Each drawing of the page has one request id: the second click of a double click repeats it and asks nothing new.
    request = uuid4().hex
    conversation_id = _opened()
    _arrive(portal, user, conversation_id)
    # In this order: an answer that ends in between is found finished, not lost.
    running = portal.turns.running(user, conversation_id) if conversation_id else None
    shown = _messages(portal, user, conversation_id)
    if shown and shown[-1].message.status is not MessageStatus.STREAMING:
        running = None
    _sidebar(portal, user, conversation_id)
    figures = composer(
        models,
        conversation=conversation_id or "",
        answer=running.turn.answer_id if running else "",
        problem=st.session_state.get(_PROBLEM, ""),
        held=st.session_state.get(_HELD, ()),
        max_file_mb=portal.settings.max_file_mb,
        on_ask=lambda: wish("ask", text=st.session_state[PROMPT].text, files=st.session_state[PROMPT].files, request=request),
        on_drop=lambda file: wish("drop", id=file),
        on_stop=lambda: wish("stop"),
        arrival=arrival.place(shown or ()),
    )
    if shown is None:
        if shell.blank(t("There is no such chat"), t("It may have been deleted, or the address is not complete."), t("Start a new chat")):
            _open(None)
            st.rerun()
    elif not shown:
        _empty(models, request)
    else:
        transcript(
            portal, user, shown, running, figures=figures, on_event=wish_of_component,
            on_again=lambda answer: wish("again", message=answer, request=request),
        )  # fmt: skip
    if not models:
        _wait_for_model(portal, user)


# What the person did: see pages/widgets/wishes.py


def _act(portal: Portal, user: User, models: Sequence[LoadedModel]) -> None:
    asked = take()
    if asked is None:
        return
    st.session_state.pop(_PROBLEM, None)
    try:
        _carry_out(portal, user, models, asked)
    except PortalError as problem:
        st.session_state[_PROBLEM] = said(problem)
        if asked["kind"] == "ask":
            st.session_state[PROMPT] = asked["text"]


def _carry_out(portal: Portal, user: User, models: Sequence[LoadedModel], asked: Mapping[str, Any]) -> None:
    here = st.query_params.get(ADDRESS)
    match asked["kind"]:
        case "ask":
            _ask(portal, user, models, here, asked)
        case "edit" if here:
            portal.turns.start(user, here, asked["text"], options(models), asked["request"], replaces=asked["id"])
        case "again":
            portal.turns.regenerate(user, asked["message"], options(models), asked["request"])
        case "drop":
            st.session_state[_HELD] = [file for file in st.session_state[_HELD] if file.id != asked["id"]]
            portal.files.discard(user, asked["id"])
        case "stop" if here:
            portal.turns.stop(user, here)
        case "version" if here:
            portal.conversations.show_version(user, here, asked["id"])
        case "rate":
            portal.feedback.rate(user, asked["message"], int(asked["rating"]))
        case "say":
            portal.feedback.rate(user, asked["message"], int(asked["rating"]), str(asked["text"]))
        case "open":
            _open(asked["id"])
        case "rename":
            portal.conversations.rename(user, asked["id"], asked["title"])
        case "delete":
            st.session_state[_DELETING] = asked["id"]
        case "delete now":
            st.session_state.pop(_DELETING, None)
            portal.conversations.delete(user, asked["id"])
            if here == asked["id"]:
                _open(None)


def _ask(portal: Portal, user: User, models: Sequence[LoadedModel], here: str | None, asked: Mapping[str, Any]) -> None:
    text, request = asked["text"], asked["request"]
    held: list[StoredFile] = st.session_state.setdefault(_HELD, [])
    for file in asked.get("files", ()):
        held.append(portal.files.upload(user, file.name, file.getvalue()))
    check_question(text, portal.settings.max_question_chars, files=bool(held))
    begun: dict[str, str] = st.session_state.setdefault(_ASKED, {})
    conversation_id = here or begun.get(request) or portal.conversations.new(user).id
    begun[request] = conversation_id
    portal.turns.start(user, conversation_id, text, options(models), request, files=[file.id for file in held])
    st.session_state[_HELD] = []
    _open(conversation_id)


# Which conversation is open: the address says it; coming back from another page, the session remembers it.


def _opened() -> str | None:
    here = st.query_params.get(ADDRESS) or st.session_state.get(_OPEN)
    if here and st.query_params.get(ADDRESS) != here:
        st.query_params[ADDRESS] = here
    st.session_state[_OPEN] = here
    return here


def _open(conversation_id: str | None) -> None:
    st.session_state[_OPEN] = conversation_id
    # All at once: each change is an entry of the browser's history.
    st.query_params.from_dict({ADDRESS: conversation_id} if conversation_id else {})


def _arrive(portal: Portal, user: User, conversation_id: str | None) -> None:
    """The address may name a message too: shown once, on whichever branch it stands."""
    message_id = arrival.new(conversation_id)
    if conversation_id and message_id:
        try:
            portal.conversations.reveal(user, conversation_id, message_id)
        except PortalError as problem:
            st.session_state[_PROBLEM] = said(problem)


def _messages(portal: Portal, user: User, conversation_id: str | None) -> list[Shown] | None:
    """The transcript; None where the address names no conversation of this person."""
    if conversation_id is None:
        return []
    try:
        return portal.conversations.transcript(user, conversation_id)
    except NotFound:
        return None


# The parts of the page


def _sidebar(portal: Portal, user: User, conversation_id: str | None) -> None:
    with st.sidebar:
        with st.container(key="convhead", horizontal=True, gap="xsmall", vertical_alignment="center"):
            words = st.text_input(
                t("Search chats"), type="search", placeholder=t("Search chats"), live=True, label_visibility="collapsed", key="convsearch"
            )
            st.button("", icon=":material/edit_square:", key="new", help=t("New chat"), type="tertiary", on_click=_open, args=(None,))
        _rows(portal, user, conversation_id, (words or "").strip())
        if wanted := (words or "").strip():
            if st.button(t("All results"), icon=":material/search:", key="allresults", type="tertiary", width="stretch"):
                search.open_with(wanted)
        close_sidebar(conversation_id or "")
    if deleting := st.session_state.get(_DELETING):
        _confirm_delete(portal, user, deleting)


def _rows(portal: Portal, user: User, conversation_id: str | None, words: str) -> None:
    """The list; while an answer runs in another conversation it is drawn again and again, so that its mark goes by itself."""
    others = bool(portal.turns.running_conversations(user) - {conversation_id})
    session_lives = session_watch(portal)

    def draw() -> None:
        session_lives()
        limit = st.session_state.setdefault(_LISTED, LISTED)
        try:
            rows = portal.conversations.find(user, words) if words else portal.conversations.list(user, limit)
        except PortalError as problem:
            st.caption(said(problem))
            return
        running = portal.turns.running_conversations(user)
        tell = partial(wish_of_component, "conversations")
        conversation_list(rows, open_id=conversation_id, running=running, found=bool(words), on_event=tell)
        if not words and len(rows) == limit:
            st.button(t("Show older chats"), type="tertiary", key="older", width="stretch", on_click=_list_more)
        if others and (pending() or not running - {conversation_id}):
            st.rerun()

    (st.fragment(draw, run_every=MARKS_S) if others else draw)()


def _list_more() -> None:
    st.session_state[_LISTED] += 2 * LISTED


def _confirm_delete(portal: Portal, user: User, conversation_id: str) -> None:
    try:
        title = portal.conversations.get(user, conversation_id).title or t("New chat")
    except PortalError:
        st.session_state.pop(_DELETING, None)
        return

    @st.dialog(t("Delete this chat?"), on_dismiss=lambda: st.session_state.pop(_DELETING, None))
    def ask() -> None:
        st.markdown(t("{title} and its messages will be gone. Ratings stay, without the text.", title=f"**{plain(title)}**"))
        with st.container(horizontal=True, horizontal_alignment="right", gap="xsmall"):
            keep = st.button(t("Keep"), key="keep", on_click=lambda: st.session_state.pop(_DELETING, None))
            delete = st.button(t("Delete"), key="delete-now", type="primary", on_click=lambda: wish("delete now", id=conversation_id))
        if keep or delete:
            st.rerun()

    ask()


def _empty(models: Sequence[LoadedModel], request: str) -> None:
    with st.container(key="empty", gap="small"):
        st.markdown(f"# {t('What shall we work on?')}", anchors=False)
        st.caption(t("Answers come from models inside this portal. Nothing leaves the network."))
        with st.grid(2, min_column_width=260, gap="xsmall", key="starters"):
            for n, each in enumerate(STARTERS):
                st.button(
                    f"**{t(each.title)}**  \n:gray[{t(each.question)}]",
                    icon=f":material/{each.icon}:", key=f"starter-{n}", width="stretch", wrap=True, disabled=not models,
                    on_click=wish, args=("ask",), kwargs={"text": t(each.question), "request": request},
                )  # fmt: skip


def _wait_for_model(portal: Portal, user: User) -> None:
    """Nothing can be asked yet: look again until a model is ready."""

    session_lives = session_watch(portal)

    @st.fragment(run_every=1.0)
    def look() -> None:
        session_lives()
        if portal.models.available(user):
            st.rerun()

    look()
