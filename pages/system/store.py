"""Store (admin): contents of the store, backups, the search index, and retention."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from core.operations.records import StoreFacts
from core.people.records import User
from pages.shell.frame import page_head
from pages.shell.words import t
from pages.widgets.common.card import card, facts_list
from pages.widgets.common.formats import count, size
from pages.widgets.store.backups import ask_for_backup, backups
from pages.widgets.store.index_card import index_card
from pages.widgets.store.retention import holds, rules

if TYPE_CHECKING:
    from bootstrap.portal import Portal


def render(portal: Portal, user: User) -> None:
    facts = portal.backups.facts(user)
    about = t("{kind} {version}, {size}, revision {revision}", kind=facts.kind, version=facts.version, size=size(facts.size_bytes),
              revision=facts.revision)  # fmt: skip
    # Read once, so that all parts show the same state if a backup ends meanwhile: either a progress that redraws or an enabled button.
    task = portal.backups.task(user)
    with page_head(t("Storage"), about, key="store"):
        busy = task is not None and not task.ended
        if st.button(t("Create a backup"), icon=":material/save:", type="primary", key="store-backup", disabled=busy):
            ask_for_backup(portal, user)
    left, right = st.columns([1.25, 1], gap="medium")
    with left:
        _rows(facts)
        backups(portal, user, facts, task)
    with right:
        index_card(portal, user)
        rules(portal, user)
        holds(portal, user)


def _rows(facts: StoreFacts) -> None:
    labels = (
        ("conversations", t("Chats")),
        ("messages", t("Messages")),
        ("files", t("Files")),
        ("feedback", t("Ratings")),
        ("generations", t("Answers recorded")),
        ("users", t("People")),
        ("audit_events", t("Audit events")),
    )
    with card("store-facts", t("Contents"), t("Row counts at the time this page was opened")):
        facts_list([(label, count(facts.rows[name])) for name, label in labels])
        st.html(f"<p class='file'><code>{escape(facts.name)}</code></p>")


