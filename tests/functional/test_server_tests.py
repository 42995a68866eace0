"""llama.cpp's own server tests, run against the portal."""

from __future__ import annotations

import pytest

from core.errors import PortalError
from samples.servers.missing import missing
from tests.peers.fetched import server_tests
from tests.peers.run import run_server_tests
from tests.peers.tables import DIFFERENT, ELSEWHERE

GOAL = 0.95
RELEVANT = 100
"""The archive has more than so many tests that concern the portal: fewer mean that a table hides some."""


@pytest.fixture(scope="module", autouse=True)
def _fetched() -> None:
    try:
        server_tests()
    except (OSError, PortalError) as problem:
        missing(f"llama.cpp's source could not be fetched: {problem}")


def test_llama_cpps_server_tests_pass() -> None:
    result = run_server_tests()
    assert result.failed == 0, result.output[-8000:]
    assert result.passed > RELEVANT and result.different < RELEVANT, result.output[-3000:]
    assert result.share >= GOAL


def test_each_line_of_the_tables_has_a_reason_and_a_test() -> None:
    files = {path.name for path in (server_tests() / "unit").glob("test_*.py")}
    for pattern, reason in (*ELSEWHERE, *DIFFERENT):
        assert reason and pattern.partition("::")[0] in files, pattern
