"""Name every field and query parameter that takes an id, and how to try it with an id of another person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

Ids = Mapping[str, str]


class Asked(NamedTuple):
    method: str
    path: str
    body: Any = None


def chat_path(ids: Ids) -> str:
    return f"/api/v1/conversations/{ids['conversation_id']}"


FIELDS = {
    ("POST", "/api/v1/conversations", "folder_id"): lambda id, own: Asked("POST", "/api/v1/conversations", {"folder_id": id}),
    ("PATCH", "/api/v1/conversations/{conversation_id}", "folder_id"): lambda id, own: Asked("PATCH", chat_path(own), {"folder_id": id}),
    ("GET", "/api/v1/tools", "conversation_id"): lambda id, own: Asked("GET", f"/api/v1/tools?conversation_id={id}"),
    ("GET", "/api/v1/conversations/export", "id"): lambda id, own: Asked("GET", f"/api/v1/conversations/export?id={id}"),
    ("POST", "/api/v1/conversations/delete", "ids"): lambda id, own: Asked(
        "POST", "/api/v1/conversations/delete", {"ids": [own["conversation_id"], id]}
    ),
    ("POST", "/api/v1/conversations/{conversation_id}/messages", "files"): lambda id, own: Asked(
        "POST", f"{chat_path(own)}/messages", {"text": "x", "files": [id]}
    ),
    ("POST", "/api/v1/conversations/{conversation_id}/messages", "replaces_id"): lambda id, own: Asked(
        "POST", f"{chat_path(own)}/messages", {"text": "x", "replaces_id": id}
    ),
    ("PUT", "/api/v1/conversations/{conversation_id}/follow-up", "files"): lambda id, own: Asked(
        "PUT", f"{chat_path(own)}/follow-up", {"text": "x", "files": [id]}
    ),
    ("POST", "/api/v1/conversations/{conversation_id}/side-by-side", "files"): lambda id, own: Asked(
        "POST", f"{chat_path(own)}/side-by-side", {"text": "x", "models": ["fake", "fake"], "files": [id]}
    ),
    ("POST", "/api/v1/conversations/{conversation_id}/shares", "group_id"): lambda id, own: Asked(
        "POST", f"{chat_path(own)}/shares", {"group_id": id}
    ),
    ("PUT", "/api/v1/messages/{message_id}/vote", "preferred_id"): lambda id, own: Asked(
        "PUT", f"/api/v1/messages/{own['question_id']}/vote", {"vote": "one", "preferred_id": id}
    ),
    ("PUT", "/api/v1/conversations/{conversation_id}/summary", "id"): lambda id, own: Asked(
        "PUT", f"{chat_path(own)}/summary", {"id": id, "text": "x"}
    ),
    ("POST", "/api/v1/conversations/{conversation_id}/messages", "collections"): lambda id, own: Asked(
        "POST", f"{chat_path(own)}/messages", {"text": "x", "collections": [id]}
    ),
    ("PUT", "/api/v1/conversations/{conversation_id}/follow-up", "collections"): lambda id, own: Asked(
        "PUT", f"{chat_path(own)}/follow-up", {"text": "x", "collections": [id]}
    ),
    ("POST", "/api/v1/conversations/{conversation_id}/side-by-side", "collections"): lambda id, own: Asked(
        "POST", f"{chat_path(own)}/side-by-side", {"text": "x", "models": ["fake", "fake"], "collections": [id]}
    ),
    ("POST", "/api/v1/messages/{message_id}/regenerate", "collections"): lambda id, own: Asked(
        "POST", f"/api/v1/messages/{own['answer_id']}/regenerate", {"collections": [id]}
    ),
    ("POST", "/api/v1/messages/{message_id}/continue", "collections"): lambda id, own: Asked(
        "POST", f"/api/v1/messages/{own['answer_id']}/continue", {"collections": [id]}
    ),
    ("POST", "/api/v1/collections/passages", "collections"): lambda id, own: Asked(
        "POST", "/api/v1/collections/passages", {"question": "x", "collections": [id]}
    ),
    ("PUT", "/api/v1/presets/{name}", "collections"): lambda id, own: Asked(
        "PUT", "/api/v1/presets/reader", {"model": "fake", "collections": [id]}
    ),
    ("POST", "/api/v1/task-templates", "task_id"): lambda id, own: Asked("POST", "/api/v1/task-templates", {"task_id": id}),
    ("POST", "/api/v1/task-templates/{template_id}/runs", "files"): lambda id, own: Asked(
        "POST", f"/api/v1/task-templates/{own['template_id']}/runs", {"version": 1, "files": [id]}
    ),
    ("PUT", "/api/v1/task-templates/{template_id}/schedule", "files"): lambda id, own: Asked(
        "PUT", f"/api/v1/task-templates/{own['template_id']}/schedule", {"version": 1, "every": "day", "files": [id]}
    ),
    ("POST", "/api/v1/tasks", "files"): lambda id, own: Asked("POST", "/api/v1/tasks", {"request": "x", "files": [id]}),
    ("POST", "/api/v1/chat-imports", "file_id"): lambda id, own: Asked("POST", "/api/v1/chat-imports", {"file_id": id}),
    ("POST", "/api/v1/ground", "image_id"): lambda id, own: Asked("POST", "/api/v1/ground", {"image_id": id, "phrases": ["x"]}),
    ("GET", "/api/v1/ground/export", "id"): lambda id, own: Asked("GET", f"/api/v1/ground/export?format=json&id={id}"),
    ("POST", "/v1/responses", "previous_response_id"): lambda id, own: Asked(
        "POST", "/v1/responses", {"input": "x", "previous_response_id": id}
    ),
    ("POST", "/v1/batches", "input_file_id"): lambda id, own: Asked(
        "POST", "/v1/batches", {"input_file_id": id, "endpoint": "/v1/embeddings", "completion_window": "24h"}
    ),
}  # fmt: skip
"""Fields and query parameters that take the id of a person's thing: a request with that id, and otherwise only own things."""
THING_OF_A_FIELD = {
    "collections": "collection_id",
    "id": "conversation_id", "ids": "conversation_id", "files": "file_id", "previous_response_id": "response_id",
    "input_file_id": "/v1 file_id", ("POST", "/api/v1/chat-imports", "file_id"): "/v1 file_id",
    ("GET", "/api/v1/ground/export", "id"): "run_id",
}  # fmt: skip
CURSORS = {
    ("GET", "/api/v1/conversations", "before"): "conversation_id",
    ("GET", "/api/v1/conversations", "folder"): "folder_id",
    ("GET", "/api/v1/search", "folder"): "folder_id",
    ("GET", "/api/v1/search", "conversation"): "conversation_id",
    ("GET", "/api/v1/search", "cursor"): "message_id",
    ("GET", "/api/v1/ground", "before"): "run_id",
    ("GET", "/api/v1/jobs", "before"): "job_id",
    ("GET", "/v1/files", "after"): "/v1 file_id",
    ("GET", "/v1/batches", "after"): "/v1 batch_id",
}
"""Filters and the last item read: someone else's id answers what an unknown one answers."""
NO_IDS = {
    "request_id", "tool_call_id", "call_id", "tool_use_id", "stop_token_ids", "user", "has_file", "after_id", "before_id", "image",
}  # fmt: skip
"""The program's own names for its calls, models' names, and contents. Of request_id, a test below."""
PATHS_AND_CONTENTS = {
    ("POST", "/api/v1/models/downloads", "file"), ("GET", "/api/v1/models/imports", "folder"),
    ("POST", "/api/v1/models/imports", "folder"), ("POST", "/v1/files", "file"), ("GET", "/api/v1/index/parked", "after"),
    ("PUT", "/api/v1/review-questions", "id"),
    ("GET", "/api/v1/notices", "before"), ("POST", "/api/v1/tasks", "id"), ("PATCH", "/api/v1/tasks/{task_id}", "id"),
    ("POST", "/api/v1/task-templates", "id"), ("POST", "/api/v1/task-templates", "files"),
    ("PATCH", "/api/v1/task-templates/{template_id}", "id"),
    ("GET", "/api/v1/alert-history", "before"), ("GET", "/api/v1/cases", "cursor"), ("GET", "/api/v1/own-feedback", "cursor"),
    ("PUT", "/api/v1/review-questions", "id"),
}  # fmt: skip
OF_THE_AUDIT_LOG = {
    ("GET", "/api/v1/audit", "actor_id"), ("GET", "/api/v1/audit", "cursor"), ("GET", "/api/v1/audit.csv", "actor_id"),
}  # fmt: skip
"""Filters of a list that belongs to nobody: anyone who may read the audit log reads all of it."""
IDS_OF_CALLS = {("POST", "/v1/chat/completions"), ("POST", "/v1/tokenize"), ("POST", "/v1/responses"), ("POST", "/v1/messages"),
                ("POST", "/v1/messages/count_tokens")}  # fmt: skip
"""Where `id` is the program's name of a tool's call."""
