"""Prompts: texts with blanks for the chat, private, shared with the group, or for everyone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.people.records import User
from core.prompts.blanks import blanks
from core.prompts.records import MAX_TEXT_LENGTH, MAX_TITLE_LENGTH, ListedPrompt, Share
from pages.shell import frame
from pages.shell.words import listed, t
from pages.widgets.chat.message import plain
from pages.widgets.common.outcome import carry_out, show_outcome
from pages.widgets.context.applied import lines
from pages.widgets.context.prompt_menu import insert

if TYPE_CHECKING:
    from bootstrap.portal import Portal

SHOWN = 200
"""Maximum number of rows drawn at once; the search finds the others."""
_CHOSEN, _NEW, _DONE = "prompts_chosen", "+", "prompts_done"
_SHARES = {Share.OWN: "Only me", Share.GROUP: "My group", Share.EVERYONE: "Everyone"}


def render(portal: Portal, user: User) -> None:
    about = t('Texts you use again. Type "/" in the chat to insert one; Tab goes to the next [blank].')
    with frame.page_head(t("Prompts"), about, key="prompts"):
        st.button(t("New prompt"), icon=":material/add:", key="prompts-new", on_click=_choose, args=(_NEW,))
    words = st.text_input(
        t("Search prompts"), type="search", live=True, placeholder=t("Search prompts"), label_visibility="collapsed", key="prompts-search"
    )
    prompts = portal.prompts.list(user, words or "")
    chosen = st.session_state.get(_CHOSEN)
    found = next((each for each in prompts if each.prompt.id == chosen), None)
    frame.one_pane(".st-key-prompts-list" if found or chosen == _NEW else "", ".st-key-prompts-back")
    left, right = st.columns([2, 3], gap="large")
    with left:
        _list(prompts, searched=bool(words))
    with right:
        st.button(t("All prompts"), icon=":material/arrow_back:", type="tertiary", key="prompts-back", on_click=_choose, args=(None,))
        show_outcome(_DONE)
        if chosen == _NEW:
            _editor(portal, user, None)
        elif found is not None:
            _editor(portal, user, found) if found.own else _reader(portal, user, found)
            _sharing(portal, user, found)
            if found.own:
                _versions(portal, user, found)
                _removal(portal, user, found)
        elif prompts:
            st.caption(t("Choose a prompt to read or change it."))


def _choose(prompt_id: str | None) -> None:
    st.session_state[_CHOSEN] = prompt_id
    st.session_state.pop(_DONE, None)


def _list(prompts: Sequence[ListedPrompt], *, searched: bool) -> None:
    with st.container(key="prompts-list", gap=None):
        for each in prompts[:SHOWN]:
            prompt = each.prompt
            owner = t("you") if each.own else plain(each.owner_name)
            shared = {Share.OWN: "", Share.GROUP: f" · {plain(prompt.group)}", Share.EVERYONE: f" · {t('Everyone')}"}[prompt.share]
            starter = f" · {t('starter')}" if prompt.starter else ""
            label = f"{plain(prompt.title)}  \n:small[:gray[{owner}{shared}{starter}]]"
            st.button(label, key=f"rrow-{prompt.id}", type="tertiary", width="stretch", wrap=True, on_click=_choose, args=(prompt.id,))
        chosen = st.session_state.get(_CHOSEN)
        ids = {each.prompt.id for each in prompts}
        frame.selected("rrow", chosen if chosen in ids else "", ids)
        if not prompts and searched:
            st.caption(t("No prompt matches."))
        elif not prompts:
            st.caption(t("There are no prompts yet. Write one that you ask again and again, with [blanks] for what changes."))
        elif len(prompts) > SHOWN:
            st.caption(t("{shown} of {n} shown. Search to find the others.", shown=SHOWN, n=len(prompts)))


def _editor(portal: Portal, user: User, listed: ListedPrompt | None) -> None:
    prompt = listed.prompt if listed else None
    key = f"{prompt.id}-{prompt.version}" if prompt else "new"
    with st.container(border=True, key="card-prompt"):
        st.markdown(f"### {plain(prompt.title) if prompt else t('New prompt')}", anchors=False)
        with st.form(f"prompt-{key}", border=False):
            title = st.text_input(t("Title"), prompt.title if prompt else "", max_chars=MAX_TITLE_LENGTH, autocomplete="off")
            text = st.text_area(
                t("Text"), prompt.text if prompt else "", max_chars=MAX_TEXT_LENGTH, height=220,
                placeholder=t("For example: Summarize the meeting with [client] in [number] points."),
                help=t("Words in [brackets] are blanks that you fill in when you use it."),
            )  # fmt: skip
            sent = st.form_submit_button(t("Save"), type="primary")
        if prompt:
            _blanks(prompt.text)
            _use(prompt.text)
    if sent:
        carry_out(lambda: _saved(portal, user, prompt.id if prompt else None, title, text), _DONE)


def _saved(portal: Portal, user: User, prompt_id: str | None, title: str, text: str) -> str:
    if prompt_id is None:
        st.session_state[_CHOSEN] = portal.prompts.add(user, title, text).id
        return t("The prompt was saved.")
    changed = portal.prompts.change(user, prompt_id, title=title, text=text)
    return t("Version {number} was saved.", number=changed.version)


def _reader(portal: Portal, user: User, listed: ListedPrompt) -> None:
    """Draw another person's prompt, with buttons to use and copy it."""
    prompt = listed.prompt
    with st.container(border=True, key="card-prompt"):
        st.markdown(f"### {plain(prompt.title)}", anchors=False)
        st.caption(t("by {name}", name=plain(listed.owner_name)))
        st.markdown(lines(prompt.text))
        _blanks(prompt.text)
        _use(prompt.text)
        if st.button(t("Make a copy of my own"), icon=":material/content_copy:", key="prompts-copy"):
            carry_out(lambda: _saved(portal, user, None, prompt.title, prompt.text), _DONE)


