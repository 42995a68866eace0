from __future__ import annotations

import logging

import pytest

from models.engine.llama.native import NativeLog


def test_a_decode_that_was_stopped_is_no_error_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    log = NativeLog()
    with caplog.at_level(logging.DEBUG, "llama.cpp"):
        log.receive(4, b"graph_compute: failed to compute graph, compute status: 1\n", None)
        log.receive(4, b"llama_decode: failed to decode, ret = 2\n", None)
    assert [record.levelno for record in caplog.records] == [logging.DEBUG, logging.DEBUG]


def test_a_decode_that_failed_is_one_and_tells_why(caplog: pytest.LogCaptureFixture) -> None:
    log = NativeLog()
    log.receive(4, b"graph_compute: failed to compute graph, compute status: -1\n", None)
    log.receive(4, b"llama_decode: failed to decode, ret = -3\n", None)
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.ERROR]
    assert log.last_error() == "failed to compute graph, compute status: -1"
