from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.serving.log_files import write_logs
from core.errors import StartFailed
from core.operations.log_lines import JsonLines, TextLines
from settings import Settings


@pytest.fixture(autouse=True)
def root() -> Iterator[None]:
    """Puts the root logger back as it was."""
    logger = logging.getLogger()
    handlers, level = list(logger.handlers), logger.level
    yield
    for handler in [each for each in logger.handlers if isinstance(each.formatter, JsonLines | TextLines)]:
        logger.removeHandler(handler)
        handler.close()
    assert set(handlers) <= set(logger.handlers)
    logger.setLevel(level)


def test_a_person_reads_warnings_as_text_and_the_file_has_everything_as_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", terminal := io.StringIO())
    write_logs(Settings(home=tmp_path))
    logging.getLogger("x").info("quiet")
    logging.getLogger("x").warning("password=hunter2")
    lines = [json.loads(line) for line in (tmp_path / "logs" / "portal.log").read_text("utf-8").splitlines()]
    assert [line["message"] for line in lines] == ["quiet", "password=***"]
    assert "quiet" not in terminal.getvalue() and "WARNING x: password=***" in terminal.getvalue()


def test_what_collects_json_gets_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", collector := io.StringIO())
    write_logs(Settings(home=tmp_path, log_format="json"))
    logging.getLogger("x").info("quiet")
    assert json.loads(collector.getvalue())["message"] == "quiet"


def test_text_is_written_to_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", terminal := io.StringIO())
    write_logs(Settings(home=tmp_path, log_format="text", log_level="DEBUG"))
    logging.getLogger("x").debug("detail")
    logging.getLogger("x").error("trouble")
    assert "DEBUG x: detail" in (tmp_path / "logs" / "portal.log").read_text("utf-8")
    assert "ERROR x: trouble" in terminal.getvalue() and "detail" not in terminal.getvalue()


def test_a_log_that_cannot_be_written_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "logs").touch()
    with pytest.raises(StartFailed, match=r"portal\.log cannot be written"):
        write_logs(Settings(home=tmp_path))


def test_lines_that_the_disk_does_not_take_go_to_the_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", terminal := io.StringIO())
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "portal.log").symlink_to("/dev/full")
    write_logs(Settings(home=tmp_path))
    for number in range(2):
        logging.getLogger("x").info("line %d password=hunter2", number)
    said = terminal.getvalue()
    assert said.count("cannot be written (No space left on device); its lines come here until it can.") == 1
    assert "line 0 password=***" in said and "line 1 password=***" in said and "Traceback" not in said
