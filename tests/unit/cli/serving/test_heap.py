"""Many short-lived threads leave two heaps, not one for each of them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cli.serving.heap import MAX_ARENAS

ROOT = Path(__file__).parents[4]
THREADS = 12
COUNT = f"""
import ctypes, sys, threading
from cli.serving.heap import use_few_arenas
if sys.argv[1] == "few":
    use_few_arenas()
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fopen.restype = ctypes.c_void_p
together = threading.Barrier({THREADS})
def allocate():
    together.wait()
    libc.malloc(5000)
    together.wait()
threads = [threading.Thread(target=allocate) for _ in range({THREADS})]
for each in threads: each.start()
for each in threads: each.join()
out = ctypes.c_void_p(libc.fopen(b"/dev/stdout", b"w"))
libc.malloc_info(0, out)
libc.fflush(out)
"""


def heaps(how: str, **more: str) -> int:
    environment = {name: value for name, value in os.environ.items() if name != "MALLOC_ARENA_MAX"} | more
    command = [sys.executable, "-c", COUNT, how]
    said = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=True).stdout
    return len(re.findall("<heap nr=", said))


@pytest.mark.skipif(not sys.platform.startswith("linux") or not os.confstr("CS_GNU_LIBC_VERSION"), reason="This is about glibc.")
def test_threads_share_two_heaps_unless_the_administrator_says_otherwise() -> None:
    assert heaps("many") > MAX_ARENAS
    assert heaps("few") == MAX_ARENAS
    assert heaps("few", MALLOC_ARENA_MAX="4") == 4
