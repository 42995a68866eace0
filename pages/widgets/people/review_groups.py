"""Choose the groups whose cases a reviewer reviews."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from core.people.permissions import Permission, granted
from core.people.records import User
from pages.shell.words import t

if TYPE_CHECKING:
    from bootstrap.portal import Portal


def review_groups(portal: Portal, user: User, person: User) -> Callable[[], str] | None:
    """Draw the choice; return what saves it, once it is sent. Nothing is drawn for those who review nothing, or always everything."""
    held = granted(person)
    if Permission.REVIEW_FEEDBACK not in held or Permission.MANAGE_PEOPLE in held:
        return None
    now = sorted(person.review_groups or ())
    key = f"reviews-{person.id}"
    with st.form(key, border=False):
        chosen = st.multiselect(
            t("Reviews cases of"), sorted({*portal.groups.names(user), *now}), now, placeholder=t("All groups"), key=f"{key}-groups",
            help=t("Empty: all groups. Otherwise only cases of these groups are listed, counted, found and exported for this person."),
        )  # fmt: skip
        saved = st.form_submit_button(t("Save groups"))

    def save() -> str:
        portal.accounts.set_review_groups(user, person.name, chosen or None)
        if not chosen:
            return t("Saved. {name} reviews cases of all groups.", name=person.name)
        return t("Saved. {name} reviews only cases of these groups.", name=person.name)

    return save if saved else None
