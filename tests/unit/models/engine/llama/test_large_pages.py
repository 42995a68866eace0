"""The guide's weights, 5 MB, fit into large pages of 2 MB."""

from __future__ import annotations

import ctypes
import mmap
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.engine_parts.synthetic import Shape, make
from models.engine.llama import large_pages
from tests.this_machine import EXTRA_BUFFERS

GUIDE = Path(__file__).parents[5] / "models" / "guide" / "guide.gguf"
GIVEN = Path("/sys/kernel/mm/transparent_hugepage/enabled")

gives_some = pytest.mark.skipif(not GIVEN.exists() or "[never]" in GIVEN.read_text(), reason="this system gives no large pages")


def asked_for(address: int) -> bool:
    """Tell whether large pages were asked for the area around an address."""
    for area in re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", Path("/proc/self/smaps").read_text(), flags=re.MULTILINE)[1:]:
        begin, end = (int(word, 16) for word in area.split(maxsplit=1)[0].split("-"))
        if begin <= address < end and re.search(r"^VmFlags:.* hg\b", area, re.MULTILINE):
            return True
    return False


@pytest.fixture
def area() -> Iterator[mmap.mmap]:
    with mmap.mmap(-1, 4 * large_pages.SIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as found:
        yield found


def test_areas_of_files_small_ones_and_stacks_are_left_out(tmp_path: Path) -> None:
    maps = tmp_path / "maps"
    maps.write_text(
        "7f0000000000-7f0000400000 rw-p 00000000 00:00 0 \n"
        "7f1000000000-7f1000100000 rw-p 00000000 00:00 0 \n"
        "7f2000000000-7f2000400000 r--p 00000000 00:00 0 \n"
        "7f3000000000-7f3000400000 rw-p 00000000 fd:00 77 /models/a file.gguf\n"
        "7f4000000000-7f4000800000 rw-p 00000000 00:00 0    [heap]\n"
        "7f5000000000-7f5000800000 rw-p 00000000 00:00 0    [stack]\n"
    )
    assert large_pages.large_areas(maps) == {(0x7F0000000000, 0x7F0000400000), (0x7F4000000000, 0x7F4000800000)}


def test_a_system_that_does_not_tell_is_not_asked(tmp_path: Path) -> None:
    assert large_pages.large_areas(tmp_path / "maps") == set()


@gives_some
def test_only_what_is_new_is_asked_for(area: mmap.mmap) -> None:
    begin = ctypes.c_char.from_buffer(area)
    before = large_pages.large_areas()
    large_pages.ask_for_new(before)
    old = asked_for(ctypes.addressof(begin))
    large_pages.ask_for_new({each for each in before if not each[0] <= ctypes.addressof(begin) < each[1]})
    new = asked_for(ctypes.addressof(begin))
    del begin
    assert (old, new) == (False, True)


LOADED_AGAIN = """
import re, sys
from pathlib import Path
from models.engine.llama.backend import LlamaBackend
from models.engine.llama.options import BackendOptions
options = BackendOptions(context=256, slots=1, extra_buffers=sys.argv[2] == "True")
for _ in range(4):
    backends = [LlamaBackend(Path(sys.argv[1]), options) for _ in range(2)]
    areas = re.split("^(?=[0-9a-f]+-[0-9a-f]+ )", Path("/proc/self/smaps").read_text(), flags=re.M)[1:]
    large = [area for area in areas if re.search("^VmFlags:.* hg( |$)", area, re.M) and "[heap]" not in area]
    print(sum(int(re.search(r"^Rss: *([0-9]+)", area, re.M)[1]) for area in large))
    for backend in backends:
        backend.close()
"""


@gives_some
def test_so_are_those_of_models_that_are_loaded_after_others_were_unloaded(tmp_path: Path) -> None:
    """glibc would put them where freed memory is, in its heap."""
    model = make(tmp_path, Shape("some", 512, 4, 8, 1536, 8_192))
    command = [sys.executable, "-c", LOADED_AGAIN, str(model), str(EXTRA_BUFFERS)]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    kilobytes = [int(line) for line in found.split()]
    assert len(kilobytes) == 4 and min(kilobytes) > 2 * 0.9 * model.stat().st_size / 1024


LOADED = """
import re, sys
from pathlib import Path
from models.engine.llama.backend import LlamaBackend
from models.engine.llama.options import BackendOptions
backend = LlamaBackend(Path(sys.argv[1]), BackendOptions(context=256, slots=1, extra_buffers=sys.argv[2] == "True"))
areas = Path("/proc/self/smaps").read_text()
print(sys.argv[1] in areas, bool(re.search("^VmFlags:.* hg( |$)", areas, re.M)))
backend.close()
"""


@gives_some
def test_on_a_processor_the_weights_are_memory_of_our_own_in_large_pages() -> None:
    """Mapped from the file, they would have small ones, and count as free while they are in use."""
    command = [sys.executable, "-c", LOADED, str(GUIDE), str(EXTRA_BUFFERS)]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert found.split() == ["False", "True"]
