from __future__ import annotations

import subprocess
import sys

import pytest

from models.serving.precedence import NICE

SCRIPT = """
import os, subprocess, sys, threading
from models.serving.precedence import lower_priority, urgent

def own():
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

def told(start):
    found = []
    def work():
        found.append(own())
        found.append(int(subprocess.run([sys.executable, "-c", "import os; print(os.nice(0))"], capture_output=True).stdout))
    thread = threading.Thread(target=work)
    start(thread.start)
    thread.join()
    return [nice - before for nice in found]

before = own()
early = told(urgent)
lower_priority()
lower_priority()
print(early[0], own() - before, *told(lambda start: start()), *told(urgent))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere urgency belongs to whole processes")
def test_what_computes_keeps_the_urgency_that_all_else_gives_up() -> None:
    told = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True).stdout
    assert [int(nice) for nice in told.split()] == [0, NICE, NICE, NICE, 0, 0]
