"""Find the user by the session cookie, list the pages that this user may open, and draw one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import streamlit as st

from bootstrap.servers.profiles import MOVED, profile_of
from core.errors import PortalError, ServerUnreachable, StartFailed
from core.operations.log_context import add_to_log_context, log_context, new_request_id
from core.people.permissions import Permission, allows
from core.people.records import User
from core.people.sessions import SESSION_COOKIE
from pages.account import account, help, memory, my_feedback, sign_in
from pages.chat import search
from pages.shell import frame, words
from pages.shell.away import has_drawn, record_drawn, tab_storage, wait_page, waiting
from pages.shell.browser import browser_shell
from pages.shell.failed_page import shown_with_code
from pages.shell.live_part import drawn_for
from pages.shell.notice_bell import notice_bell
from pages.shell.requested_path import no_rights, not_here, nothing_here, requested_path
from pages.shell.words import error_text, t
from pages.widgets.account import second_factor
from pages.widgets.chat.linked_message import CONVERSATION
from pages.widgets.chat.message import plain
from pages.widgets.common.disk_notice import warn_about_disk
from pages.widgets.common.requests import kinds
from pages.widgets.models.start_problems import MODELS, start_problems

if TYPE_CHECKING:
    from bootstrap.portal import Portal


@dataclass(frozen=True, slots=True)
class Entry:
    """A page in the navigation: its path, title, required permission and module."""

    path: str
    title: str
    """The English title, which is the key of its translation."""
    permission: Permission
    module: str
    """Its module in pages/. It is imported when the page is first drawn, so a server loads only the pages that it draws."""
    menu: str = ""
    """The English name of its menu; "" if the page is in the bar itself."""
    short: str = ""
    """Its name in the menu, if that is not its title."""
    hidden: bool = False
    """Whether the page is reached only by links; it is then as wide as the chat."""

    def render(self, portal: Portal, user: User) -> None:
        import_module(f"pages.{self.module}").render(portal, user)


_TOOLS, _REVIEW, _USAGE, _MODELS, _SYSTEM = "Tools", "Review", "Usage", "Models", "System"
ENTRIES = (
    Entry(path=frame.START, title="Chat", permission=Permission.CHAT, module="chat.chat"),
    Entry(path=search.PATH, title="Search", permission=Permission.CHAT, module="chat.search"),
    Entry(path="tasks", title="Tasks", permission=Permission.RUN_TASKS, module="tools.tasks", menu=_TOOLS),
    Entry(path="shared", title="Shared chat", permission=Permission.CHAT, module="chat.shared", hidden=True),
    Entry(path="documents", title="Documents", permission=Permission.CHAT, module="tools.documents", menu=_TOOLS),
    Entry(path="images", title="Images", permission=Permission.DETECT, module="tools.images", menu=_TOOLS),
    Entry(path="prompts", title="Prompts", permission=Permission.CHAT, module="tools.prompts", menu=_TOOLS),
    Entry(path="cases", title="Cases", permission=Permission.REVIEW_FEEDBACK, module="review.cases", menu=_REVIEW),
    Entry(
        path="review_progress", title="Review progress", permission=Permission.REVIEW_FEEDBACK, module="review.review_progress",
        hidden=True,
    ),
    Entry(path="arena", title="Arena", permission=Permission.RATE, module="review.arena", menu=_REVIEW),
    Entry(
        path="leaderboard", title="Leaderboard", permission=Permission.REVIEW_FEEDBACK, module="review.leaderboard", menu=_REVIEW,
    ),
    Entry(path="experiments", title="Experiments", permission=Permission.RUN_MODELS, module="review.experiments", menu=_REVIEW),
    Entry(path="datasets", title="Datasets", permission=Permission.REVIEW_FEEDBACK, module="review.datasets", menu=_REVIEW),
    Entry(path="usage", title="Usage", permission=Permission.VIEW_USAGE, module="usage.usage", menu=_USAGE, short="Boards"),
    Entry(path="reports", title="Reports", permission=Permission.VIEW_USAGE, module="usage.reports", menu=_USAGE),
    Entry(path="alerts", title="Alerts", permission=Permission.VIEW_USAGE, module="usage.alerts", menu=_USAGE),
    Entry(path="models", title="Models", permission=Permission.RUN_MODELS, module="models.models", menu=_MODELS, short="Serving"),
    Entry(path="get_model", title="Get a model", permission=Permission.RUN_MODELS, module="models.get_model", menu=_MODELS),
    Entry(path="compare", title="Compare", permission=Permission.RUN_MODELS, module="models.compare", menu=_MODELS),
    Entry(path="presets", title="Presets", permission=Permission.RUN_MODELS, module="models.presets", menu=_MODELS),
    Entry(path="platforms", title="Platforms", permission=Permission.RUN_MODELS, module="models.platforms", menu=_MODELS),
    Entry(path="people", title="People", permission=Permission.MANAGE_PEOPLE, module="system.people", menu=_SYSTEM),
    Entry(path="access", title="Access", permission=Permission.MANAGE_PEOPLE, module="system.access", menu=_SYSTEM),
    Entry(path="audit", title="Audit", permission=Permission.READ_AUDIT, module="system.audit", menu=_SYSTEM),
    Entry(path="logs", title="Logs", permission=Permission.RUN_STORE, module="system.logs", menu=_SYSTEM),
    Entry(path="store", title="Storage", permission=Permission.RUN_STORE, module="system.store", menu=_SYSTEM),
    Entry(path="jobs", title="Jobs", permission=Permission.RUN_STORE, module="system.jobs", menu=_SYSTEM),
    Entry(path="plugins", title="Plugins", permission=Permission.RUN_PLUGINS, module="system.plugins", menu=_SYSTEM),
)
"""The pages of the portal, in menu order; the first is the start page."""


def load(pages: Collection[str] | None) -> None:
    """Import these pages; None imports all. Raises StartFailed for a page that does not exist."""
    modules = {entry.path: entry.module for entry in ENTRIES}
    for path in pages or ():
        if path and path not in modules:
            raise StartFailed("PORTAL_PAGES names {name}. Choose from: {known}.", name=path, known=", ".join(modules))
    for path in modules if pages is None else pages:
        import_module(f"pages.{modules[path]}")


def run(open_portal: Callable[[], Portal]) -> None:
    """Run the script once: draw everything that the browser shows."""
    code = new_request_id()
    with log_context(request_id=code), shown_with_code(code), ExitStack() as stack:
        _run(open_portal, stack)


def _run(open_portal: Callable[[], Portal], stack: ExitStack) -> None:
    frame.style()
    try:
        portal = open_portal()
        token = st.context.cookies.get(SESSION_COOKIE)
        if hasattr(portal, "for_page"):  # On a user server.
            portal = stack.enter_context(portal.for_page(
                waiting if has_drawn() else None, tab_storage(), page=urlsplit(st.context.url or "").path, actions=kinds(), token=token,
                conversation=st.query_params.get(CONVERSATION),
            ))  # fmt: skip
        user = portal.sessions.user(token)
    except ServerUnreachable as away:
        reason = away
        _alone(t("Not ready"), lambda: wait_page(reason))
        return
    except PortalError as problem:
        sentence = plain(error_text(problem))
        _alone(t("Not ready"), lambda: _broken(sentence))
        return
    if user is None:
        _alone(t("Sign in"), lambda: sign_in.render(portal))
        return
    add_to_log_context(user_id=user.id)
    words.choose(user.language)
    if second_factor.has_codes_to_keep():
        _alone(t("Recovery codes"), second_factor.codes_to_keep)
    elif user.must_enrol:
        with drawn_for(portal, user):
            _alone(t("Second factor"), lambda: second_factor.enrol(portal, user))
    else:
        with drawn_for(portal, user), words.one_language():
            _signed_in(portal, user)


def _alone(title: str, draw: Callable[[], object]) -> None:
    """Draw a page without navigation for every URL, since this visitor can open no other page."""
    path = requested_path()
    listed = [st.Page(draw, title=title, url_path="home" if path == "start" else "start", default=True)]
    if path:  # After the sign-in, this page opens.
        listed.append(st.Page(draw, title=title, url_path=path))
    page = st.navigation(listed, position="hidden")
    _frame(title, centered=True, sidebar="collapsed")
    page.run()


def _broken(sentence: str) -> None:
    if frame.blank(t("The portal is not ready"), sentence, t("Try again")):
        st.rerun()


def _signed_in(portal: Portal, user: User) -> None:
    here = profile_of(portal.settings).pages
    served = [entry for entry in ENTRIES if here is None or entry.path in here]
    allowed = [entry for entry in served if allows(user, entry.permission)]
    listed = _grouped(portal, user, [entry for entry in allowed if not entry.hidden])
    hidden = [_forbidden(portal, entry, user) for entry in served if not allows(user, entry.permission)]
    hidden += [_elsewhere(entry) for entry in ENTRIES if entry not in served]
    hidden += [_page(portal, user, entry, t(entry.title)) for entry in allowed if entry.hidden]
    hidden += [_moved(old, entry) for old, new in MOVED.items() for entry in ENTRIES if entry.path == new]
    # Pages have no icons: the browser would show the icon of the open page, which Streamlit fetches from an external host.
    own = [
        st.Page(lambda: account.render(portal, user), title=t("Account"), url_path="account"),
        st.Page(account.open_memories, title=t("Memories"), url_path=memory.PATH, visibility="hidden"),
        st.Page(
            lambda: my_feedback.render(portal, user), title=t("My feedback"), url_path=my_feedback.PATH,
            visibility="visible" if allows(user, Permission.RATE) else "hidden",
        ),
        st.Page(lambda: help.render(user), title=t("Help"), url_path=help.PATH),
        st.Page(lambda: account.keyboard(user), title=t("Keyboard"), url_path="keyboard"),
        st.Page(lambda: account.sign_out(portal, user), title=t("Sign out"), url_path="sign-out"),
    ]
    listed.setdefault("", []).extend(hidden)
    path = requested_path()
    known = {each.url_path for pages in (*listed.values(), own) for each in pages} | {frame.START}
    if path and path not in known:
        listed[""].append(st.Page(nothing_here, title=t("There is nothing here"), url_path=path, visibility="hidden"))
    page = st.navigation({**listed, plain(user.full_name): own}, position="top")
    start = page.url_path == ""
    reading = start or any(entry.hidden and entry.path == page.url_path for entry in ENTRIES)
    _frame(_title(page), centered=reading, sidebar=272)
    record_drawn()
    frame.brand()
    notice_bell(portal, user)
    menu = _menu_of(page, {**listed, " ".join(user.full_name.split()): own})
    browser_shell(page.url_path, menu=menu, reviews=allows(user, Permission.REVIEW_FEEDBACK))
    if page.url_path != search.PATH and _has(served, search.PATH):
        search.shortcut()
    warn_about_disk(portal, user, storage=_has(served, "store"))
    with_models = _has(served, MODELS)
    if reading:
        if with_models and start:
            start_problems(portal, user, here=False)
        page.run()
    else:
        with st.container(key="tool"):
            if with_models:
                start_problems(portal, user, here=page.url_path == MODELS)
            page.run()


def _menu_of(page: st.Page, menus: Mapping[str, Sequence[st.Page]]) -> str:
    """Return the title of the open page's menu; "" if the page is in the bar itself."""
    return next((menu for menu, pages in menus.items() if any(each.url_path == page.url_path for each in pages)), "")


