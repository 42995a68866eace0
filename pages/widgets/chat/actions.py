"""Carry out what the user asked for: ask, edit, regenerate, stop, decide, vote, rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.asking.asking import Question
from core.chat.tools.records import Decision
from core.errors import InvalidInput, PortalError
from core.inference.records import ServedModel
from core.knowledge.records import StoredFile
from core.people.records import User
from core.review.records import Vote
from pages.shell.words import error_text, t
from pages.widgets.chat import linked_message, location, temporary_chat
from pages.widgets.chat.composer import tools_menu
from pages.widgets.chat.composer.composer import PROMPT, options
from pages.widgets.chat.composer.reading import reading
from pages.widgets.chat.flow import find_in_chat
from pages.widgets.chat.flow.lane_choice import lanes
from pages.widgets.chat.flow.regenerate_menu import regenerate_options
from pages.widgets.chat.flow.side_by_side import open_rounds
from pages.widgets.chat.message import plain
from pages.widgets.chat.problem import forget_problem, report_problem
from pages.widgets.chat.sidebar import sidebar
from pages.widgets.common.requests import put_back, take
from pages.widgets.context import applied
from pages.widgets.documents import chosen
from pages.widgets.people.privacy import note
from pages.widgets.rating import rating_form
from pages.widgets.review.answers.accepted import accept_answer

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_ASKED = "chat_asked"
_HELD = "chat_held"
"""The session key of uploaded files that no question uses yet; after a refusal, the user need not choose them again."""
_PRIVATE = "chat_private"
"""The session key of the note about personal data in the last question; it is shown once."""


def act(portal: Portal, user: User, models: Sequence[ServedModel]) -> None:
    """Carry out the actions that wait since the last run; see pages/widgets/common/requests.py."""
    actions = take()
    if actions:
        forget_problem()
    for asked in actions:
        try:
            _carry_out(portal, user, models, asked)
        except PortalError as problem:
            report_problem(error_text(problem))
            if asked["kind"] == "ask":
                st.session_state[PROMPT] = asked["text"]
        except BaseException:
            # Another click ended this run, perhaps while it waited. Repeating the same request id starts no second turn.
            if asked["kind"] == "ask":
                put_back([{**asked, "files": ()}])
            raise


def _carry_out(portal: Portal, user: User, models: Sequence[ServedModel], asked: Mapping[str, Any]) -> None:
    here = st.query_params.get(linked_message.CONVERSATION)
    match asked["kind"]:
        case "ask" if temporary_chat.is_on():
            if asked.get("files"):
                raise InvalidInput("A temporary chat cannot read files. Remove them, or turn the temporary chat off.")
            choices = replace(options(models, instructions=applied.wanted()), tools_off=tools_menu.tools_off(), collections=())
            temporary_chat.began(portal.temporary.ask(user, temporary_chat.opened(), asked["text"], choices, asked["request"]))
        case "keep temporary":
            location.open_chat(temporary_chat.keep(portal, user))
        case "decide" if temporary_chat.opened():
            portal.temporary.decide(user, temporary_chat.opened() or "", asked["step"], Decision(asked["decision"]))
        case "decide":
            portal.turns.decide(user, asked["answer"], asked["step"], Decision(asked["decision"]))
        case "switch tool" | "tool asks":
            tools_menu.carry_out(portal, user, asked)
        case "stop" if temporary_chat.opened():
            portal.temporary.stop(user, temporary_chat.opened() or "")
        case "ask":
            _ask(portal, user, models, here, asked)
        case "edit" if here:
            portal.turns.start(user, here, asked["text"], options(models), asked["request"], replaces=asked["id"])
        case "again":
            portal.turns.regenerate(user, asked["message"], regenerate_options(options(models), asked), asked["request"])
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
        case "find" | "find close":
            find_in_chat.carry_out(portal, user, here, asked)
        case "rate":
            portal.feedback.rate(user, asked["message"], int(asked["rating"]))
            rating_form.open_form(asked["message"] if asked["rating"] else None)
        case "rating form":
            rating_form.open_form(asked["message"])
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
            tools_off=tools_menu.tools_off(),
        )  # fmt: skip
        result = portal.asking.ask(user, here, question)
        begun[request] = result.conversation_id
        if here is None:
            applied.began()
            tools_menu.began()
            chosen.began(result.conversation_id)
        if result.checked is not None:
            st.session_state[_PRIVATE] = note(result.checked)
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
        with reading(file.name) as on_queue_position:
            try:
                held.append(portal.files.upload(user, file.name, file.getvalue(), on_queue_position))
            except PortalError as problem:
                refused.append(problem)
    if refused:
        raise refused[0]
    return held


def held_files() -> Sequence[StoredFile]:
    """Return uploaded files that no question uses yet."""
    return st.session_state.get(_HELD, ())


def privacy_note() -> str:
    """Return the note about personal data in the last question, once; "" if there is none."""
    return str(st.session_state.pop(_PRIVATE, ""))
