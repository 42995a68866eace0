from __future__ import annotations

from pathlib import Path

from models.machine import cores, host_memory, resident_bytes

MEMINFO = "MemTotal:       8000000 kB\nMemFree:  1 kB\nMemAvailable:   4000000 kB\n"


def machine(folder: Path, **files: str) -> tuple[Path, Path]:
    meminfo = folder / "meminfo"
    meminfo.write_text(MEMINFO)
    for name, content in files.items():
        (folder / name.replace("_", ".", 1)).write_text(content)
    return meminfo, folder


def test_without_a_limit_the_hosts_memory_counts(tmp_path: Path) -> None:
    for files in ({}, {"memory_max": "max\n"}, {"memory_max": str(1 << 60)}):
        memory = host_memory(*machine(tmp_path, **files))
        assert (memory.free, memory.total) == (4_096_000_000, 8_192_000_000)


def test_a_containers_limit_counts_and_its_file_cache_makes_way(tmp_path: Path) -> None:
    stat = "anon 5\ninactive_file 200000000\n"
    memory = host_memory(*machine(tmp_path, memory_max="2000000000", memory_current="1500000000", memory_stat=stat))
    assert (memory.free, memory.total) == (700_000_000, 2_000_000_000)


def test_a_containers_share_of_processors_counts(tmp_path: Path) -> None:
    everything = cores(tmp_path)
    (tmp_path / "cpu.max").write_text("max 100000")
    assert cores(tmp_path) == everything
    (tmp_path / "cpu.max").write_text("100000 100000")
    assert cores(tmp_path) == 1
    (tmp_path / "cpu.max").write_text("50000 100000")
    assert cores(tmp_path) == 1


def test_this_process_has_memory() -> None:
    assert resident_bytes() > 10_000_000
