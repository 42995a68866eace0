"""Skip or fail a test whose server cannot be started."""

from __future__ import annotations

import os
from typing import NoReturn


def missing(what: str) -> NoReturn:
    """Skip on a developer's machine; fail where CI=true, so that nothing goes untested unseen."""
    import pytest  # Imported here: benches and the demo start these servers too.

    if os.environ.get("CI") == "true":
        pytest.fail(what, pytrace=False)
    pytest.skip(what)
