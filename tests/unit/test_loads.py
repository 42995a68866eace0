"""No test loads repacked weights on a machine that refuses them: that would end the whole run."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
_CALL = re.compile(r"(?<!\w)(?:BackendOptions|Pool)\((?=[^)])")
_NEVER_LOAD = ("this_machine.py", "test_file_buffers.py", "test_loads.py", "test_faulty_processor.py")


def test_every_test_takes_its_options_from_what_this_machine_can_do() -> None:
    """By load_options or plan_here, or with extra_buffers beside the other options."""
    calls, bare = 0, []
    for path in sorted(TESTS.rglob("*.py")):
        if path.name in _NEVER_LOAD:
            continue
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if _CALL.search(line) and "class " not in line and "def " not in line:
                calls += 1
                bare += [] if "extra_buffers" in line else [f"{path.relative_to(TESTS)}:{number}"]
    assert bare == []
    assert calls > 10
