"""List the methods that a user server may call.

To register a method that a page calls, add its name to its service in SERVICES: to `user` if the chat, search or account pages of a user
server need it, to `staff` if only pages of managers and admins do. A new service also needs a line in remote/port.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from core.workflows.records import RunLimits


@dataclass(frozen=True, slots=True)
class Service:
    """The methods and values of one service that user servers may use. All others are refused."""

    name: str
    """The name of the portal's attribute."""
    anyone: tuple[str, ...] = ()
    """Methods that need no session, but take a token, a password or a proof."""
    user: tuple[str, ...] = ()
    """Methods for everyone who is signed in. Core checks the person's rights."""
    proving: tuple[str, ...] = ()
    """Methods of `user` that also work between the check of the password and the start of the session."""
    staff: tuple[str, ...] = ()
    """Methods of pages that user servers have only with PORTAL_INTERNAL_STAFF."""
    reads: tuple[str, ...] = ()
    """The methods, from all these lists, that change nothing. They may be called early, together with others, and twice."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """Attributes with the same value for all people, and their types."""


SERVICES = (
    Service("accounts", user=("set_language", "change_password"),
            staff=("people", "add", "change", "reset_password", "set_review_groups"), reads=("people",)),
    Service("api_keys", user=("own", "make", "rename", "revoke"), staff=("find", "of_person"), reads=("own", "find", "of_person")),
    Service("arena", user=("get", "leave", "offered", "ready", "start", "take_back", "vote"), reads=("get", "offered", "ready")),
    Service("experiments", staff=("get", "list", "promote", "raise_split", "size", "start", "stop"), reads=("get", "list", "size")),
    Service("leaderboard", staff=("csv", "groups", "read"), reads=("groups", "read")),
    Service("asking", user=("ask",)),
    Service("asking_again", user=("ask",)),
    Service("audit", user=("refused",), staff=("all", "choices", "find"), reads=("choices", "find")),
    Service("audit_chain", staff=("last", "verify"), reads=("last",)),
    Service("backups", staff=("backups", "check", "facts", "make", "remove", "task"), values={"has_passphrase": bool, "folder": Path},
            reads=("backups", "facts", "task")),
    Service("chat_imports", user=("recent", "start"), reads=("recent",)),
    Service("chat_tools", user=("allow", "list", "switch_off"), reads=("list",)),
    Service("collections", user=("add", "choices", "get", "list", "remove", "rename", "share"), reads=("choices", "get", "list")),
    Service("documents", user=("add", "get", "list", "page", "read", "read_again", "remove"), values={"max_bytes": int},
            reads=("get", "list", "page", "read")),
    Service("finder", user=("find",), reads=("find",)),
    Service("context", user=("edit_summary", "pin", "summary", "use"), reads=("summary", "use")),
    Service("conversations", user=(
        *("list", "get", "find", "new", "rename", "move", "transcript", "message", "reveal", "show_version"),
        *("delete_soon", "delete_many_soon", "deleted_just_now", "restore"),
    ), reads=("list", "get", "find", "transcript", "message", "deleted_just_now")),
    Service("devices", user=("remember",), proving=("remember",)),
    Service("disk", anyone=("check",), values={"low": bool, "free": int | None}, reads=("check",)),
    Service("downloads", staff=(
        *("cancel", "catalogue", "disk_free", "dismiss", "get", "get_file", "models", "offers", "pause", "resume", "retry", "transfers"),
    ), values={"offline": bool}, reads=("catalogue", "disk_free", "get", "get_file", "models", "offers", "transfers")),
    Service("accepted_answers", user=("accept",), staff=("accept_case",)),
    Service("exports", user=("formats",), reads=("formats",)),
    Service("feedback", user=("own", "rate"), reads=("own",)),
    Service("review_names", user=("looks",), staff=("reveal",), reads=("looks",), values={"hidden": bool}),
    Service("rating_forms", user=("current",), staff=("save", "versions"), reads=("current", "versions")),
    Service("own_feedback", user=("find", "judge_fix", "take_back"), reads=("find",)),
    Service("case_queue", staff=("count", "find", "get", "open", "progress", "reviewers", "tags"),
            reads=("count", "find", "get", "progress", "reviewers", "tags")),
    Service("case_work", staff=("change", "change_many", "close_alike", "leave", "start")),
    Service("case_views", staff=("list", "remove", "save"), reads=("list",)),
    Service("case_export", staff=("all",)),
    Service("review_questions", staff=("current", "save"), reads=("current",)),
    Service("review_judgements", staff=("ask_second", "decide", "judge", "of_case"), reads=("of_case",)),
    Service("training_consent", user=("choose", "get"), reads=("get",)),
    Service("datasets", staff=("add", "change", "download", "get", "list", "note_use", "preview", "remove", "remove_version"),
            reads=("get", "list", "preview")),
    Service("dataset_builds", staff=("start",)),
    Service("review_progress", staff=("report",), reads=("report",)),
    Service("review_guidelines", staff=("current", "save", "version", "versions"), reads=("current", "version", "versions")),
    Service("file_reports", staff=("of", "preview"), reads=("of", "preview")),
    Service("files", user=("upload", "get", "read", "read_as", "discard"), values={"max_bytes": int}, reads=("get", "read")),
    Service("folders", user=("list", "new", "rename", "remove"), reads=("list",)),
    Service("follow_ups", user=("get", "put", "send", "take_back"), reads=("get",)),
    Service("gateway", anyone=("served",), user=("chat_models", "next_target"), reads=("served", "chat_models", "next_target")),
    Service("grounding", user=(
        *("content", "find", "grounders", "history", "image", "remove", "upload"),
    ), values={"max_bytes": int}, reads=("content", "grounders", "history", "image")),
    Service("box_corrections", user=("correct",), staff=("case",), reads=("case",)),
    Service("box_exports", user=("drawn", "export")),
    Service("ground_batches", user=(
        *("cancel", "export", "get", "items", "list", "pause", "remove", "resume", "retry", "start"),
    ), values={"max_bytes": int}, reads=("get", "items", "list")),
    Service("ground_evaluations", user=("list",), staff=("start", "started"), reads=("list", "started")),
    Service("groups", user=("all", "put_member", "remove_member"), staff=("add", "change", "names", "remove"), reads=("all", "names")),
    Service("imports", staff=("models", "start"), reads=("models",)),
    Service("instructions", user=("applying", "of_group", "own", "set_for_group", "set_own"), reads=("applying", "of_group", "own")),
    Service("quantizing", staff=("start", "made", "recent"), reads=("made", "recent")),
    Service("index_maintenance", staff=("rejected_jobs", "rebuild", "reconcile", "retry", "state"), reads=("rejected_jobs", "state")),
    Service("jobs", user=("list",), staff=("get", "cancel", "resume", "retry"), reads=("list", "get")),
    Service("limits", user=("nearly_used", "states"), staff=("put", "remove", "rules"), reads=("nearly_used", "rules", "states")),
    Service("conversation_flags", user=("archive", "pin", "set_unread", "use_instructions", "use_memory")),
    Service("memories", user=(
        *("accept", "accepted", "add", "available", "clear", "dismiss", "edit", "export", "proposed", "remove", "set_use", "texts", "use"),
    ), reads=("accepted", "available", "proposed", "texts", "use")),
    Service("model_access", staff=("group_models", "groups", "restrict", "roles", "rules", "set_group_model"),
            reads=("group_models", "groups", "roles", "rules")),
    Service("models", staff=(
        *("adapters", "budget", "eviction", "evictions", "files", "keep", "names_at_start", "last_crash", "load", "loaded", "make_default"),
        *("memory", "plan", "read_file", "remembered", "reside", "start_problems", "unload"),
    ), values={"folder": Path}, reads=(
        *("adapters", "budget", "eviction", "evictions", "files", "names_at_start", "last_crash", "loaded", "memory", "plan", "read_file"),
        *("remembered", "start_problems"),
    )),
    Service("notices", user=("choices", "choose", "list", "mark_all_read", "mark_read", "unread"), reads=("choices", "list", "unread")),
    Service("presets", staff=("list", "publish", "remove", "save"), reads=("list",)),
    Service("platform_monitor", staff=("clear_embeddings", "embeddings", "explain", "reload", "states", "test"),
            reads=("embeddings", "explain", "states")),
    Service("plugins", user=("sections",), staff=("change", "groups", "list"), reads=("sections", "groups", "list")),
    Service("platforms", staff=(
        "apply", "check", "form", "restore", "state", "version", "versions", "with_platform", "with_route", "without_platform",
    ), reads=("form", "state", "version", "versions")),
    Service("privacy", user=("check",), staff=("policies", "put", "remove"), reads=("check", "policies")),
    Service("prompts", user=("add", "change", "get", "list", "remove", "restore", "set_starter", "share", "starters", "versions"),
            reads=("get", "list", "starters", "versions")),
    Service("result_cache", staff=("clear", "stats"), reads=("stats",)),
    Service("logs", staff=("errors", "find", "turn"), reads=("errors", "find", "turn")),
    Service("retention", staff=("holds", "lift_hold", "place_hold", "rules", "set_rule"), reads=("holds", "rules")),
    Service("roles", staff=("add", "all", "change", "names", "remove"), reads=("all", "names")),
    Service("search", user=("find", "models"), reads=("find", "models")),
    Service("second_factors", anyone=("prove",), user=(
        *("confirm", "needed", "renew_codes", "set_up", "state", "turn_off"),
    ), proving=("needed",), staff=("has", "remove"), reads=("needed", "state", "has")),
    Service("sessions", anyone=("user", "close", "issue_ticket", "redeem_ticket", "open"), user=(
        *("own", "revoke", "revoke_others"),
    ), values={"lifetime": timedelta}, reads=("user", "own")),
    Service("settings", values={"max_question_chars": int, "max_file_mb": int, "isolated": bool, "memory": str, "result_cache_mb": int}),
    Service("shares", user=("audiences", "create", "of_conversation", "open", "revoke"), reads=("audiences", "of_conversation", "open")),
    Service("side_by_side", user=("ask", "open", "rounds", "vote"), reads=("open", "rounds")),
    Service("sign_in", anyone=("check",)),
    Service("single_sign_on", anyone=("begin", "finish"), values={"name": str}),
    Service("suggestions", user=("suggest",), reads=("suggest",)),
    Service("comparisons", staff=("start", "list", "get", "remove", "ballot", "vote", "votes"), reads=("list", "get", "ballot", "votes")),
    Service("swaps", staff=(
        *("add_canary", "add_replay", "canaries", "decide", "get", "list", "markers", "plan", "remove_canary", "remove_replay", "replays"),
        "start",
    ), reads=("canaries", "get", "list", "markers", "plan", "replays")),
    Service("workflow_tasks", user=("add", "cancel_plan", "change", "get", "list", "plan", "planner_for", "remove"),
            values={"limits": RunLimits}, reads=("get", "list", "planner_for")),
    Service("workflow_runs", user=("answer", "cancel", "cost", "get", "let_leave", "list", "skip", "start"),
            reads=("cost", "get", "list")),
    Service("workflow_results", user=("export", "open_as_chat")),
    Service("task_templates", user=("add", "change", "get", "list", "remove", "save_task", "share"), reads=("get", "list")),
    Service("template_runs", user=("run",)),
    Service("task_schedules", user=("of", "put", "remove", "switch"), values={"time_zone": str}, reads=("of",)),
    Service("table_queries", user=("run",), reads=("run",)),
    Service("kept_chats", user=("keep",)),
    Service("temporary", user=(
        *("offered", "ask", "decide", "transcript", "running", "stop", "leave"),
    ), reads=("offered", "transcript", "running")),
    Service("turns", user=("start", "regenerate", "go_on", "decide", "stop", "running", "find", "running_conversations"),
            reads=("running", "find", "running_conversations")),
    Service("alert_rules", staff=("add", "change", "choices", "get", "overview", "remove"), reads=("choices", "get", "overview")),
    Service("alert_handling", staff=("acknowledge", "end_silence", "history", "silence"), reads=("history",)),
    Service("alert_previews", staff=("preview",), reads=("preview",)),
    Service("alert_webhooks", staff=("add", "list", "remove"), reads=("list",)),
    Service("alert_delivery", staff=("test", "tests"), reads=("tests",), values={"can_mail": bool}),
    Service("boards", staff=("adoption", "capacity", "choices", "overview", "quality", "speed"),
            reads=("adoption", "capacity", "overview", "quality", "speed")),
    Service("own_usage", user=("read",), reads=("read",)),
    Service("repricing", staff=("start",)),
    Service("report_plans", staff=("add", "change", "get", "overview", "people", "remove", "send_now", "sent"),
            reads=("get", "overview", "people", "sent"), values={"can_mail": bool}),
    Service("report_writer", staff=("formats", "made", "shown", "shown_made", "write"), reads=("formats", "shown", "shown_made")),
    Service("money", staff=("board", "prices", "remove_price", "set_budget", "set_price"), reads=("board", "prices")),
    Service("answer_lines", staff=("of_days",), reads=("of_days",)),
    Service("usage", staff=("choices", "parts", "report", "rows"), reads=("choices", "parts", "report")),
)  # fmt: skip

STAFF_VALUES = frozenset({("models", "folder"), ("backups", "folder"), ("backups", "has_passphrase")})
"""Values that only staff pages need. They show folders of the admin server."""
BY_NAME = {each.name: each for each in SERVICES}
