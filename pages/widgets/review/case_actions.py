"""What a reviewer does with a case: work on it, resolve it, reply, write a note, set tags."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.people.permissions import Permission, allows
from core.people.records import User
from core.review.cases.changes import MAX_FIX, MAX_NOTE, MAX_REPLY, MAX_TAG, CaseChange
from core.review.cases.records import OUTCOMES, CaseState, ReviewCase
from pages.shell.live_part import callback, dialog
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.focus import focus
from pages.widgets.rating.names import reply_label
from pages.widgets.review.answers.accepted import accept_answer
from pages.widgets.review.answers.correction import begin_correcting, correcting, may_correct
from pages.widgets.review.answers.fixes import Fix, close_alike, fixes_by_name
from pages.widgets.review.answers.to_dataset import add_to_dataset, may_add_to_dataset
from pages.widgets.review.case_list import toggle_choosing
from pages.widgets.review.case_location import NEXT, OPEN, CasePosition, attempt, cursors, go
from pages.widgets.review.case_words import state_word

if TYPE_CHECKING:
    from bootstrap.portal import Portal

REPLYING = "feedback-replying"
_NOTE, _TAGS, _FIXED, _ACCEPT, _CORRECT, _DATASET = "note", "tags", "fixed", "accept", "correct", "dataset"


def action_bar(
    portal: Portal, user: User, case: ReviewCase, before: CasePosition | None, after: CasePosition | None, *, locked: bool
) -> None:
    """Draw the actions of a case, and the way to its neighbours. locked: another reviewer works on it."""
    replying = st.session_state.get(REPLYING) == case.number
    writing = replying or correcting(case)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="rvact"):
        if case.state.is_open:
            if st.button(t("Resolve"), type="secondary" if writing else "primary", shortcut="E", key="rvresolve", disabled=locked):
                _resolve(portal, user, case, after or before)
        else:
            st.button(
                t("Reopen"), shortcut="O", key="rvreopen", disabled=locked, on_click=callback(change),
                args=(portal, user, case, CaseChange(state=CaseState.NEW)),
            )  # fmt: skip
        mine = case.state is CaseState.IN_REVIEW and case.assignee_id == user.id
        st.button(
            t("Start review"), shortcut="A", key="rvstart", disabled=locked or mine or not case.state.is_open,
            help=t("Assigns the case to you"), on_click=callback(_start), args=(portal, user, case, after or before),
        )  # fmt: skip
        st.button(
            t("Reply"), shortcut="P", key="rvreply", disabled=locked or replying, on_click=callback(_begin_reply), args=(portal, user, case)
        )
        _more(portal, user, case, after or before, locked=locked)
        st.space("stretch")
        with st.container(key="rvnav", horizontal=True, gap="xsmall", width="content"):
            st.button(
                t("Previous case"), icon=":material/keyboard_arrow_up:", shortcut="K", key="icon-rvprev", help=t("Previous case"),
                disabled=before is None, on_click=go, args=before or (None, ()),
            )  # fmt: skip
            st.button(
                t("Next case"), icon=":material/keyboard_arrow_down:", shortcut="J", key="icon-rvnext", help=t("Next case"),
                disabled=after is None, on_click=go, args=after or (None, ()),
            )  # fmt: skip
    with st.container(key="zero-rvkeys"):  # Buttons that only the keyboard presses.
        st.button(t("Choose cases"), shortcut="X", key="rvkey-x", on_click=toggle_choosing, args=(case,))
        if st.button(t("Edit tags"), shortcut="T", key="rvkey-t", disabled=locked):
            edit_tags(portal, user, case)
        if st.button(t("Add note"), shortcut="N", key="rvnote", disabled=locked):
            _edit_note(portal, user, case)
        if st.button(t("Resolve as fixed"), shortcut="F", key="rvkey-f", disabled=locked or not case.state.is_open):
            _resolve(portal, user, case, after or before, CaseState.FIXED)
        if may_correct(case):
            st.button(
                t("Correct the answer"), shortcut="W", key="rvkey-w", disabled=locked, on_click=callback(begin_correcting),
                args=(portal, user, case),
            )  # fmt: skip
        if _accepts(user, case) and st.button(t("Accept answer"), shortcut="Q", key="rvaccept"):
            _accept(portal, user, case)
        if may_add_to_dataset(user, case) and st.button(t("Add to a dataset"), shortcut="D", key="rvkey-d", disabled=locked):
            _add_to_dataset(portal, user, case)


def _more(portal: Portal, user: User, case: ReviewCase, neighbour: CasePosition | None, *, locked: bool) -> None:
    """Draw the menu of the actions that are needed less often, with their keys."""
    words = {}
    if not locked:
        words[_NOTE] = f"{t('Edit note') if case.feedback.note else t('Add note')} :gray[N]"
        words[_TAGS] = f"{t('Edit tags')} :gray[T]"
        if may_correct(case):
            words[_CORRECT] = f"{t('Correct the answer')} :gray[W]"
        if case.state.is_open:
            words[_FIXED] = f"{t('Resolve as fixed')} :gray[F]"
        if may_add_to_dataset(user, case):
            words[_DATASET] = f"{t('Add to a dataset')} :gray[D]"
    if _accepts(user, case):
        words[_ACCEPT] = f"{t('Accept answer')} :gray[Q]"
    if not words:
        return
    match st.menu_button(t("More"), list(words), format_func=words.__getitem__, type="tertiary", key="rvmore"):
        case "note":
            _edit_note(portal, user, case)
        case "tags":
            edit_tags(portal, user, case)
        case "correct":
            begin_correcting(portal, user, case)
            st.rerun()
        case "fixed":
            _resolve(portal, user, case, neighbour, CaseState.FIXED)
        case "accept":
            _accept(portal, user, case)
        case "dataset":
            _add_to_dataset(portal, user, case)


def _accepts(user: User, case: ReviewCase) -> bool:
    return case.feedback.run_id is None and bool(case.feedback.answer) and allows(user, Permission.RUN_MODELS)


def _accept(portal: Portal, user: User, case: ReviewCase) -> None:
    """Keep the answer as a replay question: a new version of the model answers it before it serves."""
    accept_answer(lambda: portal.accepted_answers.accept_case(user, case.feedback.id))


def _add_to_dataset(portal: Portal, user: User, case: ReviewCase) -> None:
    attempt(lambda: portal.case_work.start(user, case.number))
    add_to_dataset(portal, user, case, lambda wanted: _done(portal, user, case, wanted))


def change(portal: Portal, user: User, case: ReviewCase, wanted: CaseChange) -> None:
    """Change the case that is drawn; an error is shown above it."""
    attempt(lambda: portal.case_work.change(user, case.number, case.version, wanted))


def _start(portal: Portal, user: User, case: ReviewCase, neighbour: CasePosition | None) -> None:
    change(portal, user, case, CaseChange(state=CaseState.IN_REVIEW, assignee=user.name))
    st.session_state[OPEN], st.session_state[NEXT] = case.number, neighbour


def _resolve(
    portal: Portal, user: User, case: ReviewCase, neighbour: CasePosition | None, proposed: CaseState | None = None
) -> None:
    attempt(lambda: portal.case_work.start(user, case.number))
    usual = CaseState.NOT_CHANGED if case.feedback.rating < 0 else CaseState.KEPT

    @dialog(t("Resolve"))
    def ask() -> None:
        outcome = st.segmented_control(
            t("Outcome"), list(OUTCOMES), default=proposed or usual, required=True,
            format_func=state_word, key=f"rvoutcome-{case.number}-{proposed or usual}", width="stretch",
        )  # fmt: skip
        fix, fixes = None, fixes_by_name(portal, user, case) if outcome is CaseState.FIXED else {}
        if outcome is CaseState.FIXED:
            fix = st.selectbox(
                t("What fixed it"), list(fixes), index=None, accept_new_options=True,
                placeholder=t("A model, a preset, a prompt, or your own words"), key=f"rvfix-{case.number}",
            )  # fmt: skip
            known = fixes.get(fix or "", Fix())
            if known.model:
                st.caption(t("The rater can ask again, and {name} answers.", name=plain(known.model)))
            elif known.prompt:
                st.caption(t("The rater can ask again with this prompt."))
        reply = st.text_area(
            reply_label(case.feedback), case.reply, max_chars=MAX_REPLY, height=110, key=f"rvsay-{case.number}",
            placeholder=t("Optional. What was found, and what to do until then"),
        )  # fmt: skip
        st.caption(t("Read on My feedback. Your name is not shown."))
        also = bool(case.alike) and st.checkbox(
            t("Close the open cases with the same question too, and tell their raters"), key=f"rvalso-{case.number}"
        )  # fmt: skip
        if st.button(t("Resolve"), type="primary", shortcut="Ctrl+Enter", key="rvresolve-go"):
            wanted = CaseChange(state=outcome, reply=reply)
            if outcome is CaseState.FIXED:
                known = fixes.get(fix or "", Fix())
                wanted = replace(wanted, fix=(fix or "")[:MAX_FIX], fix_model=known.model, fix_prompt=known.prompt)
            if _done(portal, user, case, wanted):
                if also:
                    close_alike(portal, user, case)
                phone_list = st.session_state.get(OPEN) is None
                st.session_state.pop(REPLYING, None)
                go(None if phone_list or neighbour is None else neighbour[0], neighbour[1] if neighbour else cursors())
                st.rerun()

    ask()


def _done(portal: Portal, user: User, case: ReviewCase, wanted: CaseChange) -> bool:
    """Change the case from a dialog, and show an error there, where the text stays."""
    try:
        portal.case_work.change(user, case.number, case.version, wanted)
    except PortalError as problem:
        st.markdown(f":red[:material/error: {plain(error_text(problem))}]")
        return False
    return True


def _begin_reply(portal: Portal, user: User, case: ReviewCase) -> None:
    if attempt(lambda: portal.case_work.start(user, case.number)):
        st.session_state[REPLYING] = case.number


def reply_box(portal: Portal, user: User, case: ReviewCase) -> None:
    """Draw the reply under the complaint, or the field to write it."""
    if st.session_state.get(REPLYING) != case.number:
        if case.reply:
            with st.container(key="rvreplied", gap="xsmall"):
                st.markdown(f":gray[**{t('Reply')}** · {t('Read on My feedback. Your name is not shown.')}]")
                st.text(case.reply)
        return
    with st.container(key="rvreplybox", gap="xsmall"):
        key = f"rvreply-{case.number}"
        text = st.text_area(reply_label(case.feedback), case.reply, max_chars=MAX_REPLY, height=96, key=key)
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            sent = st.button(t("Send"), type="primary", shortcut="Ctrl+Enter", key="rvreply-go")
            st.button(t("Cancel"), type="tertiary", key="rvreply-no", on_click=_end_reply)
            st.caption(t("Read on My feedback. Your name is not shown."))
        focus(key)
        if sent and _done(portal, user, case, CaseChange(reply=text)):
            _end_reply()
            st.rerun()


def _end_reply() -> None:
    st.session_state.pop(REPLYING, None)


def _edit_note(portal: Portal, user: User, case: ReviewCase) -> None:
    attempt(lambda: portal.case_work.start(user, case.number))

    @dialog(t("Note"))
    def ask() -> None:
        with st.form("feedback-note-form", border=False):
            note = st.text_area(
                t("For reviewers only"), case.feedback.note, max_chars=MAX_NOTE, height=160,
                placeholder=t("What went wrong and what was done"), key=f"note-{case.number}",
            )  # fmt: skip
            sent = st.form_submit_button(t("Save note"), type="primary", key="feedback-note-save")
        focus(f"note-{case.number}")
        if sent and _done(portal, user, case, CaseChange(note=note)):
            st.rerun()

    ask()


def edit_tags(portal: Portal, user: User, case: ReviewCase) -> None:
    """Ask for the tags of a case."""
    attempt(lambda: portal.case_work.start(user, case.number))

    @dialog(t("Tags"))
    def ask() -> None:
        known = list(dict.fromkeys([*case.tags, *portal.case_queue.tags(user)]))
        tags = st.multiselect(
            t("Tags"), known, list(case.tags), accept_new_options=True, placeholder=t("Choose or type"), key=f"rvtags-{case.number}",
            label_visibility="collapsed",
        )  # fmt: skip
        st.caption(t("Type a word and press Enter for a new tag, of at most {n} characters.", n=MAX_TAG))
        if st.button(t("Save"), type="primary", shortcut="Ctrl+Enter", key="rvtags-go"):
            if _done(portal, user, case, CaseChange(tags=tuple(tags))):
                st.rerun()

    ask()
