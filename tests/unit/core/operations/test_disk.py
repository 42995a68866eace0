from __future__ import annotations

import pytest

from core.errors import Unavailable
from core.operations.disk import DiskSpace


class Disk:
    def __init__(self, free: int | None) -> None:
        self.free = free
        self.looks = 0
        self.now = 0.0

    def measure(self) -> int | None:
        self.looks += 1
        return self.free

    def space(self, reserve: int) -> DiskSpace:
        return DiskSpace(self.measure, reserve, lambda: self.now)


@pytest.mark.parametrize(("free", "reserve", "low"), [(100, 100, False), (99, 100, True), (0, 0, False), (None, 100, False)])
def test_a_disk_is_low_below_its_reserve(free: int | None, reserve: int, low: bool) -> None:
    assert Disk(free).space(reserve).low is low


def test_a_low_disk_takes_nothing_new_and_says_who_can_help() -> None:
    with pytest.raises(Unavailable, match="until an admin frees space"):
        Disk(0).space(1).check()


def test_the_disk_is_looked_at_once_a_second() -> None:
    disk = Disk(0)
    space = disk.space(1)
    assert space.low and space.low and space.free == 0
    assert disk.looks == 1
    disk.free, disk.now = 5, 1.0
    assert not space.low
    assert disk.looks == 2
