"""The personal data part of the Access page, and the chat's note about masked values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.access.groups import GroupInfo
from core.errors import PortalError
from core.people.records import User
from core.privacy.filter import Checked
from core.privacy.records import EVERY_GROUP, MASKS, Action, Kind, PrivacyPolicy
from pages.shell.words import error_text, listed, t
from pages.widgets.chat.message import plain
from pages.widgets.people.group_members import attempt

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_KINDS = {
    Kind.ID_NUMBER: "Chinese identity numbers",
    Kind.PHONE: "Phone numbers",
    Kind.BANK_CARD: "Bank cards",
    Kind.IBAN: "IBANs",
    Kind.EMAIL: "E-mail addresses",
    Kind.SECRET: "Keys, tokens and passwords",
    Kind.OWN: "Own patterns",
}
_ACTIONS = {Action.OFF: "Leave as it is", Action.WARN: "Warn", Action.MASK: "Mask", Action.REFUSE: "Refuse"}
MAX_SHOWN = 5


def privacy_list(portal: Portal, user: User, groups: Sequence[GroupInfo]) -> None:
    """Draw the privacy policies and their forms."""
    policies = {each.group: each for each in portal.privacy.policies(user)}
    if not policies:
        st.caption(t("No policy is set. Questions and answers are not changed."))
    names = [EVERY_GROUP, *(each.group.name for each in groups)]
    for policy in policies.values():
        key = f"privacy-{names.index(policy.group)}"
        with st.container(horizontal=True, vertical_alignment="center", wrap=False, gap="small", key=key):
            does = t("in: {input}, out: {output}", input=t(_ACTIONS[policy.input]), output=t(_ACTIONS[policy.output]))
            kinds = listed(t(_KINDS[kind]) for kind in Kind if kind in policy.kinds)
            st.markdown(f"**{plain(_named(policy.group))}**: {does}  \n:small[:gray[{kinds}]]", width="stretch")
            if st.button(t("Remove"), type="tertiary", key=f"{key}-remove"):
                attempt(lambda group=policy.group: portal.privacy.remove(user, group))  # type: ignore[misc]
    st.markdown(f"### {t('Set a policy')}", anchors=False)
    group = st.selectbox(t("Group"), names, 0, _named, key="privacy-group")
    _form(portal, user, policies.get(group, PrivacyPolicy(group=group)))


def note(checked: Checked) -> str:
    """Return the note to the author of a question about personal data in it; "" if there was none."""
    if not checked.found:
        return ""
    if checked.action is Action.WARN:
        kinds = listed(dict.fromkeys(t(_KINDS[kind]) for kind, _ in checked.found))
        return t("Your question holds personal data ({kinds}). It was sent as it is.", kinds=kinds)
    values = listed(f"{_short(value)} → {MASKS[kind]}" for kind, value in checked.found[:MAX_SHOWN])
    more = len(checked.found) - MAX_SHOWN
    return t("Masked before it was sent and stored: {values}", values=plain(values + (f" (+{more})" if more > 0 else "")))


def _form(portal: Portal, user: User, policy: PrivacyPolicy) -> None:
    with st.form(f"privacy-form-{policy.group}", border=False):
        with st.container(horizontal=True):
            into = st.selectbox(
                t("Questions, files and requests"), list(Action), list(Action).index(policy.input), lambda each: t(_ACTIONS[each]),
                key=f"privacy-in-{policy.group}",
            )  # fmt: skip
            choices = [Action.OFF, Action.MASK]
            out = st.selectbox(
                t("Answers and exports"), choices, choices.index(policy.output), lambda each: t(_ACTIONS[each]),
                key=f"privacy-out-{policy.group}",
            )  # fmt: skip
        kinds = st.multiselect(
            t("What to look for"), list(Kind), [kind for kind in Kind if kind in policy.kinds], lambda kind: t(_KINDS[kind]),
            placeholder=t("Nothing"), key=f"privacy-kinds-{policy.group}",
        )  # fmt: skip
        patterns = st.text_area(
            t("Own patterns"), "\n".join(policy.patterns), help=t("One a line, in the syntax of RE2, for example EMP-[0-9]{6}."),
            key=f"privacy-patterns-{policy.group}",
        )  # fmt: skip
        sent = st.form_submit_button(t("Save policy"), type="primary")
    if sent:
        try:
            lines = tuple(line.strip() for line in patterns.splitlines() if line.strip())
            wanted = PrivacyPolicy(group=policy.group, input=into, output=out, kinds=frozenset(kinds), patterns=lines)
        except PortalError as problem:
            st.error(plain(error_text(problem)), icon=":material/error:")
            return
        attempt(lambda: portal.privacy.put(user, wanted))


def _named(group: str) -> str:
    return t("Every other group") if group == EVERY_GROUP else group


def _short(value: str) -> str:
    one_line = " ".join(value.split())
    return one_line if len(one_line) <= 40 else one_line[:37] + "..."
