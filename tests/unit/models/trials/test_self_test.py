from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.this_machine import EXTRA_BUFFERS

ROOT = Path(__file__).parents[4]


@pytest.mark.parametrize("flags", [[], ["--no-extra-buffers"]] if EXTRA_BUFFERS else [["--no-extra-buffers"]])
def test_the_self_test_prints_one_line_of_json(flags: list[str]) -> None:
    command = [sys.executable, "-m", "models.trials.self_test", *flags]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    report = json.loads(ran.stdout)
    assert ran.returncode == 0
    assert report["ok"] is True
    assert report["extra_buffers"] is not bool(flags)
    assert report["tokens_per_second"] > 1
    assert report["device"]