def _blanks(text: str) -> None:
    if names := blanks(text):
        st.caption(t("To fill in: {names}", names=plain(listed(names))))


def _use(text: str) -> None:
    if st.button(t("Use in a chat"), icon=":material/chat:", key="prompts-use"):
        insert(text)
        frame.open_page(frame.START)


def _sharing(portal: Portal, user: User, listed: ListedPrompt) -> None:
    """Draw who sees the prompt, and whether empty chats offer it."""
    prompt = listed.prompt
    offered = [Share.OWN, *([Share.GROUP] if user.group or prompt.share is Share.GROUP else [])]
    offered += [Share.EVERYONE] if listed.may_publish or prompt.share is Share.EVERYONE else []
    may_share = listed.may_publish if prompt.share is Share.EVERYONE else listed.own
    if not listed.own and not (listed.may_publish and prompt.share is Share.EVERYONE) and not listed.may_start:
        return
    with st.container(border=True, key="card-prompt-sharing"):
        st.markdown(f"### {t('Who sees it')}", anchors=False)
        if len(offered) > 1:
            share = st.segmented_control(
                t("Who sees it"), offered, default=prompt.share, format_func=lambda each: t(_SHARES[each]), key=f"share-{prompt.id}",
                label_visibility="collapsed", required=True, disabled=not may_share,
            )  # fmt: skip
            if share is not prompt.share:
                carry_out(lambda: _shared(portal, user, prompt.id, share), _DONE)
        else:
            st.caption(t("You are in no group, so there is nobody to share it with."))
        if listed.may_start:
            on = st.toggle(t("Offer it in empty chats"), prompt.starter, key=f"starter-{prompt.id}")
            if on != prompt.starter:
                carry_out(lambda: _started(portal, user, prompt.id, on), _DONE)


def _shared(portal: Portal, user: User, prompt_id: str, share: Share) -> str:
    portal.prompts.share(user, prompt_id, share)
    seen = {Share.OWN: "Only you see it now.", Share.GROUP: "Your group sees it now.", Share.EVERYONE: "Everyone sees it now."}
    return t(seen[share])


def _started(portal: Portal, user: User, prompt_id: str, on: bool) -> str:
    portal.prompts.set_starter(user, prompt_id, on)
    return t("Empty chats offer it now.") if on else t("Empty chats no longer offer it.")


def _versions(portal: Portal, user: User, listed: ListedPrompt) -> None:
    older = [each for each in portal.prompts.versions(user, listed.prompt.id) if each.number != listed.prompt.version]
    if not older:
        return
    with st.expander(t("Earlier versions"), type="compact"):
        for each in older:
            with st.container(horizontal=True, vertical_alignment="center", wrap=False, key=f"prompt-version-{each.number}"):
                head = t("Version {number}", number=each.number)
                st.markdown(f"**{head}** · {each.saved_at:%Y-%m-%d %H:%M} UTC  \n{plain(each.text[:300])}", width="stretch")
                if st.button(t("Restore"), key=f"prompt-restore-{each.number}"):
                    carry_out(lambda number=each.number: _restored(portal, user, listed.prompt.id, number), _DONE)  # type: ignore[misc]


def _restored(portal: Portal, user: User, prompt_id: str, number: int) -> str:
    portal.prompts.restore(user, prompt_id, number)
    return t("Version {number} is in use again.", number=number)


def _removal(portal: Portal, user: User, listed: ListedPrompt) -> None:
    with st.popover(t("Remove this prompt"), icon=":material/delete:", type="tertiary", key="prompts-remove"):
        shared = t("Those who share it lose it, too.") if listed.prompt.share is not Share.OWN else ""
        st.markdown(f"{t('It is removed with all its versions. This cannot be undone.')} {shared}")
        if st.button(t("Remove"), key="prompts-remove-now"):
            carry_out(lambda: _removed(portal, user, listed.prompt.id), _DONE)


def _removed(portal: Portal, user: User, prompt_id: str) -> str:
    portal.prompts.remove(user, prompt_id)
    st.session_state[_CHOSEN] = None
    return t("The prompt was removed.")
