"""How many SQL statements one question costs."""

from __future__ import annotations

import httpx

from bootstrap.portal import Portal
from tests.counted_statements import counted_statements, listed

MOST = 45
"""Each statement costs 0.05 to 0.15 ms of the interpreter, which many people share; there were 75 before what was read several times in
one question was read once. Signing in and the end of the stream look the session up. The start reads the request id, limits, model and
policy, and writes two messages, a turn and their index jobs. The turn's thread reads the chat, rules, filters and limits, and writes the
result with its notice. A statement that a new feature needs belongs into one of these, or behind a switch that costs none while it is off.
"""


def test_a_question_runs_few_statements(ann: httpx.Client, portal: Portal) -> None:
    chat = ann.post("/api/v1/conversations", json={}).json()["id"]

    def ask(text: str) -> None:
        response = ann.post(f"/api/v1/conversations/{chat}/messages", json={"text": text, "stream": True})
        assert response.status_code == 200 and "event: done" in response.text, response.text

    ask("What is GLM?")  # The first question also names the chat.
    own = ("turn-", "begin-answer", "AnyIO worker")
    with counted_statements(portal.database, lambda thread: thread.startswith(own)) as statements:
        ask("Who made it?")
    assert 10 < len(statements) <= MOST, listed(statements)