def _title(page: st.Page) -> str:
    """Return the title of the browser tab: the page's title, even if its menu has a shorter name for it."""
    return next((t(entry.title) for entry in ENTRIES if entry.path == page.url_path), page.title)


def _grouped(portal: Portal, user: User, entries: Sequence[Entry]) -> dict[str, list[st.Page]]:
    """Return the pages by the title of their menu; a menu with a single page is replaced by that page."""
    size = Counter(entry.menu for entry in entries)
    found: dict[str, list[st.Page]] = {"": []}
    for entry in entries:
        menu = entry.menu if size[entry.menu] > 1 else ""
        label = entry.short if menu and entry.short else entry.title
        found.setdefault(t(menu) if menu else "", []).append(_page(portal, user, entry, t(label)))
    return found


def _has(served: Sequence[Entry], path: str) -> bool:
    return any(entry.path == path for entry in served)


def _page(portal: Portal, user: User, entry: Entry, label: str) -> st.Page:
    return st.Page(
        lambda: _draw(portal, user, entry), title=label, url_path=entry.path, default=entry is ENTRIES[0],
        visibility="hidden" if entry.hidden else "visible",
    )  # fmt: skip


def _draw(portal: Portal, user: User, entry: Entry) -> None:
    """Draw the page, or the error if the portal cannot provide its data."""
    try:
        entry.render(portal, user)
    except PortalError as problem:
        if frame.blank(t("This page is unavailable"), plain(error_text(problem)), t("Try again"), key="blank-page"):
            st.rerun()


