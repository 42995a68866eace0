from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.people.records import Role
from tests.pages.seeded import Stage, as_role, page, stage, texts

TURN = "8f2c" * 8


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Stage]:
    made = stage(tmp_path, empty=True)
    yield made
    made.portal.close()


def log(made: Stage, *lines: tuple[float, str, str]) -> None:
    """Write lines: seconds ago, level, message."""
    folder = made.portal.settings.home / "logs"
    folder.mkdir(exist_ok=True)
    with (folder / "portal.log").open("a", encoding="utf-8") as file:
        for ago, level, message in sorted(lines, reverse=True):
            at = datetime.now(UTC) - timedelta(seconds=ago)
            entry = {"time": at.isoformat(), "level": level, "logger": "core.chat.turns", "message": message, "turn_id": TURN}
            file.write(json.dumps(entry) + "\n")


def test_lines_errors_and_a_turn_are_shown(made: Stage) -> None:
    assert "This server wrote nothing" in texts(page("logs", made))
    log(made, (30, "ERROR", "timeout <b>after</b> 120 s"), (20, "WARNING", "circuit opened"), (10, "INFO", "answer stored"))
    drawn = page("logs", made)
    shown = texts(drawn)
    assert not drawn.exception and "Lines: 3 · warnings: 1 · errors: 1" in shown
    assert shown.index("answer stored") < shown.index("circuit opened") < shown.index("timeout &lt;b&gt;after&lt;/b&gt;")
    assert f"href='logs?turn={TURN}'" in shown
    drawn.text_input(key="logs-search").set_value("level:loud").run()
    assert "There is no level loud" in texts(drawn)
    drawn.text_input(key="logs-search").set_value("zzyzx").run()
    assert "No lines match" in texts(drawn)
    drawn.button(key="blank-logs-action").click().run()
    assert "Lines: 3" in texts(drawn)
    drawn.segmented_control(key="logs-part").set_value("errors").run()
    assert "Errors: 1 · kinds: 1" in texts(drawn) and "logspark" in texts(drawn)
    turn = page("logs", made, query={"turn": TURN})
    assert not turn.exception and "+0.000" in texts(turn) and "Turn 8f2c8f2c" in texts(turn)
    assert "There is nothing here" in texts(page("logs", made, query={"turn": "0" * 32}))


def test_the_page_speaks_chinese_and_only_admins_open_it(made: Stage) -> None:
    log(made, (10, "INFO", "answer stored"))
    assert "跟随" in [each.label for each in page("logs", made, language="zh").toggle]
    for role in (Role.ANALYST, Role.REVIEWER, Role.MANAGER):
        refused = texts(page("logs", made, as_role(made.admin, role)))
        assert "does not allow this" in refused and "answer stored" not in refused
