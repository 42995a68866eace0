"""Chat: conversations on the left, the transcript at reading width, the composer at the bottom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import streamlit as st

from core.asking.asking import Question
from core.chat.conversations import Shown
from core.chat.records import Author, Folder, Message, MessageStatus
from core.chat.running_turn import LiveTurn
from core.errors import InvalidInput, NotFound, PortalError
from core.inference.records import ServedModel
from core.knowledge.records import StoredFile
from core.people.records import User
from core.prompts.blanks import blanks
from core.prompts.records import Prompt
from core.review.records import Vote
from pages.shell import frame
from pages.shell.words import said, t
from pages.widgets.chat import linked_message, location, sidebar, temporary_chat
from pages.widgets.chat.composer import PROMPT, asks_guide, composer, gone_model, options
from pages.widgets.chat.flow.another_way import in_another_way, ways
from pages.widgets.chat.flow.answer_tools import answer_tools
from pages.widgets.chat.flow.diagrams import diagrams
from pages.widgets.chat.flow.earlier import latest
from pages.widgets.chat.flow.follow_up import follow_up
from pages.widgets.chat.flow.lane_choice import lane_choice, lanes
from pages.widgets.chat.flow.side_by_side import before, earlier_rounds, open_rounds, side_by_side
from pages.widgets.chat.message import plain
from pages.widgets.chat.reading import reading
from pages.widgets.chat.transcript import transcript
from pages.widgets.common.cookie import session_watch
from pages.widgets.common.requests import put_back, take, wish, wish_of_component
from pages.widgets.context import applied, prompt_menu
from pages.widgets.context.meter import context_meter
from pages.widgets.context.summary_line import summary_line
from pages.widgets.get_model.first_model import first_model
from pages.widgets.people.limits import meter
from pages.widgets.people.privacy import note
from pages.widgets.review.accepted import accept_answer
from pages.widgets.sharing.chat_head import chat_head

if TYPE_CHECKING:
    from bootstrap.portal import Portal

ADDRESS = linked_message.CONVERSATION
_PROBLEM, _ASKED = "chat_problem", "chat_asked"
_HELD = "chat_held"
"""The session key of uploaded files that no question uses yet; after a refusal, the user need not choose them again."""
_PRIVATE = "chat_private"
"""The session key of the note about personal data in the last question; it is shown once."""


@dataclass(frozen=True, slots=True)
class Starter:
    icon: str
    title: str
    question: str


STARTERS = (
    Starter("explore", "Get started", "What can I ask you?"),
    Starter("shield_lock", "Privacy", "Where is my data stored?"),
    Starter("keyboard", "Keyboard", "What are the keyboard shortcuts?"),
    Starter("group", "Roles", "What roles are there?"),
)
"""Questions that the built-in guide answers."""
STARTER_CHARS = 90
"""Maximum number of characters shown of a prompt that an empty chat offers."""


def render(portal: Portal, user: User) -> None:
    models = portal.gateway.chat_models(user)
    if location.comes_back():
        _forget_problem()
    if location.comes_back() or location.left() or ADDRESS in st.query_params:
        temporary_chat.leave(portal, user)
    _act(portal, user, models)
    # Each run has one request id: the second click of a double click repeats the id and starts no second turn.
    request = uuid4().hex
    conversation_id = location.opened()
    _arrive(portal, user, conversation_id)
    # The running turn is read before the transcript: an answer that ends in between appears finished and is not lost.
    temporary = temporary_chat.opened()
    if temporary:
        running = _temporary_answer(portal, user, temporary)
        shown: list[Shown] | None = temporary_chat.messages(portal, user)
    else:
        running = portal.turns.running(user, conversation_id) if conversation_id else None
        shown = _messages(portal, user, conversation_id)
    rounds = () if temporary else open_rounds(portal, user, conversation_id)
    if shown and shown[-1].message.status is not MessageStatus.STREAMING and not rounds:
        running = None
    folder = sidebar.chat_sidebar(portal, user, conversation_id)
    if conversation_id and not temporary:
        follow_up(portal, user, conversation_id, running=running is not None)
    figures = composer(
        models,
        conversation=conversation_id or "",
        answer=running.turn.answer_id if running else "",
        problem=_problem(conversation_id),
        held=st.session_state.get(_HELD, ()),
        max_file_mb=portal.settings.max_file_mb,
        on_ask=lambda: wish("ask", text=st.session_state[PROMPT].text, files=st.session_state[PROMPT].files, request=request),
        on_drop=lambda file: wish("drop", id=file),
        on_stop=lambda: wish("stop"),
        on_dismiss=_forget_problem,
        deleted=portal.conversations.deleted_just_now(user),
        arrival=linked_message.place(shown or ()),
        prompts=portal.prompts.list(user),
        meter=None if temporary or shown is None else partial(context_meter, portal, user, conversation_id, options(models).model),
        note=st.session_state.pop(_PRIVATE, "") or gone_model(models, _answered_by(shown or ())) or meter(portal.limits.nearly_used(user)),
        more_choices=lambda: None if temporary or temporary_chat.is_on() else lane_choice(models),
    )
    if shown is None:
        if frame.blank(t(
            "This chat does not exist"
        ), t("It may have been deleted, or the address is incomplete."), t("Start a new chat")):
            location.open_chat(None)
            st.rerun()
    elif not shown:
        _empty(models, request, folder, portal.prompts.starters(user))
        temporary_chat.switch(portal, user)
        if not asks_guide(models):
            applied.applied_line(portal, user, None, temporary=temporary_chat.is_on())
        first_model(portal, user)
    else:
        if temporary:
            temporary_chat.head()
        elif conversation_id:
            chat_head(portal, user, conversation_id)
            summary_line(portal, user, _last_answer(shown))
        if not asks_guide(models):
            applied.applied_line(portal, user, None if temporary else conversation_id, temporary=bool(temporary))
        question, everything, writing = None, shown, running is not None
        if rounds:
            shown, question = before(shown, rounds)
            running = None
        transcript(
            portal, user, latest(shown, conversation_id or "", st.query_params.get(linked_message.MESSAGE)), running, figures=figures,
            on_event=wish_of_component, stored=not temporary, ways=ways(models),
            on_again=lambda answer, model: wish("again", message=answer, request=request, model=model),
        )  # fmt: skip
        if question is not None:
            earlier_rounds(portal, user, everything, rounds)
            side_by_side(portal, user, question, rounds[-1], wish_of_component)
    if shown or rounds:
        answer_tools()
        diagrams((each.message.text for each in everything), running=writing)
    if not models:
        _wait_for_model(portal, user)


# Actions of the user: see pages/widgets/common/requests.py


def _act(portal: Portal, user: User, models: Sequence[ServedModel]) -> None:
    wishes = take()
    if wishes:
        _forget_problem()
    for asked in wishes:
        try:
            _carry_out(portal, user, models, asked)
        except PortalError as problem:
            _tell_problem(said(problem))
            if asked["kind"] == "ask":
                st.session_state[PROMPT] = asked["text"]
        except BaseException:
            # Another click ended this run, perhaps while it waited. Repeating the same request id starts no second turn.
            if asked["kind"] == "ask":
                put_back([{**asked, "files": ()}])
            raise


def _carry_out(portal: Portal, user: User, models: Sequence[ServedModel], asked: Mapping[str, Any]) -> None:
    here = st.query_params.get(ADDRESS)
    match asked["kind"]:
        case "ask" if temporary_chat.is_on():
            if asked.get("files"):
                raise InvalidInput("A temporary chat cannot read files. Remove them, or turn the temporary chat off.")
            chosen = options(models, instructions=applied.wanted())
            temporary_chat.began(portal.temporary.ask(user, temporary_chat.opened(), asked["text"], chosen, asked["request"]))
        case "stop" if temporary_chat.opened():
            portal.temporary.stop(user, temporary_chat.opened() or "")
        case "ask":
            _ask(portal, user, models, here, asked)
        case "edit" if here:
            portal.turns.start(user, here, asked["text"], options(models), asked["request"], replaces=asked["id"])
        case "again":
            portal.turns.regenerate(user, asked["message"], in_another_way(options(models), asked), asked["request"])
        case "go on":
            portal.turns.go_on(user, asked["message"], options(models), asked["request"])
        case "drop":
            st.session_state[_HELD] = [file for file in st.session_state[_HELD] if file.id != asked["id"]]
            portal.files.discard(user, asked["id"])
        case "stop" if here:
            portal.turns.stop(user, here)
        case "encoding":
            file = portal.files.read_as(user, asked["id"], str(asked["encoding"]))
            words = t("{name} is read as {encoding} now. Regenerate the answer to use it.", name=plain(file.name), encoding=file.encoding)
            st.toast(words, icon=":material/check:")
        case "vote":
            portal.side_by_side.vote(user, asked["question"], Vote(asked["vote"]), asked.get("preferred"))
        case "take back" if here:
            st.session_state[PROMPT] = portal.follow_ups.take_back(user, here).text
        case "send queued" if here:
            portal.follow_ups.send(user, here)
        case "version" if here:
            portal.conversations.show_version(user, here, asked["id"])
        case "pin":
            portal.context.pin(user, asked["message"], bool(asked["pinned"]))
        case "accept":
            accept_answer(lambda: portal.accepted_answers.accept(user, asked["message"]))
        case "rate":
            portal.feedback.rate(user, asked["message"], int(asked["rating"]))
        case "say":
            portal.feedback.rate(user, asked["message"], int(asked["rating"]), str(asked["text"]))
        case _:
            sidebar.carry_out(portal, user, asked)


def _ask(portal: Portal, user: User, models: Sequence[ServedModel], here: str | None, asked: Mapping[str, Any]) -> None:
    request = asked["request"]
    begun: dict[str, str] = st.session_state.setdefault(_ASKED, {})
    if request not in begun:
        held, rounds = _uploaded(portal, user, asked.get("files", ())), open_rounds(portal, user, here)
        question = Question(
            text=asked["text"], options=lanes(models, rounds[-1] if rounds else None), request_id=request, files=[file.id for file in held],
            folder_id=location.folder_of_new_chats(), uses_instructions=applied.wanted(), uses_memory=applied.wants_memory(),
        )  # fmt: skip
        told = portal.asking.ask(user, here, question)
        begun[request] = told.conversation_id
        if here is None:
            applied.began()
        if told.checked is not None:
            st.session_state[_PRIVATE] = note(told.checked)
        st.session_state[_HELD] = []
    location.open_chat(begun[request])


def _uploaded(portal: Portal, user: User, files: Sequence[Any]) -> Sequence[StoredFile]:
    """Upload the files of a question; return them with those uploaded for it earlier. Raises the first refusal."""
    held: list[StoredFile] = st.session_state.setdefault(_HELD, [])
    if not files:
        return held
    # Files are large: check for a full disk before the upload.
    portal.disk.check()
    refused: list[PortalError] = []
    for file in files:
        with reading(file.name) as on_place:
            try:
                held.append(portal.files.upload(user, file.name, file.getvalue(), on_place))
            except PortalError as problem:
                refused.append(problem)
    if refused:
        raise refused[0]
    return held


def _arrive(portal: Portal, user: User, conversation_id: str | None) -> None:
    """Show the branch of the message that the URL names, once."""
    message_id = linked_message.new(conversation_id)
    if conversation_id and message_id:
        try:
            portal.conversations.reveal(user, conversation_id, message_id)
        except PortalError as problem:
            _tell_problem(said(problem))


def _messages(portal: Portal, user: User, conversation_id: str | None) -> list[Shown] | None:
    """Return the transcript; None if the URL names no conversation of this user."""
    if conversation_id is None:
        return []
    try:
        return portal.conversations.transcript(user, conversation_id)
    except NotFound:
        return None


def _temporary_answer(portal: Portal, user: User, chat_id: str) -> LiveTurn | None:
    try:
        return portal.temporary.running(user, chat_id)
    except NotFound:
        return None


def _answered_by(shown: Sequence[Shown]) -> str:
    """Return the model of the last answer that names one; "" if there is none."""
    return next((each.message.generation.model for each in reversed(shown) if each.message.generation), "")


def _last_answer(shown: Sequence[Shown]) -> Message:
    """Return the last answer that has ended; the last message if there is none."""
    ended = (each.message for each in reversed(shown) if each.message.author is Author.ASSISTANT and each.message.generation)
    return next(ended, shown[-1].message)


def _tell_problem(sentence: str) -> None:
    st.session_state[_PROBLEM] = {"sentence": sentence}


def _problem(conversation_id: str | None) -> str:
    """Return the error to show above the composer. It belongs to the chat in which it is first shown, and disappears with it."""
    told = st.session_state.get(_PROBLEM, {"sentence": ""})
    if told.setdefault("chat", conversation_id) == conversation_id:
        return str(told["sentence"])
    _forget_problem()
    return ""


def _forget_problem() -> None:
    st.session_state.pop(_PROBLEM, None)


# Parts of the page


def _empty(models: Sequence[ServedModel], request: str, folder: Folder | None, chosen: Sequence[Prompt]) -> None:
    """Draw an empty chat. chosen: starters that managers and admins chose; if there are none, questions for the guide are offered."""
    with st.container(key="empty", gap="small"):
        if folder:
            st.caption(f":material/folder: {plain(folder.name)}")
        st.markdown(f"# {t('What are we working on?')}", anchors=False)
        if all(model.owner == "portal" for model in models):
            st.caption(t("Answers come from models inside this portal. Nothing leaves your network."))
        else:
            st.caption(t("Answers come from this portal and from model servers that your admins chose."))
        with st.grid(2, min_column_width=260, gap="xsmall", key="starters"):
            for each in chosen:
                words = plain(each.text[:STARTER_CHARS] + ("…" if len(each.text) > STARTER_CHARS else ""))
                st.button(
                    f"**{plain(each.title)}**  \n:gray[{words}]", icon=":material/chat_bubble:", key=f"starter-{each.id}", width="stretch",
                    wrap=True, disabled=not models, on_click=_begin_with, args=(each.text, request),
                )  # fmt: skip
            for n, each in enumerate(() if chosen else STARTERS):
                st.button(
                    f"**{t(each.title)}**  \n:gray[{t(each.question)}]",
                    icon=f":material/{each.icon}:", key=f"starter-{n}", width="stretch", wrap=True, disabled=not models,
                    on_click=wish, args=("ask",), kwargs={"text": t(each.question), "request": request},
                )  # fmt: skip


def _begin_with(text: str, request: str) -> None:
    """Ask a starter. A starter with blanks goes into the composer, where the user fills them in."""
    if blanks(text):
        prompt_menu.insert(text)
    else:
        wish("ask", text=text, request=request)


def _wait_for_model(portal: Portal, user: User) -> None:
    """Check once a second until a model is ready, then redraw the page."""

    session_lives = session_watch(portal)

    @st.fragment(run_every=1.0)
    def look() -> None:
        session_lives()
        if portal.gateway.chat_models(user):
            st.rerun()

    look()
