"""A page that follows an answer over its websocket: how the text arrives, and what that may cost."""

from __future__ import annotations

import threading
from pathlib import Path
from uuid import uuid4

import httpx
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from bench.engine_parts.synthetic import MIDDLE, make
from bench.portal_parts.page_socket import PageSocket
from bench.portal_parts.portal import running_portal
from pages.widgets.chat.answers.running_answer import TIMER_S

TOKENS = 600


def test_one_run_draws_a_growing_answer_many_times(tmp_path: Path) -> None:
    model = make(tmp_path, MIDDLE)
    with running_portal(PORTAL_MODEL=str(model), PORTAL_SLOTS="1", PORTAL_CONTEXT="1024") as portal, portal.sign_in() as admin:
        chat = admin.post("/api/v1/conversations", json={}).raise_for_status().json()["id"]
        body = {"text": "What can this portal do?", "request_id": uuid4().hex, "stream": True, "max_tokens": TOKENS, "temperature": 1}
        ended = threading.Event()

        def ask() -> None:
            with admin.stream("POST", f"/api/v1/conversations/{chat}/messages", json=body) as response:
                for _ in response.raise_for_status().iter_lines():
                    begun.set()
            ended.set()

        begun = threading.Event()
        asking = threading.Thread(target=ask)
        cookie = admin.headers["Authorization"].removeprefix("Bearer ")
        with PageSocket(httpx.URL(portal.url).netloc.decode(), cookie) as tab:
            asking.start()
            assert begun.wait(60)
            tab.run(query=f"c={chat}")
            parts = [each.auto_rerun for each in tab.run(query=f"c={chat}") if each.WhichOneof("type") == "auto_rerun"]
            told = [ForwardMsg.FromString(data) for data in tab.follow(parts[-1], ended, f"c={chat}")]
        asking.join()
    drawn = [len(each.delta.new_element.markdown.body) for each in told if each.delta.new_element.markdown.body.endswith("▍")]
    runs = sum(each.WhichOneof("type") == "new_session" for each in told)
    assert len(drawn) >= 5 and drawn == sorted(drawn) and drawn[-1] > drawn[0], "the text grows"
    assert runs <= len(drawn) / 4, "to begin a run costs far more than to draw once more"
    assert max(each.auto_rerun.interval for each in told) == TIMER_S, "the timer is for when something else has to run in between"
