"""Put weights into pages of 2 MB, so that a processor that reads all of them for every token finds them quickly.

Linux gives such pages for a process's own memory (not for a mapped file), by default only on request, when the memory is first written.
`./portal bench engine --only large-pages` measures the gain.
"""

from __future__ import annotations

import ctypes
from pathlib import Path

SIZE = 2 * 1024 * 1024
_MADV_HUGEPAGE = 14
_M_MMAP_THRESHOLD = -3


def large_areas(maps: Path = Path("/proc/self/maps")) -> set[tuple[int, int]]:
    """Return begin and end of memory areas that can hold such a page: writable, and not of a file.

    Empty if the system does not report them.
    """
    try:
        lines = maps.read_text("utf-8", "replace").splitlines()
    except OSError:
        return set()
    areas = set()
    for line in lines:
        addresses, rights, _offset, _device, inode, *name = line.split(maxsplit=5)
        begin, end = (int(address, 16) for address in addresses.split("-"))
        if rights.startswith("rw") and inode == "0" and not (name and name[0].startswith("[stack")) and end - begin >= SIZE:
            areas.add((begin, end))
    return areas


def keep_apart() -> None:
    """Have the C library use a separate area for every block of memory that can hold such pages. glibc does so at first; but once large
    blocks were freed it puts later ones into its heap, which has small pages: the next model of less than some 100 MB took up to a
    quarter longer per token.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, 2 * SIZE)


def ask_for_new(before: set[tuple[int, int]]) -> int:
    """Request large pages in all areas that are new or grew since `before`; returns for how many bytes the system will give them. 0 if
    it has none: then nothing changes.
    """
    advise = getattr(ctypes.CDLL(None), "madvise", None)
    if advise is None:
        return 0
    advise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    new = large_areas() - before
    return sum(end - begin for begin, end in new if advise(begin, end - begin, _MADV_HUGEPAGE) == 0)
