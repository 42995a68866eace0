"""How many SQL statements one run of the chat page costs."""

from __future__ import annotations

from pathlib import Path

from core.people.records import Role
from tests.counted_statements import counted_statements, listed
from tests.pages.drawn import build
from tests.pages.test_chat import chat

MOST = 28
"""Every click runs the page again, and each statement costs 0.05 to 0.15 ms of the interpreter that all pages share. Each list, menu and
line of the page reads its own once: models, transcript, side-by-side rounds, folders, two lists of chats, titles that are coming, the
queued question, prompts, limits, tools, instructions, memory, and the meter's message.
"""


def test_a_run_of_the_chat_page_runs_few_statements(tmp_path: Path) -> None:
    house = build(tmp_path)
    try:
        ana = house.person(Role.ANALYST)
        conversation = house.ask(ana, "What is GLM?")
        drawn = chat(house, conversation, ana)
        with counted_statements(house.portal.database, lambda thread: "script" in thread.lower()) as statements:
            drawn.run()
        assert not drawn.exception
        assert 10 < len(statements) <= MOST, listed(statements)
    finally:
        house.portal.close()
