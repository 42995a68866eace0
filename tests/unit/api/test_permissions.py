"""Every route for everybody: the test lists who may call it, and a new route without a line here fails."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from bench.portal_parts.tls import TLS
from tests.unit.api.conftest import Server

NOBODYS = "0" * 32
ALL = {"analyst", "reviewer", "manager", "admin"}
REVIEWERS = {"reviewer", "admin"}
MANAGERS = {"manager", "admin"}
ADMINS = {"admin"}
OPEN = {"anonymous"} | ALL
RULE = {"name": "Errors", "measure": "errors", "threshold": 5}
HELLO = {"messages": [{"role": "user", "content": "Hi"}]}

ROUTES: list[tuple[str, str, Any, set[str], int]] = [
    # method, path, body, who may, what they then get
    ("POST", "/api/v1/session", {"username": "bob", "password": "correct horse"}, OPEN, 200),
    ("POST", "/api/v1/session/ticket", {"ticket": "none"}, OPEN, 401),
    ("GET", "/api/v1/session", None, ALL, 200),
    ("DELETE", "/api/v1/people/{name}/second-factor", None, ADMINS, 404),
    ("GET", "/api/v1/second-factor", None, ALL, 200),
    ("POST", "/api/v1/second-factor", None, ALL, 201),
    ("POST", "/api/v1/second-factor/confirm", {"code": "12"}, ALL, 422),
    ("POST", "/api/v1/second-factor/recovery-codes", {"code": "12"}, ALL, 422),
    ("POST", "/api/v1/second-factor/turn-off", {"code": "12"}, ALL, 422),
    ("GET", "/api/v1/oidc/start", None, OPEN, 404),
    ("GET", "/api/v1/oidc/callback", None, OPEN, 401),
    ("POST", "/api/v1/oidc/back-channel-logout", None, OPEN, 422),
    ("GET", "/api/v1/sessions", None, ALL, 200),
    ("DELETE", "/api/v1/sessions", None, ALL, 204),
    ("DELETE", "/api/v1/sessions/{session_id}", None, ALL, 404),
    ("GET", "/api/v1/keys", None, ALL, 200),
    ("GET", "/api/v1/keys/all", None, ADMINS, 200),
    ("POST", "/api/v1/keys", {"name": "script", "scopes": ["chat"]}, ALL, 201),
    ("PATCH", "/api/v1/keys/{key_id}", {"name": "x"}, ALL, 404),
    ("DELETE", "/api/v1/keys/{key_id}", None, ALL, 404),
    ("GET", "/api/v1/conversations", None, ALL, 200),
    ("POST", "/api/v1/conversations", {}, ALL, 201),
    ("GET", "/api/v1/conversations/export-formats", None, ALL, 200),
    ("GET", "/api/v1/conversations/export?id=" + NOBODYS, None, ALL, 404),
    ("POST", "/api/v1/conversations/delete", {"ids": [NOBODYS]}, ALL, 404),
    ("GET", "/api/v1/conversations/{conversation_id}", None, ALL, 404),
    ("PATCH", "/api/v1/conversations/{conversation_id}", {"title": "x"}, ALL, 404),
    ("DELETE", "/api/v1/conversations/{conversation_id}", None, ALL, 404),
    ("GET", "/api/v1/conversations/{conversation_id}/messages", None, ALL, 404),
    ("POST", "/api/v1/conversations/{conversation_id}/messages", {"text": "x"}, ALL, 404),
    ("POST", "/api/v1/conversations/{conversation_id}/stop", None, ALL, 404),
    ("POST", "/api/v1/messages/{message_id}/continue", None, ALL, 404),
    ("POST", "/api/v1/messages/{message_id}/regenerate", None, ALL, 404),
    ("PUT", "/api/v1/messages/{message_id}/shown", None, ALL, 404),
    ("GET", "/api/v1/conversations/{conversation_id}/follow-up", None, ALL, 404),
    ("PUT", "/api/v1/conversations/{conversation_id}/follow-up", {"text": "x"}, ALL, 404),
    ("DELETE", "/api/v1/conversations/{conversation_id}/follow-up", None, ALL, 404),
    ("POST", "/api/v1/conversations/{conversation_id}/side-by-side", {"text": "x", "models": ["fake", "fake"]}, ALL, 404),
    ("PUT", "/api/v1/messages/{message_id}/vote", {"vote": "alike"}, ALL, 404),
    ("POST", "/api/v1/messages/{message_id}/decide", {"step": "call_1", "decision": "allow"}, ALL, 404),
    ("GET", "/api/v1/chat-imports", None, ALL, 200),
    ("POST", "/api/v1/chat-imports", {"file_id": "nobodys"}, ALL, 404),
    ("GET", "/api/v1/shares/groups", None, ALL, 200),
    ("GET", "/api/v1/conversations/{conversation_id}/shares", None, ALL, 404),
    ("POST", "/api/v1/conversations/{conversation_id}/shares", {}, ALL, 404),
    ("GET", "/api/v1/shares/{share_id}", None, ALL, 404),
    ("DELETE", "/api/v1/shares/{share_id}", None, ALL, 404),
    ("POST", "/api/v1/files?name=a.txt", "text", ALL, 201),
    ("GET", "/api/v1/files/{file_id}", None, ALL, 404),
    ("GET", "/api/v1/files/{file_id}/content", None, ALL, 404),
    ("PATCH", "/api/v1/files/{file_id}", {"encoding": "Big5"}, ALL, 404),
    ("POST", "/api/v1/files/{file_id}/query", {"sql": "SELECT 1"}, ALL, 404),
    ("DELETE", "/api/v1/files/{file_id}", None, ALL, 404),
    ("GET", "/api/v1/conversations/{conversation_id}/context", None, ALL, 404),
    ("PUT", "/api/v1/conversations/{conversation_id}/summary", {"id": "x", "text": "y"}, ALL, 404),
    ("PUT", "/api/v1/messages/{message_id}/pinned", {"pinned": True}, ALL, 404),
    ("GET", "/api/v1/tools", None, ALL, 200),
    ("GET", "/api/v1/instructions", None, ALL, 200),
    ("GET", "/api/v1/results", None, ADMINS, 200),
    ("DELETE", "/api/v1/results", None, ADMINS, 200),
    ("GET", "/api/v1/memories", None, ALL, 200),
    ("POST", "/api/v1/memories", {"text": "The user likes tables."}, ALL, 201),
    ("DELETE", "/api/v1/memories", None, ALL, 200),
    ("PUT", "/api/v1/memories/use", {"on": False}, ALL, 200),
    ("GET", "/api/v1/memories/export", None, ALL, 200),
    ("PATCH", "/api/v1/memories/{memory_id}", {"text": "x y z"}, ALL, 404),
    ("DELETE", "/api/v1/memories/{memory_id}", None, ALL, 404),
    ("POST", "/api/v1/memories/{memory_id}/accept", None, ALL, 404),
    ("POST", "/api/v1/memories/{memory_id}/dismiss", None, ALL, 404),
    ("GET", "/api/v1/collections", None, ALL, 200),
    ("POST", "/api/v1/collections", {"name": "x"}, ALL, 201),
    ("POST", "/api/v1/collections/passages", {"question": "x", "collections": ["0" * 32]}, ALL, 404),
    ("GET", "/api/v1/collections/{collection_id}", None, ALL, 404),
    ("PATCH", "/api/v1/collections/{collection_id}", {"name": "x"}, ALL, 404),
    ("DELETE", "/api/v1/collections/{collection_id}", None, ALL, 404),
    ("GET", "/api/v1/collections/{collection_id}/documents", None, ALL, 404),
    ("POST", "/api/v1/collections/{collection_id}/documents?name=a.txt", None, ALL, 422),
    ("GET", "/api/v1/documents/{document_id}", None, ALL, 404),
    ("GET", "/api/v1/documents/{document_id}/content", None, ALL, 404),
    ("POST", "/api/v1/documents/{document_id}/read", None, ALL, 404),
    ("DELETE", "/api/v1/documents/{document_id}", None, ALL, 404),
    ("GET", "/api/v1/prompts", None, ALL, 200),
    ("POST", "/api/v1/prompts", {"title": "x", "text": "y"}, ALL, 201),
    ("GET", "/api/v1/prompts/{prompt_id}", None, ALL, 404),
    ("PATCH", "/api/v1/prompts/{prompt_id}", {"title": "x"}, ALL, 404),
    ("DELETE", "/api/v1/prompts/{prompt_id}", None, ALL, 404),
    ("GET", "/api/v1/prompts/{prompt_id}/versions", None, ALL, 404),
    ("POST", "/api/v1/prompts/{prompt_id}/versions/{number}/restore", None, ALL, 404),
    ("PUT", "/api/v1/instructions", {"text": ""}, ALL, 200),
    ("GET", "/api/v1/groups/{group_id}/instructions", None, ALL, 404),
    ("PUT", "/api/v1/groups/{group_id}/instructions", {"text": "x"}, ALL, 404),
    ("GET", "/api/v1/folders", None, ALL, 200),
    ("POST", "/api/v1/folders", {"name": "Plans"}, ALL, 201),
    ("PATCH", "/api/v1/folders/{folder_id}", {"name": "x"}, ALL, 404),
    ("DELETE", "/api/v1/folders/{folder_id}", None, ALL, 404),
    ("POST", "/api/v1/ground", {"image_id": NOBODYS, "phrases": ["x"]}, ALL, 404),
    ("GET", "/api/v1/ground", None, ALL, 200),
    ("GET", "/api/v1/ground/models", None, ALL, 200),
    ("GET", "/api/v1/ground/export?format=csv&id=" + NOBODYS, None, ALL, 404),
    ("GET", "/api/v1/ground/{run_id}", None, ALL, 404),
    ("PUT", "/api/v1/ground/{run_id}/correction", {"boxes": []}, ALL, 404),
    ("GET", "/api/v1/ground/{run_id}/drawn", None, ALL, 404),
    ("POST", "/api/v1/ground-batches?phrase=x", "text", ALL, 202),
    ("GET", "/api/v1/ground-batches", None, ALL, 200),
    ("GET", "/api/v1/ground-batches/{batch_id}", None, ALL, 404),
    ("GET", "/api/v1/ground-batches/{batch_id}/images", None, ALL, 404),
    ("GET", "/api/v1/ground-batches/{batch_id}/export?format=csv", None, ALL, 404),
    ("POST", "/api/v1/ground-batches/{batch_id}/pause", None, ALL, 404),
    ("POST", "/api/v1/ground-batches/{batch_id}/resume", None, ALL, 404),
    ("POST", "/api/v1/ground-batches/{batch_id}/cancel", None, ALL, 404),
    ("POST", "/api/v1/ground-batches/{batch_id}/retry", None, ALL, 404),
    ("DELETE", "/api/v1/ground-batches/{batch_id}", None, ALL, 404),
    ("POST", "/api/v1/ground-evaluations", {"model": "none"}, ADMINS, 404),
    ("GET", "/api/v1/ground-evaluations", None, ALL, 200),
    ("GET", "/api/v1/ground-images/{image_id}", None, ALL, 404),
    ("GET", "/api/v1/ground-images/{image_id}/content", None, ALL, 404),
    ("DELETE", "/api/v1/ground-images/{image_id}", None, ALL, 404),
    ("PUT", "/api/v1/messages/{message_id}/feedback", {"rating": 1}, ALL, 404),
    ("GET", "/api/v1/feedback", None, REVIEWERS, 200),
    ("GET", "/api/v1/feedback.csv", None, REVIEWERS, 200),
    ("GET", "/api/v1/feedback/{feedback_id}", None, REVIEWERS, 404),
    ("PATCH", "/api/v1/feedback/{feedback_id}", {"note": "x"}, REVIEWERS, 404),
    ("DELETE", "/api/v1/messages/{message_id}/feedback", None, ALL, 404),
    ("GET", "/api/v1/own-feedback", None, ALL, 200),
    ("GET", "/api/v1/own-feedback/looks", None, ALL, 200),
    ("POST", "/api/v1/messages/{message_id}/feedback/again", {}, ALL, 404),
    ("PUT", "/api/v1/messages/{message_id}/feedback/fix", {"satisfied": True}, ALL, 404),
    ("POST", "/api/v1/cases/{number}/close-alike", None, REVIEWERS, 404),
    ("POST", "/api/v1/cases/{number}/reveal", {"reason": "check", "why": "The rate"}, REVIEWERS, 404),
    ("GET", "/api/v1/rating-form", None, ALL, 200),
    ("PUT", "/api/v1/rating-form", {"version": 0, "good_reasons": [], "poor_reasons": ["Wrong"]}, ADMINS, 200),
    ("GET", "/api/v1/rating-form/versions", None, ADMINS, 200),
    ("GET", "/api/v1/cases", None, REVIEWERS, 200),
    ("GET", "/api/v1/cases/progress", None, REVIEWERS, 200),
    ("GET", "/api/v1/cases/tags", None, REVIEWERS, 200),
    ("POST", "/api/v1/cases/changes", {"cases": [{"number": 999999, "version": 1}], "state": "triaged"}, REVIEWERS, 200),
    ("GET", "/api/v1/cases/{number}", None, REVIEWERS, 404),
    ("GET", "/api/v1/cases/{number}/history", None, REVIEWERS, 404),
    ("PATCH", "/api/v1/cases/{number}", {"version": 1, "note": "x"}, REVIEWERS, 404),
    ("PUT", "/api/v1/cases/{number}/lock", {}, REVIEWERS, 404),
    ("DELETE", "/api/v1/cases/{number}/lock", None, REVIEWERS, 204),
    ("GET", "/api/v1/training-consent", None, ALL, 200),
    ("PUT", "/api/v1/training-consent", {"agreed": True}, ALL, 200),
    ("GET", "/api/v1/datasets", None, REVIEWERS, 200),
    ("POST", "/api/v1/datasets", {"name": "Rated good", "settings": {"format": "sft", "sources": ["good"]}}, REVIEWERS, 201),
    ("POST", "/api/v1/datasets/preview", {"format": "sft", "sources": ["good"]}, REVIEWERS, 200),
    ("GET", "/api/v1/datasets/{dataset_id}", None, REVIEWERS, 404),
    ("PATCH", "/api/v1/datasets/{dataset_id}", {"name": "x"}, REVIEWERS, 404),
    ("DELETE", "/api/v1/datasets/{dataset_id}", None, REVIEWERS, 404),
    ("POST", "/api/v1/datasets/{dataset_id}/versions", None, REVIEWERS, 404),
    ("GET", "/api/v1/datasets/{dataset_id}/versions/{number}", None, REVIEWERS, 404),
    ("PATCH", "/api/v1/datasets/{dataset_id}/versions/{number}", {"used_by": "x"}, REVIEWERS, 404),
    ("DELETE", "/api/v1/datasets/{dataset_id}/versions/{number}", None, REVIEWERS, 404),
    ("GET", "/api/v1/datasets/{dataset_id}/versions/{number}/files/{name}", None, REVIEWERS, 404),
    ("GET", "/api/v1/review-guidelines", None, REVIEWERS, 200),
    ("PUT", "/api/v1/review-guidelines", {"text": "", "based_on": 7}, ADMINS, 409),
    ("GET", "/api/v1/review-guidelines/versions", None, REVIEWERS, 200),
    ("GET", "/api/v1/review-guidelines/versions/{number}", None, REVIEWERS, 404),
    ("GET", "/api/v1/review-questions", None, REVIEWERS, 200),
    ("PUT", "/api/v1/review-questions", {"questions": [], "based_on": 7}, ADMINS, 409),
    ("GET", "/api/v1/review-questions/versions", None, REVIEWERS, 200),
    ("GET", "/api/v1/review-questions/versions/{number}", None, REVIEWERS, 404),
    ("GET", "/api/v1/cases/{number}/judgements", None, REVIEWERS, 404),
    ("PUT", "/api/v1/cases/{number}/judgement", {"answers": {}}, REVIEWERS, 404),
    ("PUT", "/api/v1/cases/{number}/decision", {"answers": {}}, REVIEWERS, 404),
    ("PUT", "/api/v1/cases/{number}/second", {"wanted": True}, REVIEWERS, 404),
    ("GET", "/api/v1/review-progress?days=30", None, REVIEWERS, 200),
    ("GET", "/api/v1/case-views", None, REVIEWERS, 200),
    ("PUT", "/api/v1/case-views/{name}", {"q": "rates"}, REVIEWERS, 200),
    ("DELETE", "/api/v1/case-views/{name}", None, REVIEWERS, 204),
    ("GET", "/api/v1/search?q=bond", None, ALL, 200),
    ("GET", "/api/v1/search?q=bond&kind=feedback", None, REVIEWERS, 200),
    ("GET", "/api/v1/search?q=bond&kind=audit", None, ADMINS, 200),
    ("GET", "/api/v1/usage", None, MANAGERS, 200),
    ("GET", "/api/v1/usage/boards/{board}", None, MANAGERS, 404),
    ("GET", "/api/v1/usage/boards/{board}/{table}.csv", None, MANAGERS, 404),
    ("GET", "/api/v1/usage/costs", None, MANAGERS, 200),
    ("GET", "/api/v1/usage/prices", None, MANAGERS, 200),
    ("PUT", "/api/v1/usage/prices", {"model": "x", "currency": "USD", "valid_from": "2026-01-01T00:00:00Z", "input": 1.0}, ADMINS, 204),
    ("DELETE", "/api/v1/usage/prices?model=y&valid_from=2026-01-01T00:00:00Z", None, ADMINS, 404),
    ("PUT", "/api/v1/usage/budgets", {"month": "2026-01-01", "amount": 5.0, "currency": "USD"}, MANAGERS, 204),
    ("GET", "/api/v1/alert-rules", None, MANAGERS, 200),
    ("POST", "/api/v1/alert-rules", {"rule": RULE}, MANAGERS, 201),
    ("POST", "/api/v1/alert-rules/preview", {"rule": RULE}, MANAGERS, 200),
    ("GET", "/api/v1/alert-rules/{rule_id}", None, MANAGERS, 404),
    ("PATCH", "/api/v1/alert-rules/{rule_id}", {"enabled": False}, MANAGERS, 404),
    ("DELETE", "/api/v1/alert-rules/{rule_id}", None, MANAGERS, 404),
    ("POST", "/api/v1/alert-rules/{rule_id}/acknowledge", {}, MANAGERS, 404),
    ("PUT", "/api/v1/alert-rules/{rule_id}/silence", {}, MANAGERS, 404),
    ("DELETE", "/api/v1/alert-rules/{rule_id}/silence", None, MANAGERS, 404),
    ("GET", "/api/v1/alert-rules/{rule_id}/tests", None, MANAGERS, 404),
    ("POST", "/api/v1/alert-rules/{rule_id}/tests", None, MANAGERS, 404),
    ("GET", "/api/v1/alert-history", None, MANAGERS, 200),
    ("GET", "/api/v1/alert-webhooks", None, MANAGERS, 200),
    ("POST", "/api/v1/alert-webhooks", {"name": "Pager", "address": "https://pager.example/x"}, MANAGERS, 201),
    ("DELETE", "/api/v1/alert-webhooks/{webhook_id}", None, MANAGERS, 404),
    ("GET", "/api/v1/models", None, ADMINS, 200),
    ("POST", "/api/v1/models/load", {"path": "x.gguf"}, ADMINS, 202),
    ("POST", "/api/v1/models/plan", {"path": "x.gguf"}, ADMINS, 404),
    ("DELETE", "/api/v1/models/{name}", None, ADMINS, 202),
    ("GET", "/api/v1/models/catalogue", None, ADMINS, 200),
    ("GET", "/api/v1/models/report?path=nobody.gguf", None, ADMINS, 422),
    ("GET", "/api/v1/models/report/template?path=nobody.gguf", None, ADMINS, 422),
    ("GET", "/api/v1/models/repository?name=nobody", None, ADMINS, 422),
    ("GET", "/api/v1/models/downloads", None, ADMINS, 200),
    ("POST", "/api/v1/models/downloads", {"model": "nobody"}, ADMINS, 404),
    ("POST", "/api/v1/models/downloads/{job_id}/pause", None, ADMINS, 404),
    ("POST", "/api/v1/models/downloads/{job_id}/resume", None, ADMINS, 404),
    ("POST", "/api/v1/models/downloads/{job_id}/cancel", None, ADMINS, 404),
    ("GET", "/api/v1/models/upload?name=a.gguf&total=9", None, ADMINS, 200),
    ("PUT", "/api/v1/models/upload?name=a.gguf&total=9&offset=0", {"not": "a GGUF"}, ADMINS, 422),
    ("GET", "/api/v1/models/comparisons", None, ADMINS, 200),
    ("POST", "/api/v1/models/comparisons", {"reference": "no.gguf", "candidate": "no.gguf"}, ADMINS, 422),
    ("GET", "/api/v1/models/comparisons/{comparison_id}", None, ADMINS, 404),
    ("DELETE", "/api/v1/models/comparisons/{comparison_id}", None, ADMINS, 404),
    ("GET", "/api/v1/models/comparisons/{comparison_id}/ballot", None, ADMINS, 404),
    ("POST", "/api/v1/models/comparisons/{comparison_id}/votes", {"number": 0, "choice": "a"}, ADMINS, 404),
    ("POST", "/api/v1/models/quantizations", {"path": "nothing.gguf", "precision": "Q8_0"}, ADMINS, 422),
    ("GET", "/api/v1/models/imports?folder=/nowhere", None, ADMINS, 404),
    ("POST", "/api/v1/models/imports", {"folder": "/nowhere", "name": "x"}, ADMINS, 404),
    ("GET", "/api/v1/platforms", None, ADMINS, 200),
    ("PUT", "/api/v1/platforms", {"text": "platforms: [{name: local}]"}, ADMINS, 200),
    ("POST", "/api/v1/platforms/{name}/test", {}, ADMINS, 404),
    ("POST", "/api/v1/platforms/route", {"question": "x"}, ADMINS, 200),
    ("GET", "/api/v1/platforms/embeddings", None, ADMINS, 200),
    ("DELETE", "/api/v1/platforms/embeddings", None, ADMINS, 200),
    ("GET", "/api/v1/platforms/versions", None, ADMINS, 200),
    ("GET", "/api/v1/platforms/versions/{number}", None, ADMINS, 404),
    ("POST", "/api/v1/platforms/versions/{number}/restore", None, ADMINS, 404),
    ("PUT", "/api/v1/models/{name}/residency", {"idle_minutes": 30}, ADMINS, 404),
    ("POST", "/api/v1/models/{name}/swap", {"path": "x.gguf"}, ADMINS, 409),
    ("GET", "/api/v1/swaps", None, ADMINS, 200),
    ("GET", "/api/v1/swaps/{swap_id}", None, ADMINS, 404),
    ("POST", "/api/v1/swaps/{swap_id}/approve", None, ADMINS, 404),
    ("POST", "/api/v1/swaps/{swap_id}/roll-back", None, ADMINS, 404),
    ("GET", "/api/v1/canary-questions", None, ADMINS, 200),
    ("POST", "/api/v1/canary-questions", {"question": "x"}, ADMINS, 201),
    ("DELETE", "/api/v1/canary-questions/{canary_id}", None, ADMINS, 404),
    ("GET", "/api/v1/replay-questions", None, ADMINS, 200),
    ("POST", "/api/v1/replay-questions", {"model": "x", "question": "x", "accepted": "y"}, ADMINS, 201),
    ("POST", "/api/v1/messages/{message_id}/replay-question", None, ADMINS, 404),
    ("POST", "/api/v1/feedback/{feedback_id}/replay-question", None, ADMINS, 404),
    ("DELETE", "/api/v1/replay-questions/{replay_id}", None, ADMINS, 404),
    ("GET", "/api/v1/change-markers", None, MANAGERS, 200),
    ("GET", "/api/v1/presets", None, ADMINS, 200),
    ("GET", "/api/v1/presets/{name}", None, ADMINS, 404),
    ("PUT", "/api/v1/presets/{name}", {"model": "fake"}, ADMINS, 200),
    ("DELETE", "/api/v1/presets/{name}", None, ADMINS, 204),
    ("GET", "/api/v1/model-access", None, ADMINS, 200),
    ("PUT", "/api/v1/model-access/{name}", {"roles": ["analyst"]}, ADMINS, 200),
    ("GET", "/api/v1/group-models", None, ADMINS, 200),
    ("PUT", "/api/v1/group-models", {"group": "Nobody's", "model": "fake"}, ADMINS, 200),
    ("GET", "/api/v1/people", None, ADMINS, 200),
    ("POST", "/api/v1/people", {"name": "carl", "role": "admin"}, ADMINS, 201),
    ("PATCH", "/api/v1/people/{name}", {"role": "admin", "password": "short"}, ADMINS, 422),
    ("GET", "/api/v1/people/{name}/rights", None, ADMINS, 404),
    ("GET", "/api/v1/roles", None, ADMINS, 200),
    ("POST", "/api/v1/roles", {"name": "auditor", "permissions": ["read_audit"]}, ADMINS, 201),
    ("PUT", "/api/v1/roles/{name}", {"permissions": []}, ADMINS, 404),
    ("DELETE", "/api/v1/roles/{name}", None, ADMINS, 404),
    ("GET", "/api/v1/notices", None, ALL, 200),
    ("POST", "/api/v1/notices/read", None, ALL, 204),
    ("POST", "/api/v1/notices/{notice_id}/read", None, ALL, 404),
    ("GET", "/api/v1/notices/settings", None, ALL, 200),
    ("PUT", "/api/v1/notices/settings", {"browser": True}, ALL, 200),
    ("GET", "/api/v1/plugins", None, ADMINS, 200),
    ("PUT", "/api/v1/plugins/{name}", {"everyone": True}, ADMINS, 404),
    ("GET", "/api/v1/privacy", None, ADMINS, 200),
    ("PUT", "/api/v1/privacy/{group}", {"input": "warn"}, ADMINS, 404),
    ("DELETE", "/api/v1/privacy/{group}", None, ADMINS, 404),
    ("GET", "/api/v1/audit", None, ADMINS, 200),
    ("GET", "/api/v1/audit.csv", None, ADMINS, 200),
    ("POST", "/api/v1/audit/verify", {}, ADMINS, 200),
    ("GET", "/api/v1/limits", None, ADMINS, 200),
    ("GET", "/api/v1/limits/own", None, ALL, 200),
    ("PUT", "/api/v1/limits", {"holder": "everyone", "measure": "requests", "period": "month", "amount": 999_999}, ADMINS, 200),
    ("DELETE", "/api/v1/limits/{limit_id}", None, ADMINS, 404),
    ("GET", "/api/v1/groups", None, ALL, 200),
    ("POST", "/api/v1/groups", {"name": "Risk"}, ADMINS, 201),
    ("GET", "/api/v1/groups/{group_id}", None, ALL, 404),
    ("PATCH", "/api/v1/groups/{group_id}", {"withheld": ["upload"]}, ADMINS, 404),
    ("DELETE", "/api/v1/groups/{group_id}", None, ADMINS, 404),
    ("PUT", "/api/v1/groups/{group_id}/members/{name}", None, ALL, 404),
    ("DELETE", "/api/v1/groups/{group_id}/members/{name}", None, ALL, 404),
    ("GET", "/api/v1/index", None, ADMINS, 200),
    ("GET", "/api/v1/index/parked", None, ADMINS, 200),
    ("POST", "/api/v1/index/parked/retry", {"number": 1}, ADMINS, 404),
    ("POST", "/api/v1/index/reconcile", None, ADMINS, 202),
    ("POST", "/api/v1/index/rebuild", None, ADMINS, 202),
    ("GET", "/api/v1/store", None, ADMINS, 200),
    ("GET", "/api/v1/store/backups", None, ADMINS, 200),
    ("POST", "/api/v1/store/backups", None, ADMINS, 202),
    ("GET", "/api/v1/store/backups/{name}", None, ADMINS, 404),
    ("POST", "/api/v1/store/backups/{name}/check", None, ADMINS, 404),
    ("DELETE", "/api/v1/store/backups/{name}", None, ADMINS, 404),
    ("GET", "/api/v1/retention", None, ADMINS, 200),
    ("PUT", "/api/v1/retention/rules", {"kind": "chats", "days": 4000}, ADMINS, 200),
    ("PUT", "/api/v1/retention/holds/{name}", {"reason": "x"}, ADMINS, 404),
    ("DELETE", "/api/v1/retention/holds/{name}", None, ADMINS, 404),
    ("POST", "/api/v1/retention/apply", None, ADMINS, 200),
    ("GET", "/api/v1/jobs", None, ALL, 200),
    ("GET", "/api/v1/jobs/{job_id}", None, ALL, 404),
    ("POST", "/api/v1/jobs/{job_id}/cancel", None, ALL, 404),
    ("POST", "/api/v1/jobs/{job_id}/retry", None, ALL, 404),
    ("GET", "/v1", None, OPEN, 200),
    ("GET", "/v1/models", None, ALL, 200),
    ("GET", "/v1/models/{name}", None, ALL, 404),
    ("POST", "/v1/chat/completions", HELLO, ALL, 200),
    ("POST", "/v1/completions", {"prompt": "x"}, ALL, 200),
    ("POST", "/v1/responses", {"input": "x"}, ALL, 200),
    ("GET", "/v1/responses/{response_id}", None, ALL, 404),
    ("DELETE", "/v1/responses/{response_id}", None, ALL, 404),
    ("POST", "/v1/responses/{response_id}/cancel", None, ALL, 404),
    ("GET", "/v1/responses/{response_id}/input_items", None, ALL, 404),
    ("POST", "/v1/files", {}, ALL, 400),
    ("GET", "/v1/files", None, ALL, 200),
    ("GET", "/v1/files/{file_id}", None, ALL, 404),
    ("GET", "/v1/files/{file_id}/content", None, ALL, 404),
    ("DELETE", "/v1/files/{file_id}", None, ALL, 404),
    ("POST", "/v1/batches", {"input_file_id": "x", "endpoint": "/v1/embeddings", "completion_window": "24h"}, ALL, 404),
    ("GET", "/v1/batches", None, ALL, 200),
    ("GET", "/v1/batches/{batch_id}", None, ALL, 404),
    ("POST", "/v1/batches/{batch_id}/cancel", None, ALL, 404),
    ("POST", "/v1/tokenize", {"content": "x"}, ALL, 200),
    ("POST", "/v1/detokenize", {"tokens": [1]}, ALL, 200),
    ("POST", "/v1/messages", {"max_tokens": 9, **HELLO}, ALL, 200),
    ("POST", "/v1/messages/count_tokens", HELLO, ALL, 200),
    ("POST", "/v1/embeddings", {"input": "x"}, ALL, 200),
    ("POST", "/v1/rerank", {"query": "x", "documents": ["y"]}, ALL, 200),
    ("GET", "/health", None, OPEN, 200),
    ("GET", "/healthz", None, OPEN, 200),
    ("GET", "/readyz", None, OPEN, 200),
    ("GET", "/metrics", None, OPEN, 200),
    ("GET", "/api/v1/openapi.json", None, OPEN, 200),
    ("DELETE", "/api/v1/session", None, ALL, 204),
]


def of_nobody(path: str) -> str:
    """Return the path with names, numbers and ids that nothing has."""
    for field, value in (("{name}", "nobody"), ("{number}", "999999"), ("{board}", "nobody"), ("{table}", "nothing")):
        path = path.replace(field, value)
    return re.sub(r"\{\w+_id\}", NOBODYS, path)


SCOPES = ("chat", "models", "feedback", "usage", "admin")
OF_ONE_SCOPE = {
    ("POST", "/v1/chat/completions"): "chat",
    ("POST", "/v1/messages"): "chat",
    ("POST", "/v1/embeddings"): "chat",
    ("GET", "/api/v1/conversations"): "chat",
    ("POST", "/api/v1/messages/{message_id}/regenerate"): "chat",
    ("POST", "/api/v1/models/load"): "models",
    ("PUT", "/api/v1/messages/{message_id}/feedback"): "feedback",
    ("GET", "/api/v1/feedback"): "feedback",
    ("POST", "/api/v1/ground"): "chat",
    ("GET", "/api/v1/usage"): "usage",
    ("DELETE", "/api/v1/alert-rules/{rule_id}"): "usage",
    ("POST", "/api/v1/people"): "admin",
    ("GET", "/api/v1/keys/all"): "admin",
    ("POST", "/api/v1/store/backups"): "admin",
}
BY_SESSION_ONLY = {
    ("POST", "/api/v1/cases/{number}/reveal"),
    ("GET", "/api/v1/keys"), ("POST", "/api/v1/keys"), ("PATCH", "/api/v1/keys/{key_id}"),
    ("GET", "/api/v1/sessions"), ("DELETE", "/api/v1/sessions"), ("DELETE", "/api/v1/sessions/{session_id}"),
    ("GET", "/api/v1/second-factor"), ("POST", "/api/v1/second-factor"), ("POST", "/api/v1/second-factor/confirm"),
    ("POST", "/api/v1/second-factor/recovery-codes"), ("POST", "/api/v1/second-factor/turn-off"),
}  # fmt: skip
BY_TWO_SCOPES = {
    ("POST", "/api/v1/messages/{message_id}/replay-question"): ["models", "chat"],
    ("POST", "/api/v1/messages/{message_id}/feedback/again"): ["chat", "feedback"],
    ("POST", "/api/v1/feedback/{feedback_id}/replay-question"): ["models", "feedback"],
}
FOR_EVERY_KEY = {
    ("GET", "/api/v1/session"), ("DELETE", "/api/v1/session"), ("DELETE", "/api/v1/keys/{key_id}"), ("GET", "/api/v1/limits/own"),
}  # fmt: skip
"""Who am I; what are my limits; what says that a key is no session; and what finds no key that a key may revoke."""


def test_an_admins_key_reaches_what_its_scopes_cover(address: str, signed_in: Callable[[str], httpx.Client]) -> None:
    ada, reached = signed_in("ada"), {(method, path): set[str]() for method, path, *_ in ROUTES}
    for scope in SCOPES:
        token = ada.post("/api/v1/keys", json={"name": scope, "scopes": [scope]}).json()["token"]
        with httpx.Client(verify=TLS, base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=60) as program:
            for method, path, body, allowed, _ in ROUTES:
                if "anonymous" not in allowed and (method, path) not in FOR_EVERY_KEY:
                    status = program.request(method, of_nobody(path), json=body).status_code
                    assert status < 500 and status != 401, f"{scope}: {method} {path}"
                    reached[method, path] |= {scope} if status != 403 else set()
    closed = [each[:2] for each in ROUTES if "anonymous" not in each[3] and each[:2] not in FOR_EVERY_KEY]
    assert [route for route in closed if reached[route] == set(SCOPES)] == [], "routes that forget the scopes"
    assert {route for route in closed if not reached[route]} == BY_SESSION_ONLY | set(BY_TWO_SCOPES)
    for (method, path), scopes in BY_TWO_SCOPES.items():
        token = ada.post("/api/v1/keys", json={"name": "two", "scopes": scopes}).json()["token"]
        with httpx.Client(verify=TLS, base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=60) as program:
            assert program.request(method, of_nobody(path)).status_code == 404, path
    for route, scope in OF_ONE_SCOPE.items():
        assert reached[route] == {scope}, route


@pytest.mark.parametrize("who", ["anonymous", "analyst", "reviewer", "manager", "admin"])
def test_each_role_reaches_its_routes_and_no_other(who: str, client: httpx.Client, signed_in: Callable[[str], httpx.Client]) -> None:
    asking = client if who == "anonymous" else signed_in({"analyst": "ann", "reviewer": "rita", "manager": "max", "admin": "ada"}[who])
    for method, path, body, allowed, status in ROUTES:
        filled = of_nobody(path)
        response = asking.request(method, filled, json=body)
        expected = status if who in allowed else 401 if who == "anonymous" else 403
        assert response.status_code == expected, f"{who}: {method} {filled}: {response.text[:300]}"
        if who == "anonymous":
            asking.cookies.clear()


def test_every_route_stands_in_the_table(server: Server) -> None:
    described = {(method.upper(), path) for path, methods in server.app.openapi()["paths"].items() for method in methods}
    assert described == {(method, path.partition("?")[0]) for method, path, *_ in ROUTES} - {("GET", "/api/v1/openapi.json")}


def test_a_new_role_holds_at_once(ann: httpx.Client, signed_in: Callable[[str], httpx.Client]) -> None:
    assert ann.get("/api/v1/usage").status_code == 403
    signed_in("ada").patch("/api/v1/people/ann", json={"role": "manager"})
    assert ann.get("/api/v1/usage").status_code == 200
