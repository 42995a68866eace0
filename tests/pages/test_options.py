"""Streamlit's options are read without its lock, and are the same."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from streamlit import config
from streamlit.runtime import forward_msg_cache

from pages.shell import options

LONG_S = 60.0


@pytest.fixture(autouse=True)
def replaced() -> Iterator[None]:
    options.read_without_lock()
    yield
    config.get_option = options.plain


def test_every_option_reads_as_with_the_lock() -> None:
    for key in config.get_config_options():
        assert forward_msg_cache.config.get_option(key) == options.plain(key)
    with pytest.raises(RuntimeError, match="not defined"):
        config.get_option("global.none")
    before = config.get_option("client.toolbarMode")
    config.set_option("client.toolbarMode", "minimal")
    assert config.get_option("client.toolbarMode") == "minimal"
    config.set_option("client.toolbarMode", before)


def test_a_thread_that_holds_the_lock_stops_no_page() -> None:
    config.get_config_options()
    done = threading.Event()

    def read() -> None:
        forward_msg_cache.config.get_option("global.minCachedMessageSize")
        done.set()

    with config._config_lock:
        threading.Thread(target=read, daemon=True).start()
        assert done.wait(LONG_S)
