"""Backups on the Store page: make, list, download, check, delete. A command restores a backup; the card explains it."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.operations.backups import change_of
from core.operations.records import BackupAction, BackupContents, BackupFile, BackupTask, StoreFacts
from core.people.records import User
from pages.shell.live_part import dialog, part
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.card import card
from pages.widgets.common.data_frame import data_frame
from pages.widgets.common.formats import age, size

if TYPE_CHECKING:
    from bootstrap.portal import Portal

SHOWN = 10
"""Maximum number of backups listed; the folder may hold more."""
ROW_PX = 34
LIVE_S = 1.0
_WATCHED, _DISMISSED = "store-backup-watched", "store-backup-dismissed"
"""Session keys of the backup that this session waits for, and of the result that the user has dismissed."""


def backups(portal: Portal, user: User, facts: StoreFacts, task: BackupTask | None) -> None:
    """Draw the card. task: the backup task as the page read it at the start of the run."""
    room = portal.backups
    files = room.backups(user)
    with card("backups", t("Backups"), t("Everything except sessions and the search index; people can keep working")):
        if task is not None and st.session_state.get(_DISMISSED) != (task.action, task.name):
            _task(portal, user, task, facts)
        if not files:
            st.markdown(t("There are no backups yet. Create one now and copy it to another machine."))
        for file in files[:SHOWN]:
            _row(portal, user, file, busy=task is not None and not task.ended)
        if len(files) > SHOWN:
            st.caption(t("{shown} of {n} shown; the others are in the folder.", shown=SHOWN, n=len(files)))
        st.html(f"<p class='file'><code>{escape(str(room.folder))}</code></p>")
        with st.expander(t("How to restore"), type="compact"):
            steps = t(
                "A backup is restored into an empty database, SQLite or PostgreSQL. Set PORTAL_HOME or PORTAL_DATABASE_URL to it, then "
                "run"
            )
            st.markdown(plain(steps))
            st.code("./portal restore FILE --dry-run\n./portal restore FILE\n./portal run", language=None)
            st.caption(
                t(
                    "The dry run reads the whole file and changes nothing. After a restore, the search index fills itself and everyone "
                    "signs in again. An encrypted database also needs its master key."
                )
            )


def ask_for_backup(portal: Portal, user: User) -> None:
    """Open the dialog that creates a backup."""
    room = portal.backups

    @dialog(t("Create a backup"))
    def ask() -> None:
        st.markdown(t("A copy of the current state, verified after writing. People can keep working meanwhile."))
        with st.form("backup-make", border=False):
            first = st.text_input(t("Passphrase (optional)"), type="password", autocomplete="new-password", key="backup-key")
            again = st.text_input(t("Repeat passphrase"), type="password", autocomplete="new-password", key="backup-key-again")
            if room.has_passphrase:
                st.caption(t("It will be encrypted with the passphrase in PORTAL_BACKUP_KEY unless you enter another."))
            else:
                st.caption(
                    t(
                        "Without a passphrase, anyone who has the file can read whatever the database does not encrypt. If you lose the "
                        "passphrase, the backup is lost."
                    )
                )
            sent = st.form_submit_button(t("Create backup"), type="primary")
        if sent and first != again:
            st.markdown(f":red[:material/error: {t('The passphrases do not match. Enter them again.')}]")
        elif sent:
            _do(lambda: _make(portal, user, first or None))

    ask()


def _make(portal: Portal, user: User, passphrase: str | None) -> None:
    # Recorded here, because a small store is copied before the page is redrawn.
    st.session_state[_WATCHED] = portal.backups.make(user, passphrase).name


def _row(portal: Portal, user: User, file: BackupFile, *, busy: bool) -> None:
    badge = f":green-badge[:material/lock: {t('Encrypted')}]" if file.sealed else f":gray-badge[{t('Not encrypted')}]"
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key=f"backup-{file.name}"):
        facts = f"{file.written_at:%Y-%m-%d %H:%M} UTC · {age(file.written_at)} · {size(file.size_bytes)} · {t('verified')}"
        st.markdown(f"{plain(file.name)} {badge}  \n:small[:gray[{facts}]]", width="stretch")
        # A link, not a download button: Streamlit would hold the whole file in memory.
        address = f"/api/v1/store/backups/{escape(file.name)}"
        st.html(f"<a class='rowlink' href='{address}' download='{escape(file.name)}'>{t('Download')}</a>", width="content")
        words = {"check": t("Verify"), "remove": t("Delete")}
        chosen = st.menu_button(
            t("Actions"), list(words), format_func=words.__getitem__, type="tertiary", key=f"more-{file.name}", disabled=busy
        )
    if chosen == "check" and file.sealed and not portal.backups.has_passphrase:
        _ask_for_key(portal, user, file)
    elif chosen == "check":
        _do(lambda: portal.backups.check(user, file.name))
    elif chosen == "remove":
        _ask_to_remove(portal, user, file)


def _ask_for_key(portal: Portal, user: User, file: BackupFile) -> None:
    @dialog(t("Verify"))
    def ask() -> None:
        with st.form("backup-check", border=False):
            label = t("Passphrase for {name}", name=plain(file.name))
            key = st.text_input(label, type="password", autocomplete="off", key="backup-check-key")
            sent = st.form_submit_button(t("Verify"), type="primary")
        if sent:
            _do(lambda: portal.backups.check(user, file.name, key or None))

    ask()


def _ask_to_remove(portal: Portal, user: User, file: BackupFile) -> None:
    @dialog(t("Delete this backup?"))
    def ask() -> None:
        st.markdown(plain(t("{name} will be deleted permanently. The database is not affected.", name=file.name)))
        with st.container(horizontal=True, horizontal_alignment="right", gap="xsmall", key="danger-backup"):
            if st.button(t("Cancel"), key="backup-keep"):
                st.rerun()
            if st.button(t("Delete"), type="primary", key="backup-remove"):
                _do(lambda: portal.backups.remove(user, file.name))

    ask()


# Running backups and checks


def _task(portal: Portal, user: User, task: BackupTask, facts: StoreFacts) -> None:
    if not task.ended:
        st.session_state[_WATCHED] = task.name
        part(_running, every=LIVE_S)(portal, user)
        return
    watched = st.session_state.pop(_WATCHED, None) == task.name
    if task.error is not None:
        with st.container(key="fail-backup", gap=None):
            st.markdown(plain(error_text(task.error)))
            making = task.action is BackupAction.MAKE
            what = t("No backup was created. The database was not changed.") if making else t("Verified: {name}", name=task.name)
            st.caption(plain(what))
    elif task.contents is not None:
        _found(task.name, task.contents, facts)
    elif watched:
        st.toast(t("The backup was written and verified."), icon=":material/check_circle:")
    if task.error is not None or task.contents is not None:
        st.button(t("Hide"), type="tertiary", key="backup-dismiss", on_click=_dismiss, args=(task,))


def _dismiss(task: BackupTask) -> None:
    st.session_state[_DISMISSED] = (task.action, task.name)


def _running(portal: Portal, user: User) -> None:
    task = portal.backups.task(user)
    if task is None or task.ended:
        st.rerun()
    words = t("Creating {name}", name=task.name) if task.action is BackupAction.MAKE else t("Verifying {name}", name=task.name)
    st.progress(task.progress, text=f":gray[{plain(words)}]")


def _found(name: str, contents: BackupContents, facts: StoreFacts) -> None:
    """Show what a restore of this backup would change."""
    st.markdown(f":green[:material/check_circle: {plain(t('{name} is intact: every row is as it was written.', name=name))}]")
    made = t("Created {when} UTC, revision {revision}. Restoring it now would give:", when=f"{contents.made_at:%Y-%m-%d %H:%M}",
             revision=contents.revision)  # fmt: skip
    st.caption(made)
    labels = {
        "conversations": t("Chats"), "folders": t("Folders"), "messages": t("Messages"), "files": t("Files"),
        "attachments": t("Attachments of questions"), "file_parts": t("File chunks"), "turns": t("Turns"), "feedback": t("Ratings"),
        "generations": t("Answers recorded"), "users": t("People"), "audit_events": t("Audit events"), "data_keys": t("Encryption keys"),
        "retention_rules": t("Retention rules"), "legal_holds": t("Legal holds"),
        "responses": t("Responses of programs"), "batches": t("Batches"), "program_files": t("Files of batches"),
        "program_file_parts": t("File chunks of batches"),
    }  # fmt: skip
    changes = change_of(contents, facts)
    known = [table for table in labels if table in changes]
    rows = [(labels.get(table, table), *changes[table]) for table in (*known, *(changes.keys() - labels)) if any(changes[table])]
    frame = data_frame(
        {
            "what": [row[0] for row in rows],
            "backup": [row[1] for row in rows],
            "now": [row[2] for row in rows],
            "difference": [f"{row[1] - row[2]:+,}" if row[1] != row[2] else "0" for row in rows],
        }
    )
    st.dataframe(
        frame, hide_index=True, row_height=ROW_PX, key="backup-contents",
        column_config={
            "what": st.column_config.TextColumn(t("Rows")),
            "backup": st.column_config.NumberColumn(t("In the backup"), format="localized"),
            "now": st.column_config.NumberColumn(t("Now"), format="localized"),
            "difference": st.column_config.TextColumn(t("Difference"), alignment="right"),
        },
    )  # fmt: skip


def _do(action: Callable[[], object]) -> None:
    """Run the action and redraw the page; show the error next to the control if it fails."""
    st.session_state.pop(_DISMISSED, None)
    try:
        action()
    except PortalError as problem:
        st.markdown(f":red[:material/error: {plain(error_text(problem))}]")
    else:
        st.rerun()
