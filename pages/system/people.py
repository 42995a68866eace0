"""People (admin): add, change and disable accounts, reset passwords; groups with members and managers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.passwords.rules import generate_password
from core.people.names import NameWarning, name_warnings
from core.people.records import Role, User
from pages.shell import frame
from pages.shell.words import error_text, t
from pages.widgets.account.key_rows import key_row
from pages.widgets.chat.message import plain
from pages.widgets.common.requests import carried_out, first_values
from pages.widgets.people.group_list import group_list
from pages.widgets.people.review_groups import review_groups
from pages.widgets.people.words import role_word

if TYPE_CHECKING:
    from bootstrap.portal import Portal

SHOWN = 200
"""Maximum number of rows drawn at once; the search finds the others."""
_CHOSEN, _ADD, _KEYS, _DONE, _SECRET = "people_chosen", "+", "*", "people_done", "people_secret"
_VIEWS = {"people": "People", "groups": "Groups"}
_DOUBTS = {
    NameWarning.ROLE: "The full name suggests a role that this person does not have.",
    NameWarning.ANOTHER: "The full name resembles someone else's name.",
    NameWarning.SCRIPTS: "The full name mixes letters from different scripts that look alike.",
}


def render(portal: Portal, user: User) -> None:
    people = portal.accounts.people(user)
    warnings_by_id = name_warnings(people)
    active = sum(each.active for each in people)
    with frame.page_head(t("People"), t("{n} accounts, {active} active", n=len(people), active=active), key="people"):
        st.button(t("API keys"), icon=":material/key:", key="people-keys", on_click=_choose, args=(_KEYS,))
        st.button(t("Add a person"), icon=":material/person_add:", key="people-add", on_click=_choose, args=(_ADD,))
    view = st.segmented_control(
        t("View"), list(_VIEWS), default="people", format_func=lambda name: t(_VIEWS[name]), key="people-view",
        label_visibility="collapsed", required=True,
    )  # fmt: skip
    if view == "groups":
        group_list(portal, user, people)
        return
    chosen = st.session_state.get(_CHOSEN)
    found = next((each for each in people if each.name == chosen), None)
    frame.one_pane(".st-key-people-list" if found or chosen in (_ADD, _KEYS) else "", ".st-key-people-back")
    left, right = st.columns([2, 3], gap="large")
    with left:
        _list(people, warnings_by_id)
    with right:
        st.button(t("Everyone"), icon=":material/arrow_back:", type="tertiary", key="people-back", on_click=_choose, args=(None,))
        _done()
        if chosen == _ADD:
            _add(portal, user)
        elif chosen == _KEYS:
            _keys(portal, user)
        elif found is not None:
            _person(portal, user, found, warnings_by_id.get(found.id, frozenset()))
        else:
            st.caption(t("Choose a person to change role, group or password."))


def _choose(name: str | None) -> None:
    st.session_state["people-view"] = "people"
    st.session_state[_CHOSEN] = name
    st.session_state.pop(_DONE, None)
    st.session_state.pop(_SECRET, None)


def _list(people: list[User], warnings_by_id: Mapping[str, frozenset[NameWarning]]) -> None:
    words = st.text_input(
        t("Search people"), type="search", live=True, placeholder=t("Search people"), label_visibility="collapsed", key="people-search"
    )
    wanted = (words or "").strip().lower()
    rows = [each for each in people if wanted in f"{each.name} {each.full_name} {each.group}".lower()]
    with st.container(key="people-list", gap=None):
        for each in rows[:SHOWN]:
            state = "" if each.active else f" · :red[{t('Disabled')}]"
            state += f" · :orange[:material/warning: {t('Check this name')}]" if each.id in warnings_by_id else ""
            group = f" · {plain(each.group)}" if each.group else ""
            label = f"{plain(each.full_name)}  \n:small[:gray[{plain(each.name)} · {role_word(each.role)}{group}]{state}]"
            st.button(label, key=f"rrow-{each.id}", type="tertiary", width="stretch", wrap=True, on_click=_choose, args=(each.name,))
    chosen = st.session_state.get(_CHOSEN)
    frame.selected("rrow", next((each.id for each in rows if each.name == chosen), ""), {each.id for each in rows})
    if not rows:
        st.caption(t("No one matches."))
    elif len(rows) > SHOWN:
        st.caption(t("{shown} of {n} shown. Search to find the others.", shown=SHOWN, n=len(rows)))


def _add(portal: Portal, user: User) -> None:
    with st.container(border=True, key="card-person-add"):
        st.markdown(f"### {t('Add a person')}", anchors=False)
        fields = ("person-add-name", "person-add-full-name", "person-add-password")
        first_values("person-add", dict.fromkeys(fields, ""))
        with st.form("person-add", border=False):
            name = st.text_input(t("User name"), help=t("The sign-in name."), max_chars=64, autocomplete="off", key=fields[0])
            full_name = st.text_input(t("Full name"), max_chars=80, autocomplete="off", key=fields[1])
            role = _role_box(portal, user, Role.ANALYST, key="person-add-role")
            group = _group_box(portal, user, "", key="person-add-group")
            password = _password_box(t("Password"), key=fields[2])
            sent = st.form_submit_button(t("Add"), type="primary")
    if sent:
        secret = password or generate_password()

        def add() -> str:
            added = portal.accounts.add(user, name, role, password=secret, full_name=full_name, group=group)
            st.session_state[_CHOSEN] = added.name
            return t("{name} can sign in now.", name=added.name)

        _do(add, secret=None if password else secret, form="person-add")


def _person(portal: Portal, user: User, person: User, warnings: frozenset[NameWarning]) -> None:
    with st.container(border=True, key="card-person"):
        st.markdown(f"### {plain(person.full_name)}", anchors=False)
        seen = t("last seen {when}", when=f"{person.last_seen_at:%Y-%m-%d %H:%M} UTC") if person.last_seen_at else t("never signed in")
        st.caption(f"{plain(person.name)} · {seen}")
        for warning in NameWarning:
            if warning in warnings:
                st.markdown(f":orange[:material/warning: {t(_DOUBTS[warning])}]")
        with st.form(f"person-{person.id}", border=False):
            full_name = st.text_input(t("Full name"), value=person.full_name, max_chars=80, autocomplete="off")
            role = _role_box(portal, user, person.role, key=f"role-{person.id}")
            group = _group_box(portal, user, person.group, key=f"group-{person.id}")
            saved = st.form_submit_button(t("Save"), type="primary")
        if saved:
            _do(lambda: _saved(portal, user, person, role, full_name, group))
        if save := review_groups(portal, user, person):
            _do(save)
        _password(portal, user, person)
        _state(portal, user, person)
        if portal.second_factors.has(user, person.name):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.caption(t("Signs in with a second factor. Remove it if the phone and the recovery codes are lost."))
                if st.button(t("Remove second factor"), key=f"factor-{person.id}"):
                    _do(lambda: _factor_removed(portal, user, person))
        if keys := portal.api_keys.of_person(user, person.name):
            st.markdown(f"### {t('API keys')}", anchors=False)
            for key in keys[:SHOWN]:
                key_row(portal, user, key)


def _factor_removed(portal: Portal, user: User, person: User) -> str:
    portal.second_factors.remove(user, person.name)
    return t("The second factor of {name} was removed, and all sessions were ended.", name=person.name)


def _keys(portal: Portal, user: User) -> None:
    """Draw the API keys of all people, to find the owner of a key and to revoke it."""
    with st.container(border=True, key="card-keys"):
        st.markdown(f"### {t('API keys')}", anchors=False)
        label = t("Search keys")
        words = st.text_input(
            label, type="search", live=True, placeholder=t("A key, its beginning, a name or a person"), label_visibility="collapsed",
            key="keys-search",
        )  # fmt: skip
        found = portal.api_keys.find(user, words or "", SHOWN)
        if not found:
            st.caption(t("No key matches.") if words else t("Nobody has an API key yet."))
        for each in found:
            key_row(portal, user, each.key, owner=each.owner_name)
        if len(found) == SHOWN:
            st.caption(t("The newest {n} are shown. Search to find the others.", n=SHOWN))


def _saved(portal: Portal, user: User, person: User, role: str, full_name: str, group: str) -> str:
    portal.accounts.change(user, person.name, role=role, full_name=full_name, group=group)
    return t("Saved. Role changes apply at once.")


def _password(portal: Portal, user: User, person: User) -> None:
    form, field = f"reset-{person.id}", f"reset-password-{person.id}"
    first_values(form, {field: ""})
    with st.form(form, border=False):
        password = _password_box(t("New password"), key=field)
        sent = st.form_submit_button(t("Reset password"))
    if sent:
        secret = password or generate_password()

        def reset() -> str:
            portal.accounts.reset_password(user, person.name, secret)
            return t("The password of {name} was reset, and all sessions were ended.", name=person.name)

        _do(reset, secret=None if password else secret, form=form)


def _state(portal: Portal, user: User, person: User) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if person.active:
            st.caption(t("Disabling ends all sessions immediately. Chats and ratings stay."))
            pressed = st.button(t("Disable"), icon=":material/block:", key=f"disable-{person.id}")
        else:
            st.caption(t("This account is disabled: no one can sign in with it."))
            pressed = st.button(t("Enable"), icon=":material/check:", key=f"enable-{person.id}")
    if pressed:

        def switch() -> str:
            changed = portal.accounts.change(user, person.name, active=not person.active)
            return t("{name} is enabled.", name=changed.name) if changed.active else t("{name} is disabled.", name=changed.name)

        _do(switch)


def _password_box(label: str, key: str) -> str:
    return st.text_input(label, type="password", help=t("Leave empty to generate one."), autocomplete="new-password", key=key)


def _role_box(portal: Portal, user: User, role: str, key: str) -> str:
    names = list(portal.roles.names(user))
    chosen: str = st.selectbox(t("Role"), names, index=names.index(role) if role in names else 0, format_func=role_word, key=key)
    return chosen


def _group_box(portal: Portal, user: User, group: str, key: str) -> str:
    """Draw a box for an existing group, a new name, or no group; return the name, "" for none."""
    names = list(dict.fromkeys([*portal.groups.names(user), *filter(None, [group])]))
    chosen = st.selectbox(
        t("Group"), names, names.index(group) if group else None, accept_new_options=True, placeholder=t("No group"), key=key,
        help=t("Department or team: for usage, limits and features. Type a new name to add a group."),
    )  # fmt: skip
    return (chosen or "")[:80]


def _do(action: Callable[[], str], secret: str | None = None, form: str = "") -> None:
    """Run the action and redraw the page with its message; show a refusal next to the control. form: a form to empty afterwards."""
    try:
        st.session_state[_DONE] = action()
        carried_out(form)
    except PortalError as problem:
        st.error(plain(error_text(problem)), icon=":material/error:")
        return
    st.session_state[_SECRET] = secret
    st.rerun()


def _done() -> None:
    if done := st.session_state.pop(_DONE, None):
        st.success(done, icon=":material/check_circle:")
    if secret := st.session_state.pop(_SECRET, None):
        st.caption(t("Shown only once. Pass the password on; it can be changed under Account."))
        st.code(secret, language=None)
