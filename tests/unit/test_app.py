from __future__ import annotations

import subprocess
import sys

from cli.paths import REPOSITORY

SETTLED = """
import gc, sys, app
assert "pages.shell.navigation" not in sys.modules and not gc.get_freeze_count()
app.settle()
assert "pages.shell.navigation" in sys.modules and gc.get_freeze_count() > 100_000
"""


def test_what_the_pages_need_is_loaded_after_the_start_and_never_looked_through_again() -> None:
    subprocess.run([sys.executable, "-c", SETTLED], cwd=REPOSITORY, check=True, timeout=120)
