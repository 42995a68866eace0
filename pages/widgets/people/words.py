"""Readable names of roles and permissions."""

from __future__ import annotations

from core.people.permissions import ROLES
from core.people.records import Permission
from pages.shell.words import t
from pages.widgets.chat.message import plain

PERMISSIONS = {
    Permission.CHAT: "Chat, search and use the API",
    Permission.RATE: "Rate answers",
    Permission.UPLOAD: "Upload files",
    Permission.EXPORT: "Export lists",
    Permission.DETECT: "Find boxes on images",
    Permission.MEMORY: "Have facts remembered across chats",
    Permission.RUN_TASKS: "Run tasks",
    Permission.VIEW_USAGE: "See usage",
    Permission.MANAGE_ALERTS: "Set up and silence alerts",
    Permission.REVIEW_FEEDBACK: "Review feedback",
    Permission.SET_UP_REVIEW: "Set up review",
    Permission.RUN_MODELS: "Run models",
    Permission.MANAGE_PEOPLE: "Manage people, roles and groups",
    Permission.READ_AUDIT: "Read the audit log",
    Permission.RUN_STORE: "Run storage, jobs and retention",
    Permission.RUN_PLUGINS: "Turn plugins on and off",
}


def role_word(role: str) -> str:
    """Return the name of a role; a custom role's name is not translated."""
    return t(role.title()) if role in ROLES else plain(role)


def permission_word(permission: Permission) -> str:
    """Return the readable name of a permission."""
    return t(PERMISSIONS[permission])
