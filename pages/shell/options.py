"""Read Streamlit's options without its lock.

Streamlit takes one lock of the process for each message to a browser. A page that loses the interpreter while it holds the lock stops all
other pages until its turn comes again: while 50 people streamed, half of their pages stood there.
"""

from __future__ import annotations

from typing import Any

from streamlit import config

plain = config.get_option


def read_without_lock() -> None:
    """Replace Streamlit's function. Streamlit is pinned, and tests/pages/test_options.py fails if this stops working."""
    config.get_option = read


def read(key: str) -> Any:
    """Return the value of an option. Raises RuntimeError if there is no such option."""
    # Reading a name and an item of a dict is atomic; before the options are parsed, Streamlit's own function parses them.
    options = config._config_options
    found = options.get(key) if options is not None else None
    return plain(key) if found is None else found.value
