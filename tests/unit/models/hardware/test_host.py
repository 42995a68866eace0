from __future__ import annotations

from pathlib import Path

from models.hardware.host import LinuxHost

STAT = "cpu  {user} 0 0 {idle} 100 0 0 0 900 0\ncpu0 1 1 1 1\n"


def test_the_processors_are_measured_since_the_reading_before(tmp_path: Path) -> None:
    stat = tmp_path / "stat"
    stat.write_text(STAT.format(user=1000, idle=1000))
    host = LinuxHost(stat, tmp_path)
    stat.write_text(STAT.format(user=1030, idle=1070))
    assert host.read().cpu == 0.3
    assert host.read().cpu is None, "no time has passed"


def test_a_container_with_a_limit_is_measured_against_it(tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text("200000 100000\n")
    (tmp_path / "cpu.stat").write_text("usage_usec 5000000\nuser_usec 1\n")
    now = [100.0]
    host = LinuxHost(tmp_path / "none", tmp_path, lambda: now[0])
    now[0] = 110.0
    (tmp_path / "cpu.stat").write_text("usage_usec 15000000\nuser_usec 1\n")
    assert host.read().cpu == 0.5


def test_what_cannot_be_read_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "stat").write_text("nonsense")
    host = LinuxHost(tmp_path / "stat", tmp_path)
    assert host.read().cpu is None


def test_this_machine_is_measured() -> None:
    reading = LinuxHost().read()
    assert reading.portal_memory and reading.memory_used and reading.memory_total
    assert 1_000_000 < reading.portal_memory < reading.memory_total and reading.memory_used <= reading.memory_total