def _forbidden(portal: Portal, entry: Entry, user: User) -> st.Page:
    """Return a hidden page in place of one for other roles: if its URL is opened, it only says that the user has no access."""
    return st.Page(lambda: _refuse(portal, entry, user), title=t(entry.title), url_path=entry.path, visibility="hidden")


def _refuse(portal: Portal, entry: Entry, user: User) -> None:
    portal.audit.refused(user, f"page {entry.path}")
    no_rights(t(entry.title), entry.permission, user)


def _elsewhere(entry: Entry) -> st.Page:
    """Return a hidden page in place of one that this server's profile leaves out: if its URL is opened, it says so."""
    return st.Page(lambda: not_here(t(entry.title)), title=t(entry.title), url_path=entry.path, visibility="hidden")


def _moved(old: str, entry: Entry) -> st.Page:
    """Return a hidden page in place of one that has another address now, and that it opens."""
    return st.Page(lambda: frame.open_page(entry.path, **st.query_params), title=t(entry.title), url_path=old, visibility="hidden")


def _frame(title: str, *, centered: bool, sidebar: int | str) -> None:
    """Set the page's configuration. Call it exactly once per run: two calls with different layouts make the page jump."""
    st.set_page_config(
        page_title=f"{title} · GLM Portal",
        page_icon=frame.FAVICON,
        layout="centered" if centered else "wide",
        initial_sidebar_state=sidebar,  # type: ignore[arg-type]
        menu_items={"About": t("GLM Portal: chat with GLM models that run on your own servers.")},
    )
