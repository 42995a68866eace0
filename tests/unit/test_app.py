from __future__ import annotations

import subprocess
import sys

from cli.paths import REPOSITORY

AFTER_THE_START = """
pages.shell.navigation alembic charset_normalizer markdown_it pandas pyarrow pypdf pi_heif fpdf fontTools elasticsearch authlib ldap3
redis httpx2 remote.connection torch tokenizers
"""
"""Modules that the start must not wait for: only some requests need them, or settle() imports them once the portal answers."""
WHEN_NEEDED = """
alembic pandas pyarrow pypdf pi_heif fpdf fontTools elasticsearch authlib ldap3 redis remote.connection torch
"""
"""Modules that no start imports: the first request that needs them does."""

STARTED = f"""
import gc, sys
gc.disable()
import bootstrap.startup, app
def loaded(names): return [name for name in names.split() if name in sys.modules]
assert not loaded({AFTER_THE_START!r}), loaded({AFTER_THE_START!r})
assert not gc.get_freeze_count()
app.settle()
assert "pages.shell.navigation" in sys.modules and gc.get_freeze_count() > 100_000 and gc.isenabled()
assert not loaded({WHEN_NEEDED!r}), loaded({WHEN_NEEDED!r})
"""


def test_what_a_start_needs_is_imported_what_pages_need_afterwards_and_the_rest_when_it_is_needed() -> None:
    done = subprocess.run([sys.executable, "-c", STARTED], cwd=REPOSITORY, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-2000:]
