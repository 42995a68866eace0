from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from contextvars import copy_context
from threading import Thread

import pytest

from core.operations.log_context import add_to_log_context, log_context
from core.operations.log_lines import JsonLines, Masking, TextLines


class Written:
    """A logger of its own, and what came out of it."""

    def __init__(self, formatter: logging.Formatter) -> None:
        self._stream = io.StringIO()
        self.log = logging.getLogger("tests.log_lines")
        self.log.propagate = False
        self.log.setLevel(logging.DEBUG)
        handler = logging.StreamHandler(self._stream)
        handler.setFormatter(formatter)
        handler.addFilter(Masking())
        self.log.handlers = [handler]

    @property
    def text(self) -> str:
        return self._stream.getvalue()

    def lines(self) -> list[dict[str, str]]:
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture
def written() -> Iterator[Written]:
    made = Written(JsonLines())
    yield made
    made.log.handlers = []


def test_a_line_is_one_json_object_with_whose_it_is(written: Written) -> None:
    with log_context(request_id="r1"):
        add_to_log_context(user_id="u1")
        with log_context(turn_id="t1"):
            add_to_log_context(model="glm")
            written.log.info("第 %d 行\nof two", 1)
        written.log.info("after")
    written.log.info("outside")
    inside, after, outside = written.lines()
    assert inside["message"] == "第 1 行\nof two" and inside["level"] == "INFO" and inside["logger"] == "tests.log_lines"
    assert inside["time"].endswith("+00:00")
    assert [inside[name] for name in ("request_id", "user_id", "turn_id", "model")] == ["r1", "u1", "t1", "glm"]
    assert (after["user_id"], "turn_id" in after, "model" in after, "user_id" in outside) == ("u1", False, False, False)


def test_a_copy_of_the_context_on_another_thread_adds_to_the_request(written: Written) -> None:
    with log_context(request_id="r1"):
        thread = Thread(target=copy_context().run, args=(lambda: add_to_log_context(user_id="u2"),))
        thread.start()
        thread.join()
        written.log.info("x")
    assert written.lines()[0]["user_id"] == "u2"


def test_message_arguments_and_exception_are_masked(written: Written) -> None:
    try:
        raise ValueError("cannot reach postgresql://portal:pa55@db/portal")
    except ValueError:
        written.log.exception("password=%s of %s failed", "hunter2", "ann@example.com")
    [line] = written.lines()
    assert line["message"] == "password=*** of *** failed"
    assert "pa55" not in written.text and line["exception"].endswith("ValueError: cannot reach postgresql://***@db/portal")


def test_a_message_whose_arguments_do_not_fit_is_still_written(written: Written) -> None:
    written.log.info("%d of %d", "one")
    assert written.lines()[0]["message"] == "%d of %d"


def test_text_lines_cannot_be_forged() -> None:
    made = Written(TextLines())
    with log_context(user_id="u1"):
        made.log.warning("name is %s", "x\n2026-01-01 ERROR core: forged")
    made.log.handlers = []
    first, second = made.text.splitlines()
    assert " WARNING tests.log_lines: name is x" in first and second.startswith("    2026") and "[user_id=u1]" in made.text
